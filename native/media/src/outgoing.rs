//! The receive slots of one browser, seen from our side: streams to it, and what is in them.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::Mid;
use str0m::rtp::{VideoOrientation, Vp8Descriptor};

use crate::egress::{Egress, Plain};
use crate::events::Source;
use crate::showing::Showing;
use crate::slots::TrackId;
use crate::vp8_payload::Temporal;

/// A packet on its way from one sender to many slots.
#[derive(Debug, Clone)]
pub struct Forwarded {
    /// Extended sequence number of the sender's stream.
    pub sequence: u64,
    /// RTP timestamp of the sender's stream.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// When it arrived.
    pub arrived: Instant,
    /// Audio level as RFC 6464 has it: dBov, and whether it is voice.
    pub level: Option<(i8, bool)>,
    /// How the camera is held.
    pub orientation: Option<VideoOrientation>,
    /// Parsed once for all receivers; `None` for audio.
    pub vp8: Option<Vp8Descriptor>,
    /// Which of the sender's layers it is of, 0 for the smallest picture.
    pub layer: u8,
    /// Its place among the frames of a layer with temporal layers.
    pub temporal: Temporal,
    /// The payload, shared by all receivers.
    pub payload: Arc<[u8]>,
}

impl Forwarded {
    /// Whether a decoder can begin with it.
    pub fn starts_keyframe(&self) -> bool {
        self.vp8
            .is_some_and(|descriptor| descriptor.starts_keyframe(&self.payload))
    }
}

/// One slot's stream.
#[derive(Debug)]
pub struct SlotStream {
    mid: Mid,
    /// Its place among all that goes out.
    stream: usize,
    /// What goes out.
    pub showing: Showing,
}

impl SlotStream {
    /// A stream for a source's kind; `start` is random.
    pub fn new(mid: Mid, stream: usize, source: Source, start: u64) -> Self {
        Self {
            mid,
            stream,
            showing: Showing::new(source.is_video(), start),
        }
    }

    /// The slot's name.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// Queue a packet; false if it is of no use to the receiver.
    fn write(&mut self, egress: &mut Egress, packet: &Forwarded) -> bool {
        let Some(numbers) = self.showing.place(packet) else {
            return false;
        };
        egress.queue(Plain {
            stream: self.stream,
            numbers,
            marker: packet.marker,
            level: packet.level,
            orientation: packet.orientation,
            payload: Arc::clone(&packet.payload),
            queued: packet.arrived,
        });
        true
    }
}

/// All slots of one browser for one source.
#[derive(Debug, Default)]
pub struct SlotGroup {
    /// What is in each slot.
    pub tracks: Vec<Option<TrackId>>,
    streams: Vec<SlotStream>,
}

impl SlotGroup {
    /// Empty slots.
    pub fn new(streams: Vec<SlotStream>) -> Self {
        Self {
            tracks: vec![None; streams.len()],
            streams,
        }
    }

    /// Each slot's stream with what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (&SlotStream, Option<TrackId>)> {
        self.streams.iter().zip(self.tracks.iter().copied())
    }

    /// These slots have been given to others.
    pub fn switch(&mut self, changed: &[usize]) {
        for index in changed {
            self.streams[*index].showing.switch();
        }
    }

    /// Queue a packet for the slot that has its track; false if there is none or it is of no use.
    pub fn write(&mut self, egress: &mut Egress, track: TrackId, packet: &Forwarded) -> bool {
        let slot = self.tracks.iter().position(|held| *held == Some(track));
        slot.is_some_and(|index| self.streams[index].write(egress, packet))
    }

    /// Each slot's stream, to be changed, with what is in it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut SlotStream, Option<TrackId>)> {
        self.streams.iter_mut().zip(self.tracks.iter().copied())
    }

    /// The track and the layer for which a keyframe is rightly asked in the slot of that stream.
    pub fn complaint(&mut self, now: Instant, stream: usize) -> Option<(TrackId, u8)> {
        let mut streams = self.streams.iter();
        let index = streams.position(|slot| slot.stream == stream)?;
        let track = self.tracks[index]?;
        let layer = self.streams[index].showing.complain(now)?;
        Some((track, layer))
    }
}
