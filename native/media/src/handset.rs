//! A phone with all it has: what it hears, what browsers hear of it, and what it sees.

use std::net::SocketAddr;
use std::time::Instant;

use crate::browser::Heard;
use crate::codec::{Codec, CodecFailed, Encoder};
use crate::events::{SocketId, Stats};
use crate::level::{self, AudioLevel};
use crate::mixer::Listener;
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::pcm::Frame;
use crate::phone::Phone;
use crate::phone_video::{Common, PhoneVideo};
use crate::quality::Quality;
use crate::slots::EndpointKey;
use crate::vp8_payload::Temporal;

/// Below this a frame is not called voice (RFC 6464's V bit).
const VOICE_DBOV: f32 = -50.0;

/// One phone and its codecs.
#[derive(Debug)]
pub(crate) struct Handset {
    pub(crate) phone: Phone,
    /// What it needs of the mix.
    pub(crate) listener: Listener<EndpointKey>,
    /// Absent if browsers understand the phone as it is.
    pub(crate) relayed: Option<Relay>,
    /// Absent if it has sound only.
    pub(crate) video: Option<Box<PhoneVideo>>,
}

impl Handset {
    pub(crate) fn new(key: EndpointKey, phone: Phone) -> Result<Self, CodecFailed> {
        let codec = phone.codec();
        let relayed = match codec {
            Codec::Opus => None,
            Codec::G722 | Codec::Pcmu | Codec::Pcma => Some(Relay::new()?),
        };
        Ok(Self {
            phone,
            listener: Listener::new(key, codec),
            relayed,
            video: None,
        })
    }

    /// A datagram came in on one of its sockets.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        (socket, source): (SocketId, SocketAddr),
        data: &mut [u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        match &mut self.video {
            Some(video) if video.has(socket) => {
                video.receive(now, socket, source, data, heard, out);
            }
            _ => self.phone.receive(now, socket, source, data, heard),
        }
    }

    /// Send what is queued.
    pub(crate) fn pump(&mut self, now: Instant, out: &mut Outbox) {
        let common = self.common();
        if let Some(video) = &mut self.video {
            video.flush(now, &common, out);
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Outbox) {
        self.phone.tick(now, out);
        let common = self.common();
        if let Some(video) = &mut self.video {
            video.tick(now, &common, out);
        }
    }

    /// Say goodbye and give its sockets back.
    pub(crate) fn close(&mut self, now: Instant, out: &mut Outbox) {
        self.phone.say_goodbye(now, out);
        let common = self.common();
        if let Some(video) = &mut self.video {
            video.say_goodbye(now, &common, out);
        }
        let video = self.video.as_ref().map(|video| video.sockets());
        for sockets in [Some(self.phone.sockets()), video].into_iter().flatten() {
            out.released.push_back(sockets.rtp);
            out.released.extend(sockets.rtcp);
        }
    }

    /// The counters of all its streams.
    pub(crate) fn stats(&self) -> Stats {
        let sound = self.phone.stats();
        let Some(pictures) = self.video.as_ref().map(|video| video.stats()) else {
            return sound;
        };
        Stats {
            packets_received: sound.packets_received + pictures.packets_received,
            packets_sent: sound.packets_sent + pictures.packets_sent,
            bytes_received: sound.bytes_received + pictures.bytes_received,
            bytes_sent: sound.bytes_sent + pictures.bytes_sent,
            packets_refused: sound.packets_refused + pictures.packets_refused,
            ..sound
        }
    }

    /// How its media fares.
    pub(crate) fn quality(&self, now: Instant) -> Quality {
        let mut quality = self.phone.quality(now);
        if let Some(video) = &self.video {
            video.complete(now, &mut quality);
        }
        quality
    }

    fn common(&self) -> Common {
        Common {
            joined: self.phone.joined(),
            name: self.phone.canonical_name(),
        }
    }

    /// Frames that were never made: time has gone on all the same.
    pub(crate) fn skip(&mut self, frames: u32) {
        self.phone.skip(frames);
        if let Some(relay) = &mut self.relayed {
            relay.skip(frames);
        }
    }
}

/// A phone's speech in Opus, as one track for all browsers.
#[derive(Debug)]
pub(crate) struct Relay {
    encoder: Encoder,
    sequence: u64,
    timestamp: u32,
}

impl Relay {
    fn new() -> Result<Self, CodecFailed> {
        Ok(Self {
            encoder: Encoder::new(Codec::Opus)?,
            sequence: 0,
            timestamp: 0,
        })
    }

    /// The next packet of the track.
    pub(crate) fn encode(&mut self, now: Instant, frame: &Frame) -> Option<Forwarded> {
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(Codec::Opus.frame_ticks());
        let mut payload = Vec::new();
        self.encoder.encode(frame, &mut payload).ok()?;
        self.sequence += 1;
        let dbov = level::measure(frame);
        let level = AudioLevel::from_dbov(dbov, dbov > VOICE_DBOV);
        Some(Forwarded {
            sequence: self.sequence,
            timestamp,
            marker: false,
            arrived: now,
            level: Some((-(level.below_full_scale as i8), level.voice)),
            orientation: None,
            vp8: None,
            layer: 0,
            temporal: Temporal::default(),
            payload: payload.into(),
        })
    }

    fn skip(&mut self, frames: u32) {
        let ticks = Codec::Opus.frame_ticks().wrapping_mul(frames);
        self.timestamp = self.timestamp.wrapping_add(ticks);
    }
}
