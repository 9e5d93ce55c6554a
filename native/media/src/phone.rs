//! One phone's connection: SRTP keyed by SDES, its address, its reports.
//!
//! What is said and heard is the room's business (`mixing.rs`); here are packets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::browser::Heard;
use crate::codec::Codec;
use crate::dtmf::DtmfReceiver;
use crate::error::Refused;
use crate::events::{SocketId, Source, Stats};
use crate::leg::{PhoneLeg, PhoneSockets, check_destination};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::quality::{self, PhoneMeter, Quality};
use crate::rewrite::Rewriter;
use crate::rtcp::{Part, Reception, ReportBlock, SenderInfo, parse, write_goodbye, write_report};
use crate::rtp::{Datagram, Header, Packet};
use crate::srtp::{MAX_OVERHEAD, SrtpReceiver, SrtpSender};

/// A phone that has proven nothing by its media is sent to only for so long, and only where its signalling
/// comes from: nobody's address may be flooded (ATTACKS 13, 32).
const UNPROVEN_LIMIT: Duration = Duration::from_secs(10);
/// A phone without authentic packets for so long is gone.
const SILENT_LIMIT: Duration = Duration::from_secs(60);

/// Between reports (RFC 3550 section 6.2).
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// The stream to a phone.
#[derive(Debug)]
struct Outgoing {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    packets: u32,
    octets: u32,
}

/// The stream from a phone, made continuous when it begins anew under another SSRC.
#[derive(Debug)]
struct Incoming {
    reception: Option<Reception>,
    clock_rate: u32,
    sequence: u64,
    rewriter: Rewriter,
}

impl Incoming {
    /// Extended sequence number and continuous timestamp of a packet; `None` if it is too old.
    fn place(&mut self, now: Instant, header: &Header) -> Option<(u64, u32)> {
        let known = self.reception.take_if(|r| r.ssrc() == header.ssrc);
        let is_new = known.is_none();
        let reception =
            self.reception.insert(known.unwrap_or_else(|| {
                Reception::new(now, header.ssrc, self.clock_rate, header.sequence)
            }));
        reception.receive(now, header.sequence, header.timestamp);
        if is_new {
            // One cycle up, so that a packet before the first one has a number too.
            self.sequence = 0x1_0000 + u64::from(header.sequence);
            self.rewriter.switch();
        }
        let ahead = header.sequence.wrapping_sub(self.sequence as u16) as i16;
        let sequence = self.sequence.checked_add_signed(i64::from(ahead))?;
        self.sequence = self.sequence.max(sequence);
        self.rewriter.map(now, sequence, header.timestamp)
    }
}

/// One phone in a room.
#[derive(Debug)]
pub struct Phone {
    leg: PhoneLeg,
    sockets: PhoneSockets,
    sender: SrtpSender,
    receiver: SrtpReceiver,
    rtp_destination: SocketAddr,
    rtcp_destination: SocketAddr,
    joined: Instant,
    last_heard: Option<Instant>,
    outgoing: Outgoing,
    incoming: Incoming,
    keys: DtmfReceiver,
    next_report: Instant,
    stats: Stats,
    meter: PhoneMeter,
}

impl Phone {
    /// `start` is random: where the streams' numbers begin.
    pub fn new(
        now: Instant,
        leg: PhoneLeg,
        sockets: PhoneSockets,
        start: u128,
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
            sockets,
            joined: now,
            last_heard: None,
            outgoing: Outgoing {
                ssrc: start as u32,
                sequence: (start >> 32) as u16 & 0x7fff,
                timestamp: (start >> 48) as u32,
                packets: 0,
                octets: 0,
            },
            incoming: Incoming {
                reception: None,
                clock_rate: leg.codec.clock_rate(),
                sequence: 0,
                rewriter: Rewriter::new(
                    leg.codec.clock_rate(),
                    (start >> 80) as u16,
                    (start >> 96) as u32,
                ),
            },
            keys: DtmfReceiver::new(),
            next_report: now + REPORT_INTERVAL,
            stats: Stats::default(),
            meter: PhoneMeter::new(now),
            leg,
        })
    }

    /// Its codec.
    pub fn codec(&self) -> Codec {
        self.leg.codec
    }

    /// Its sockets.
    pub fn sockets(&self) -> PhoneSockets {
        self.sockets
    }

    /// Its counters; levels and rights are the room's business.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// How its media fares; whether it is connected is the room's business.
    pub fn quality(&self, now: Instant) -> Quality {
        self.meter.quality(now, self.leg.codec.name())
    }

    /// A datagram came in on one of its sockets. What is not authentic changes a counter only.
    pub fn receive(
        &mut self,
        now: Instant,
        socket: SocketId,
        source: SocketAddr,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
    ) {
        let on_rtp = socket == self.sockets.rtp;
        match Datagram::classify(data) {
            Datagram::Rtp if on_rtp => self.receive_rtp(now, source, data, heard),
            Datagram::Rtcp if on_rtp == self.leg.rtcp_mux => {
                self.receive_rtcp(now, source, data, heard);
            }
            _ => self.stats.packets_refused += 1,
        }
    }

    fn receive_rtp(
        &mut self,
        now: Instant,
        source: SocketAddr,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
    ) {
        let plain = self.receiver.unprotect_rtp(data);
        let Some(packet) = plain.ok().and_then(|plain| Packet::parse(plain).ok()) else {
            self.stats.packets_refused += 1;
            return;
        };
        self.rtp_destination = source;
        if self.leg.rtcp_mux {
            self.rtcp_destination = source;
        }
        self.prove(now, heard);
        self.stats.packets_received += 1;
        self.stats.bytes_received += packet.payload.len() as u64;
        let header = packet.header;
        if Some(header.payload_type) == self.leg.dtmf_payload_type {
            let digit = self.keys.receive(header.timestamp, packet.payload);
            heard.extend(digit.map(Heard::Digit));
            return;
        }
        if header.payload_type != self.leg.payload_type || packet.payload.is_empty() {
            // Comfort noise is authentic, and is not speech.
            return;
        }
        let Some((sequence, timestamp)) = self.incoming.place(now, &header) else {
            return;
        };
        let packet = Forwarded {
            sequence,
            timestamp,
            marker: header.marker,
            arrived: now,
            level: None,
            orientation: None,
            vp8: None,
            layer: 0,
            payload: packet.payload.into(),
        };
        heard.push(Heard::Packet(Source::Audio, packet));
    }

    fn receive_rtcp(
        &mut self,
        now: Instant,
        source: SocketAddr,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
    ) {
        let Ok(plain) = self.receiver.unprotect_rtcp(data) else {
            self.stats.packets_refused += 1;
            return;
        };
        for part in parse(plain).into_iter().flatten() {
            if let (Part::SenderReport { ssrc, sender, .. }, Some(reception)) =
                (part, &mut self.incoming.reception)
                && reception.ssrc() == ssrc
            {
                reception.sender_report(now, &sender);
            }
            if let Part::SenderReport { blocks, .. } | Part::ReceiverReport { blocks, .. } = part {
                let ours = blocks.iter().find(|b| b.ssrc == self.outgoing.ssrc);
                ours.iter().for_each(|block| self.on_report(now, block));
            }
        }
        // Media goes where media comes from; reports prove only that the phone is alive.
        self.rtcp_destination = source;
        self.prove(now, heard);
    }

    /// Per cent of our packets that it says it lost lately, in steps of five, 20 at most; below one it is 0.
    pub(crate) fn loss_percent(&self, now: Instant) -> u8 {
        let percent = self.meter.sent.loss(now).unwrap_or_default() * 100.0;
        if percent < 1.0 {
            return 0;
        }
        (percent.min(20.0) as u8).next_multiple_of(5)
    }

    /// What the phone says of what it hears.
    fn on_report(&mut self, now: Instant, block: &ReportBlock) {
        let (loss, jitter) = self.of_block(block);
        self.meter.sent.report(now, loss, jitter);
        let clock = (fixed_point(now.saturating_duration_since(self.joined)) >> 16) as u32;
        let trip = quality::round_trip(clock, block.last_report, block.delay);
        self.meter.take_round_trip(now, trip);
    }

    fn of_block(&self, block: &ReportBlock) -> (f32, Duration) {
        let jitter = quality::from_ticks(block.jitter, self.leg.codec.clock_rate());
        (f32::from(block.fraction_lost) / 256.0, jitter)
    }

    fn prove(&mut self, now: Instant, heard: &mut Vec<Heard>) {
        if self.last_heard.replace(now).is_none() {
            heard.push(Heard::Connected);
        }
    }

    /// Whether it has been without a sign of life for so long that it is gone.
    pub fn is_silent(&self, now: Instant) -> bool {
        now > self.last_heard.unwrap_or(self.joined) + SILENT_LIMIT
    }

    /// Send 20 ms of encoded speech; an empty payload only lets time pass.
    pub fn speak(&mut self, now: Instant, payload: &[u8], out: &mut Outbox) {
        let timestamp = self.outgoing.timestamp;
        self.outgoing.timestamp = timestamp.wrapping_add(self.leg.codec.frame_ticks());
        if payload.is_empty() || !self.may_send(now) {
            return;
        }
        let mut packet = Vec::with_capacity(12 + payload.len() + MAX_OVERHEAD);
        let header = Header {
            marker: self.outgoing.packets == 0,
            payload_type: self.leg.payload_type,
            sequence: self.outgoing.sequence,
            timestamp,
            ssrc: self.outgoing.ssrc,
        };
        header.write(&mut packet);
        packet.extend_from_slice(payload);
        self.outgoing.sequence = self.outgoing.sequence.wrapping_add(1);
        if self.sender.protect_rtp(&mut packet).is_err() {
            // Only a used-up key: the phone hears no more and will be gone for lack of reports.
            return;
        }
        self.outgoing.packets = self.outgoing.packets.wrapping_add(1);
        self.outgoing.octets = self.outgoing.octets.wrapping_add(payload.len() as u32);
        self.meter.spoken.0 += 1;
        self.meter.spoken.1 += payload.len() as u64;
        self.count_sent(packet.len());
        out.send(self.sockets.rtp, self.rtp_destination, packet);
    }

    /// Time passes for the phone without anything said.
    pub fn skip(&mut self, frames: u32) {
        let ticks = self.leg.codec.frame_ticks().wrapping_mul(frames);
        self.outgoing.timestamp = self.outgoing.timestamp.wrapping_add(ticks);
    }

    /// Time has passed: a report may be due.
    pub fn tick(&mut self, now: Instant, out: &mut Outbox) {
        let received = (self.stats.packets_received, self.stats.bytes_received);
        self.meter.tick(now, received);
        if now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            self.report(now, false, out);
        }
    }

    /// A last report, with a goodbye.
    pub fn say_goodbye(&mut self, now: Instant, out: &mut Outbox) {
        self.report(now, true, out);
    }

    fn report(&mut self, now: Instant, goodbye: bool, out: &mut Outbox) {
        if !self.may_send(now) {
            return;
        }
        let sender = (self.outgoing.packets > 0).then(|| SenderInfo {
            ntp: fixed_point(now.saturating_duration_since(self.joined)),
            rtp_timestamp: self.outgoing.timestamp,
            packets: self.outgoing.packets,
            octets: self.outgoing.octets,
        });
        let block = self.incoming.reception.as_mut().map(|r| r.report(now));
        if let Some(block) = &block {
            let (loss, jitter) = self.of_block(block);
            self.meter.received.report(now, loss, jitter);
        }
        let ssrc = self.outgoing.ssrc;
        let cname = format!("{ssrc:08x}");
        let mut packet = Vec::with_capacity(128);
        write_report(&mut packet, ssrc, sender.as_ref(), block.as_slice(), &cname);
        if goodbye {
            write_goodbye(&mut packet, ssrc);
        }
        if self.sender.protect_rtcp(&mut packet).is_ok() {
            self.count_sent(packet.len());
            let socket = self.sockets.rtcp.unwrap_or(self.sockets.rtp);
            out.send(socket, self.rtcp_destination, packet);
        }
    }

    fn may_send(&self, now: Instant) -> bool {
        let known = self.leg.remote_is_known && now <= self.joined + UNPROVEN_LIMIT;
        self.last_heard.is_some() || known
    }

    fn count_sent(&mut self, length: usize) {
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += length as u64;
    }
}

/// A time span as RTCP has it: seconds in the upper 32 bits, fractions in the lower. Reports need one
/// clock for all streams of a sender, not the time of day (RFC 3550 section 6.4.1).
fn fixed_point(span: Duration) -> u64 {
    let fraction = (u64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
    span.as_secs() << 32 | fraction
}
