//! One WebRTC peer with a socket of its own: full ICE, DTLS, SRTP.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::offload::{Inbox, Socket};
use crate::video::{Packet, is_whole};

/// What our web client has room for.
const AUDIO_SLOTS: usize = 3;
const VIDEO_SLOTS: usize = 9;

/// A peer.
pub(crate) struct Peer {
    pub(crate) socket: Socket,
    pub(crate) connected: bool,
    /// Packets that came through whole.
    pub(crate) received: u64,
    pub(crate) wrong: u64,
    pub(crate) keyframe_wanted: bool,
    pub(crate) deadline: Instant,
    /// Octets of payload that a packet should have.
    pub(crate) size: usize,
    rtc: Rtc,
    address: SocketAddr,
    camera: Option<Mid>,
    pending: Option<SdpPendingOffer>,
}

impl Peer {
    pub(crate) fn new(address: IpAddr) -> io::Result<Self> {
        let inner = UdpSocket::bind((address, 0))?;
        inner.set_nonblocking(true)?;
        let (now, address) = (Instant::now(), inner.local_addr()?);
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").map_err(io::Error::other)?);
        Ok(Self {
            socket: Socket::new(inner)?,
            connected: false,
            received: 0,
            wrong: 0,
            keyframe_wanted: false,
            deadline: now,
            size: 0,
            rtc,
            address,
            camera: None,
            pending: None,
        })
    }

    /// An offer to send one video.
    pub(crate) fn offer_video(&mut self) -> io::Result<String> {
        self.offer(&[(MediaKind::Video, Direction::SendOnly)], 0, false)
    }

    /// An offer as our web client makes it: microphone, camera, screen, a channel and slots.
    pub(crate) fn offer_slots(&mut self) -> io::Result<String> {
        let (sends, receives) = (Direction::SendOnly, Direction::RecvOnly);
        let mut lines = vec![(MediaKind::Audio, sends)];
        lines.extend([(MediaKind::Video, sends); 2]);
        lines.extend([(MediaKind::Audio, receives); AUDIO_SLOTS]);
        lines.extend([(MediaKind::Video, receives); VIDEO_SLOTS + 1]);
        self.offer(&lines, 1, true)
    }

    fn offer(
        &mut self,
        lines: &[(MediaKind, Direction)],
        camera: usize,
        channel: bool,
    ) -> io::Result<String> {
        let mut change = self.rtc.sdp_api();
        for (index, (kind, direction)) in lines.iter().enumerate() {
            let mid = change.add_media(*kind, *direction, None, None, None);
            if index == camera {
                self.camera = Some(mid);
            }
        }
        if channel {
            change.add_channel("room".to_owned());
        }
        let (offer, pending) = change
            .apply()
            .ok_or_else(|| io::Error::other("nothing to offer"))?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    /// The answer to an offer of ours.
    pub(crate) fn accept(&mut self, answer: &str) -> io::Result<()> {
        let answer = SdpAnswer::from_sdp_string(answer).map_err(io::Error::other)?;
        let pending = self.pending.take();
        let pending = pending.ok_or_else(|| io::Error::other("no offer is open"))?;
        let change = self.rtc.sdp_api();
        change
            .accept_answer(pending, answer)
            .map_err(io::Error::other)?;
        self.drain()
    }

    /// Our answer to an offer.
    pub(crate) fn answer(&mut self, offer: &str) -> io::Result<String> {
        let offer = SdpOffer::from_sdp_string(offer).map_err(io::Error::other)?;
        let answer = self.rtc.sdp_api().accept_offer(offer);
        Ok(answer.map_err(io::Error::other)?.to_sdp_string())
    }

    pub(crate) fn receive(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        let mut datagrams = Vec::new();
        inbox.drain(&self.socket, |from, data| {
            datagrams.push((from, data.to_vec()));
        });
        let now = Instant::now();
        for (from, data) in datagrams {
            let parsed = Receive::new(Protocol::Udp, from, self.address, &data);
            let receive = parsed.map_err(io::Error::other)?;
            let input = Input::Receive(now, receive);
            self.rtc.handle_input(input).map_err(io::Error::other)?;
            self.drain()?;
        }
        Ok(())
    }

    pub(crate) fn timeout(&mut self, now: Instant) -> io::Result<()> {
        let input = Input::Timeout(now);
        self.rtc.handle_input(input).map_err(io::Error::other)?;
        self.drain()
    }

    /// Send a packet of the camera's.
    pub(crate) fn send(&mut self, now: Instant, packet: Packet) -> io::Result<()> {
        let missing = || io::Error::other("this peer has no camera");
        let codecs = self.rtc.codec_config();
        let vp8 = codecs.find(|params| params.spec().codec == Codec::Vp8);
        let payload_type = vp8.ok_or_else(missing)?.pt();
        let camera = self.camera.ok_or_else(missing)?;
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(camera, None).ok_or_else(missing)?;
        let write = RtpWrite::new(
            payload_type,
            packet.sequence.into(),
            packet.timestamp,
            now,
            packet.payload,
        );
        stream.write_rtp(write.marker(packet.marker).nackable(true));
        self.timeout(now)
    }

    fn drain(&mut self) -> io::Result<()> {
        loop {
            match self.rtc.poll_output().map_err(io::Error::other)? {
                Output::Timeout(at) => {
                    self.deadline = at;
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    let contents: &[u8] = &transmit.contents;
                    self.socket
                        .send(transmit.destination, contents, contents.len());
                }
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::KeyframeRequest(_) => self.keyframe_wanted = true,
            Event::RtpPacket(packet) if is_whole(&packet.payload, self.size) => self.received += 1,
            // Padding by which a sender looks for bandwidth is empty.
            Event::RtpPacket(packet) if !packet.payload.is_empty() => self.wrong += 1,
            _ => {}
        }
    }
}
