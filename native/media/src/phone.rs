//! One phone's sound: its packets, its keys, its reports.
//!
//! What is said and heard is the room's business (`mixing.rs`); pictures are `phone_video.rs`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::browser::Heard;
use crate::codec::Codec;
use crate::dtmf::DtmfReceiver;
use crate::error::Refused;
use crate::events::{SocketId, Source, Stats};
use crate::incoming::Incoming;
use crate::leg::{PhoneLeg, PhoneSockets, StreamLeg};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::phone_stream::{Authentic, PhoneStream};
use crate::quality::{self, PhoneMeter, Quality};
use crate::rtcp::{Part, ReportBlock, SenderInfo, fixed_point, parse, write_goodbye, write_report};
use crate::rtp::{Header, Packet};
use crate::srtp::MAX_OVERHEAD;
use crate::vp8_payload::Temporal;

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

/// One phone in a room.
#[derive(Debug)]
pub struct Phone {
    leg: PhoneLeg,
    stream: PhoneStream,
    joined: Instant,
    outgoing: Outgoing,
    incoming: Incoming,
    keys: DtmfReceiver,
    next_report: Instant,
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
        let clock_rate = leg.codec.clock_rate();
        Ok(Self {
            stream: PhoneStream::new(now, &StreamLeg::from(&leg), sockets)?,
            joined: now,
            outgoing: Outgoing {
                ssrc: start as u32,
                sequence: (start >> 32) as u16 & 0x7fff,
                timestamp: (start >> 48) as u32,
                packets: 0,
                octets: 0,
            },
            incoming: Incoming::new(clock_rate, (start >> 80) as u16, (start >> 96) as u32),
            keys: DtmfReceiver::new(),
            next_report: now + REPORT_INTERVAL,
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
        self.stream.sockets()
    }

    /// Its counters; levels and rights are the room's business.
    pub fn stats(&self) -> Stats {
        self.stream.stats
    }

    /// How its media fares; whether it is connected is the room's business.
    pub fn quality(&self, now: Instant) -> Quality {
        self.meter.quality(now, self.leg.codec.name())
    }

    /// The name that its streams have in common, by which they are played together (RFC 3550 section 6.5.1).
    pub(crate) fn canonical_name(&self) -> String {
        format!("{:08x}", self.outgoing.ssrc)
    }

    /// When it joined: the zero of the clock of its reports.
    pub(crate) fn joined(&self) -> Instant {
        self.joined
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
        let was_proven = self.stream.is_proven();
        let authentic = self.stream.receive(now, socket, source, data);
        if !was_proven && authentic.is_some() {
            heard.push(Heard::Connected);
        }
        match authentic {
            Some(Authentic::Rtp(packet)) => self.receive_rtp(now, &packet, heard),
            Some(Authentic::Rtcp(plain)) => self.receive_rtcp(now, plain),
            None => {}
        }
    }

    fn receive_rtp(&mut self, now: Instant, packet: &Packet<'_>, heard: &mut Vec<Heard>) {
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
            temporal: Temporal::default(),
            payload: packet.payload.into(),
        };
        heard.push(Heard::Packet(Source::Audio, packet));
    }

    fn receive_rtcp(&mut self, now: Instant, plain: &[u8]) {
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
        (block.loss(), jitter)
    }

    /// Whether it has been without a sign of life for so long that it is gone.
    pub fn is_silent(&self, now: Instant) -> bool {
        self.stream.is_silent(now)
    }

    /// Send 20 ms of encoded speech; an empty payload only lets time pass.
    pub fn speak(&mut self, now: Instant, payload: &[u8], out: &mut Outbox) {
        let timestamp = self.outgoing.timestamp;
        self.outgoing.timestamp = timestamp.wrapping_add(self.leg.codec.frame_ticks());
        if payload.is_empty() || !self.stream.may_send(now) {
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
        let Some(packet) = self.stream.protect(packet) else {
            return;
        };
        self.outgoing.packets = self.outgoing.packets.wrapping_add(1);
        self.outgoing.octets = self.outgoing.octets.wrapping_add(payload.len() as u32);
        self.meter.spoken.0 += 1;
        self.meter.spoken.1 += payload.len() as u64;
        self.stream.send(packet, out);
    }

    /// Time passes for the phone without anything said.
    pub fn skip(&mut self, frames: u32) {
        let ticks = self.leg.codec.frame_ticks().wrapping_mul(frames);
        self.outgoing.timestamp = self.outgoing.timestamp.wrapping_add(ticks);
    }

    /// Time has passed: a report may be due.
    pub fn tick(&mut self, now: Instant, out: &mut Outbox) {
        let stats = self.stream.stats;
        let received = (stats.packets_received, stats.bytes_received);
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
        if !self.stream.may_send(now) {
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
        let cname = self.canonical_name();
        let mut packet = Vec::with_capacity(128);
        write_report(&mut packet, ssrc, sender.as_ref(), block.as_slice(), &cname);
        if goodbye {
            write_goodbye(&mut packet, ssrc);
        }
        self.stream.send_rtcp(packet, out);
    }
}
