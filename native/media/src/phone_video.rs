//! A phone's pictures: one stream to it that shows one track at a time, and its own camera.
//!
//! Which track and layer it shows is the room's business (`phone_pictures.rs`); here are packets, its keys
//! and its reports. Packets are forwarded as they are, save for their numbers; for a phone with H.264 they are made
//! by a transcoding (`transcoding/`).

mod feedback;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::rtp::Vp8Descriptor;

use crate::browser::Heard;
use crate::error::Refused;
use crate::events::{SocketId, Source, Stats};
use crate::h264_payload;
use crate::incoming::Incoming;
use crate::leg::{PhoneSockets, VideoCodec, VideoLeg};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::phone_stream::{Authentic, PhoneStream};
use crate::picture_budget::PictureBudget;
use crate::quality::{PhoneMeter, Quality, from_ticks};
use crate::recording::BLANK;
use crate::repairs::Repairs;
use crate::rtcp::{
    ReportBlock, SenderInfo, fixed_point, write_goodbye, write_keyframe_request, write_report,
};
use crate::rtp::{Header, Packet};
use crate::showing::{Numbers, Showing, VP8_CLOCK};
use crate::slots::TrackId;
use crate::srtp::MAX_OVERHEAD;
use crate::transcoding::{Level, Shot};
use crate::vp8_payload::{self, Temporal, write_ids};

/// Between reports (RFC 3550 section 6.2).
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// One black H.264 picture of 176x144, which every level takes; by the encoder that makes the others.
pub(crate) const BLANK_H264: &[u8] = include_bytes!("blank.h264");

/// What a phone's streams have in common: the clock and the name of their reports.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) joined: Instant,
    pub(crate) name: String,
}

/// One phone's pictures.
#[derive(Debug)]
pub struct PhoneVideo {
    leg: VideoLeg,
    stream: PhoneStream,
    /// What it is shown.
    track: Option<TrackId>,
    /// Whether what went out last is somebody's picture.
    has_stood: bool,
    /// Whether it was told that there is no place for its pictures among those that are transcoded.
    pub(crate) is_withheld: bool,
    pub(crate) showing: Showing,
    pub(crate) budget: PictureBudget,
    repairs: Repairs,
    ssrc: u32,
    sent: (u32, u32),
    /// Protected, until the room lets them go.
    queue: Vec<Vec<u8>>,
    incoming: Incoming,
    /// The number of the newest command to send a keyframe.
    commanded: Option<u8>,
    asks_keyframe: bool,
    next_report: Instant,
    meter: PhoneMeter,
}

impl PhoneVideo {
    /// `start` is random: where the streams' numbers begin.
    pub fn new(
        now: Instant,
        leg: VideoLeg,
        sockets: PhoneSockets,
        start: u128,
    ) -> Result<Self, Refused> {
        Ok(Self {
            stream: PhoneStream::new(now, &leg.stream, sockets)?,
            track: None,
            has_stood: false,
            is_withheld: false,
            showing: Showing::new(true, start as u64),
            budget: PictureBudget::new(now, leg.bandwidth),
            repairs: Repairs::new(),
            ssrc: (start >> 64) as u32,
            sent: (0, 0),
            queue: Vec::new(),
            incoming: Incoming::new(VP8_CLOCK, 0, (start >> 96) as u32),
            commanded: None,
            asks_keyframe: false,
            next_report: now + REPORT_INTERVAL,
            meter: PhoneMeter::new(now),
            leg,
        })
    }

    /// What an H.264 decoder of its takes; `None` if it has VP8.
    pub(crate) fn level(&self) -> Option<Level> {
        match self.leg.codec {
            VideoCodec::Vp8 => None,
            VideoCodec::H264 { level } => Some(level),
        }
    }

    /// Its sockets.
    pub(crate) fn sockets(&self) -> PhoneSockets {
        self.stream.sockets()
    }

    /// Whether a socket is one of its.
    pub(crate) fn has(&self, socket: SocketId) -> bool {
        self.stream.has(socket)
    }

    /// Its counters.
    pub(crate) fn stats(&self) -> Stats {
        self.stream.stats
    }

    /// Put how pictures fare into what is known of the phone; whatever it is shown counts as a camera.
    pub(crate) fn complete(&self, now: Instant, quality: &mut Quality) {
        let (received, sent) = self.meter.flows(now);
        quality.received[Source::Camera as usize] = received;
        quality.sent[Source::Camera as usize] = sent;
    }

    /// What it is shown.
    pub(crate) fn track(&self) -> Option<TrackId> {
        self.track
    }

    /// Whether it wants pictures.
    pub(crate) fn receives(&self) -> bool {
        self.leg.receives
    }

    /// Show that track from its next keyframe on. Nothing is black: who is gone isn't left standing.
    pub(crate) fn turn_to(&mut self, now: Instant, track: Option<TrackId>) {
        self.showing.switch();
        self.track = track;
        if track.is_none() {
            self.blank(now);
        }
    }

    // --- what comes ---

    /// A datagram came in on one of its sockets. What is not authentic changes a counter only.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        socket: SocketId,
        source: SocketAddr,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        match self.stream.receive(now, socket, source, data) {
            Some(Authentic::Rtp(packet)) => heard.extend(self.receive_picture(now, &packet)),
            Some(Authentic::Rtcp(plain)) => self.receive_rtcp(now, plain, heard, out),
            None => {}
        }
    }

    /// A packet of the phone's camera.
    fn receive_picture(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Heard> {
        let header = packet.header;
        // Nobody could see H.264.
        if header.payload_type != self.leg.payload_type || self.leg.codec != VideoCodec::Vp8 {
            return None;
        }
        let vp8 = Vp8Descriptor::parse(packet.payload).ok()?;
        let (sequence, timestamp) = self.incoming.place(now, &header)?;
        let forwarded = Forwarded {
            sequence,
            timestamp,
            marker: header.marker,
            arrived: now,
            level: None,
            orientation: None,
            vp8: Some(vp8),
            layer: 0,
            temporal: Temporal::of(packet.payload),
            payload: packet.payload.into(),
        };
        Some(Heard::Packet(Source::Camera, forwarded))
    }

    // --- what goes ---

    /// Whether anybody is there to be shown something.
    pub(crate) fn is_there(&self, now: Instant) -> bool {
        self.leg.receives && self.stream.may_send(now) && !self.stream.is_silent(now)
    }

    /// Queue a packet of the track that is shown. True: `flush` it.
    pub(crate) fn show(&mut self, track: TrackId, packet: &Forwarded) -> bool {
        let is_seen = self.track == Some(track) && self.leg.codec == VideoCodec::Vp8;
        if !is_seen || !self.is_there(packet.arrived) {
            return false;
        }
        let Some(numbers) = self.showing.place(packet) else {
            return false;
        };
        let mut payload = packet.payload.to_vec();
        if let Some(ids) = numbers.vp8 {
            write_ids(&mut payload, ids);
        }
        self.has_stood = true;
        self.queue(packet.arrived, &numbers, packet.marker, &payload);
        true
    }

    /// Queue a transcoded picture of the track that is shown. True: `flush` it.
    pub(crate) fn show_transcoded(&mut self, now: Instant, track: TrackId, shot: &Shot) -> bool {
        if self.track != Some(track) || self.level().is_none() || !self.is_there(now) {
            return false;
        }
        let count = shot.payloads.len();
        for (index, payload) in shot.payloads.iter().enumerate() {
            let sequence = shot.sequence + index as u64;
            let is_first = shot.fresh && index == 0;
            let placed = self
                .showing
                .place_made(now, (sequence, shot.timestamp), is_first);
            let Some(numbers) = placed else {
                return false;
            };
            self.has_stood = true;
            self.queue(now, &numbers, index + 1 == count, payload);
        }
        true
    }

    /// If anything stands there, a black picture in its place, in as many packets as it takes. True: `flush` it.
    pub(crate) fn blank(&mut self, now: Instant) -> bool {
        if !self.has_stood || !self.is_there(now) {
            return false;
        }
        self.has_stood = false;
        let payloads = match self.leg.codec {
            VideoCodec::Vp8 => vp8_payload::in_packets(BLANK),
            VideoCodec::H264 { .. } => h264_payload::in_packets(&h264_payload::units(BLANK_H264)),
        };
        let count = payloads.len();
        let Some(first) = self.showing.insert(now, count as u64) else {
            return false;
        };
        for (index, mut payload) in payloads.into_iter().enumerate() {
            if let (Some(ids), VideoCodec::Vp8) = (first.vp8, self.leg.codec) {
                write_ids(&mut payload, ids);
            }
            let sequence = first.sequence + index as u64;
            let numbers = Numbers { sequence, ..first };
            self.queue(now, &numbers, index + 1 == count, &payload);
        }
        true
    }

    fn queue(&mut self, now: Instant, numbers: &Numbers, marker: bool, payload: &[u8]) {
        let mut packet = Vec::with_capacity(12 + payload.len() + MAX_OVERHEAD);
        let header = Header {
            marker,
            payload_type: self.leg.payload_type,
            sequence: numbers.sequence as u16,
            timestamp: numbers.timestamp,
            ssrc: self.ssrc,
        };
        header.write(&mut packet);
        packet.extend_from_slice(payload);
        let Some(packet) = self.stream.protect(packet) else {
            return;
        };
        if self.leg.repairs {
            self.repairs.keep(now, header.sequence, &packet);
        }
        self.sent.0 = self.sent.0.wrapping_add(1);
        self.sent.1 = self.sent.1.wrapping_add(payload.len() as u32);
        self.meter.spoken.0 += 1;
        self.meter.spoken.1 += payload.len() as u64;
        self.queue.push(packet);
    }

    /// Ask the phone's camera for a keyframe. True: `flush` it.
    pub(crate) fn request_keyframe(&mut self) -> bool {
        self.asks_keyframe = self.incoming.ssrc().is_some();
        self.asks_keyframe
    }

    /// Send what is queued.
    pub(crate) fn flush(&mut self, now: Instant, common: &Common, out: &mut Outbox) {
        for packet in std::mem::take(&mut self.queue) {
            self.stream.send(packet, out);
        }
        if self.asks_keyframe {
            self.report(now, common, false, out);
        }
    }

    /// Time has passed: a report may be due.
    pub(crate) fn tick(&mut self, now: Instant, common: &Common, out: &mut Outbox) {
        let stats = self.stream.stats;
        self.meter
            .tick(now, (stats.packets_received, stats.bytes_received));
        self.budget.tick(now);
        if now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            self.report(now, common, false, out);
        }
    }

    /// A last report, with a goodbye.
    pub(crate) fn say_goodbye(&mut self, now: Instant, common: &Common, out: &mut Outbox) {
        self.report(now, common, true, out);
    }

    fn report(&mut self, now: Instant, common: &Common, goodbye: bool, out: &mut Outbox) {
        if !self.stream.may_send(now) || self.stream.is_silent(now) {
            return;
        }
        let sender = (self.sent.0 > 0).then(|| SenderInfo {
            ntp: fixed_point(now.saturating_duration_since(common.joined)),
            rtp_timestamp: self.showing.timestamp_at(now),
            packets: self.sent.0,
            octets: self.sent.1,
        });
        let block = self.incoming.reception.as_mut().map(|r| r.report(now));
        if let Some(block) = &block {
            let (loss, jitter) = of_block(block);
            self.meter.received.report(now, loss, jitter);
        }
        let mut packet = Vec::with_capacity(128);
        let (ssrc, blocks) = (self.ssrc, block.as_slice());
        write_report(&mut packet, ssrc, sender.as_ref(), blocks, &common.name);
        let asks = std::mem::take(&mut self.asks_keyframe);
        if let Some(of) = self.incoming.ssrc().filter(|_| asks) {
            write_keyframe_request(&mut packet, ssrc, of);
        }
        if goodbye {
            write_goodbye(&mut packet, ssrc);
        }
        self.stream.send_rtcp(packet, out);
    }
}

fn of_block(block: &ReportBlock) -> (f32, Duration) {
    let jitter = from_ticks(block.jitter, VP8_CLOCK);
    (block.loss(), jitter)
}
