//! One stream with a phone, sound or pictures: SRTP keyed by SDES, its sockets, and where its other end is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::error::Refused;
use crate::events::{SocketId, Stats};
use crate::leg::{PhoneSockets, StreamLeg, check_destination};
use crate::outbox::Outbox;
use crate::rtp::{Datagram, Packet};
use crate::srtp::{SrtpReceiver, SrtpSender};

/// A phone that has proven nothing by its media is sent to only for so long, and only where its signalling
/// comes from: nobody's address may be flooded (ATTACKS 13, 32).
const UNPROVEN_LIMIT: Duration = Duration::from_secs(10);
/// A stream without authentic packets for so long has nobody at its other end.
const SILENT_LIMIT: Duration = Duration::from_secs(60);

/// What an authentic datagram was.
#[derive(Debug)]
pub(crate) enum Authentic<'a> {
    Rtp(Packet<'a>),
    /// A compound packet that has not been looked into.
    Rtcp(&'a [u8]),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PhoneStream {
    sockets: PhoneSockets,
    sender: SrtpSender,
    receiver: SrtpReceiver,
    remote_is_known: bool,
    rtcp_mux: bool,
    rtp_destination: SocketAddr,
    rtcp_destination: SocketAddr,
    joined: Instant,
    last_heard: Option<Instant>,
    pub(crate) stats: Stats,
}

impl PhoneStream {
    /// Nothing has come or gone.
    pub(crate) fn new(
        now: Instant,
        leg: &StreamLeg,
        sockets: PhoneSockets,
    ) -> Result<Self, Refused> {
        check_destination(leg.remote)?;
        let sender = SrtpSender::new(leg.suite, &leg.local_key);
        let receiver = SrtpReceiver::new(leg.suite, &leg.remote_key);
        let rtcp_port = leg.remote.port().saturating_add(u16::from(!leg.rtcp_mux));
        Ok(Self {
            sender: sender.map_err(|_| Refused::KeyLength)?,
            receiver: receiver.map_err(|_| Refused::KeyLength)?,
            rtp_destination: leg.remote,
            rtcp_destination: SocketAddr::new(leg.remote.ip(), rtcp_port),
            remote_is_known: leg.remote_is_known,
            rtcp_mux: leg.rtcp_mux,
            sockets,
            joined: now,
            last_heard: None,
            stats: Stats::default(),
        })
    }

    /// Its sockets.
    pub(crate) fn sockets(&self) -> PhoneSockets {
        self.sockets
    }

    /// Whether a socket is one of its.
    pub(crate) fn has(&self, socket: SocketId) -> bool {
        socket == self.sockets.rtp || Some(socket) == self.sockets.rtcp
    }

    /// Whether something authentic has ever come.
    pub(crate) fn is_proven(&self) -> bool {
        self.last_heard.is_some()
    }

    /// A datagram came in on one of its sockets. What is not authentic changes a counter only.
    pub(crate) fn receive<'a>(
        &mut self,
        now: Instant,
        socket: SocketId,
        source: SocketAddr,
        data: &'a mut [u8],
    ) -> Option<Authentic<'a>> {
        let on_rtp = socket == self.sockets.rtp;
        let authentic = match Datagram::classify(data) {
            Datagram::Rtp if on_rtp => self.receive_rtp(source, data),
            Datagram::Rtcp if on_rtp == self.rtcp_mux => self.receive_rtcp(source, data),
            _ => None,
        };
        match &authentic {
            Some(_) => self.last_heard = Some(now),
            None => self.stats.packets_refused += 1,
        }
        authentic
    }

    fn receive_rtp<'a>(&mut self, source: SocketAddr, data: &'a mut [u8]) -> Option<Authentic<'a>> {
        let plain = self.receiver.unprotect_rtp(data);
        let packet = plain.ok().and_then(|plain| Packet::parse(plain).ok())?;
        self.rtp_destination = source;
        if self.rtcp_mux {
            self.rtcp_destination = source;
        }
        self.stats.packets_received += 1;
        self.stats.bytes_received += packet.payload.len() as u64;
        Some(Authentic::Rtp(packet))
    }

    /// Media goes where media comes from; reports prove only that the phone is alive.
    fn receive_rtcp<'a>(
        &mut self,
        source: SocketAddr,
        data: &'a mut [u8],
    ) -> Option<Authentic<'a>> {
        let plain = self.receiver.unprotect_rtcp(data).ok()?;
        self.rtcp_destination = source;
        Some(Authentic::Rtcp(plain))
    }

    /// Whether it has been without a sign of life for so long that nobody is there.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        now > self.last_heard.unwrap_or(self.joined) + SILENT_LIMIT
    }

    /// Whether anything may be sent to it: it has proven where it is, or is there by its signalling.
    pub(crate) fn may_send(&self, now: Instant) -> bool {
        let known = self.remote_is_known && now <= self.joined + UNPROVEN_LIMIT;
        self.last_heard.is_some() || known
    }

    /// Protect a packet; `None` if that can't be, which is only so with a used-up key or a number used
    /// before: the phone gets no more and will be gone for lack of reports.
    pub(crate) fn protect(&mut self, mut packet: Vec<u8>) -> Option<Vec<u8>> {
        self.sender.protect_rtp(&mut packet).ok()?;
        Some(packet)
    }

    /// Send a packet that has been protected.
    pub(crate) fn send(&mut self, packet: Vec<u8>, out: &mut Outbox) {
        self.count_sent(packet.len());
        out.send(self.sockets.rtp, self.rtp_destination, packet);
    }

    /// Protect and send a compound RTCP packet.
    pub(crate) fn send_rtcp(&mut self, mut packet: Vec<u8>, out: &mut Outbox) {
        if self.sender.protect_rtcp(&mut packet).is_ok() {
            self.count_sent(packet.len());
            let socket = self.sockets.rtcp.unwrap_or(self.sockets.rtp);
            out.send(socket, self.rtcp_destination, packet);
        }
    }

    fn count_sent(&mut self, length: usize) {
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += length as u64;
    }
}
