//! A phone with the codecs it needs: what it hears, and what browsers hear of it.

use std::time::Instant;

use crate::codec::{Codec, CodecFailed, Encoder};
use crate::level::{self, AudioLevel};
use crate::mixer::Listener;
use crate::outgoing::Forwarded;
use crate::pcm::Frame;
use crate::phone::Phone;
use crate::slots::EndpointKey;

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
        })
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
            payload: payload.into(),
        })
    }

    fn skip(&mut self, frames: u32) {
        let ticks = Codec::Opus.frame_ticks().wrapping_mul(frames);
        self.timestamp = self.timestamp.wrapping_add(ticks);
    }
}
