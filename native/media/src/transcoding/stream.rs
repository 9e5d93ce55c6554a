//! One track's pictures on their way through the codecs: which frames go in, which are encoded, what comes out.

use std::time::{Duration, Instant};

use super::places::Place;
use super::{Level, MOST_PIXELS, Outcome, Step, Wanted};
use crate::frames::{Frame, Frames};
use crate::h264_payload::{has_parameters, in_packets};
use crate::layers::keyframe_size;
use crate::outgoing::Forwarded;
use crate::rewrite::Rewriter;
use crate::showing::VP8_CLOCK;

/// Frames that may wait for the codecs; if there are more the rest is left out up to the next keyframe.
const MOST_WAITING: usize = 8;
/// With so many waiting they are decoded only, to catch up.
const BEHIND: usize = 3;
/// A frame larger than this is none.
const MOST_OCTETS: usize = 512 * 1024;
/// No two pictures are encoded within less: of thirty a second every other one is.
const PAUSE: Duration = Duration::from_millis(45);
/// Pictures with which a decoder can begin are large, and come no more often.
const FRESH_PAUSE: Duration = Duration::from_secs(1);
/// If nothing new came for so long the last picture serves who waits for one.
const STILL: Duration = Duration::from_millis(300);

/// What those take that see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(super) bits: u32,
    pub(super) level: Level,
}

/// A picture for all that see it.
#[derive(Debug)]
pub(crate) struct Shot {
    /// Its place among all packets of this transcoding.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// Whether a decoder can begin with it.
    pub(crate) fresh: bool,
    /// In order; the last has the marker.
    pub(crate) payloads: Vec<Vec<u8>>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Transcoding {
    pub(super) number: u64,
    /// `None` once the codecs have failed.
    place: Option<Place>,
    pub(super) layer: u8,
    frames: Frames,
    pub(super) limits: Limits,
    /// The size of what is being sent, if it may be decoded.
    size: Option<(u32, u32)>,
    waiting: usize,
    /// A frame was left out: the next one must be a keyframe.
    lost: bool,
    wants_fresh: bool,
    next_fresh: Option<Instant>,
    /// No picture is encoded before.
    next: Option<Instant>,
    /// When the last frame went in.
    last: Option<Instant>,
    clock: Rewriter,
    count: u64,
    sequence: u64,
}

impl Transcoding {
    pub(super) fn new(number: u64, place: Place, layer: u8, limits: Limits) -> Self {
        Self {
            number,
            place: Some(place),
            layer,
            frames: Frames::default(),
            limits,
            size: None,
            waiting: 0,
            lost: false,
            wants_fresh: true,
            next_fresh: None,
            next: None,
            last: None,
            clock: Rewriter::new(VP8_CLOCK, 0, 0),
            count: 0,
            sequence: 0,
        }
    }

    /// Another layer of the track, from its next keyframe on.
    pub(super) fn aim(&mut self, layer: u8) {
        if self.layer != layer {
            self.layer = layer;
            self.frames = Frames::default();
            self.clock.switch();
        }
    }

    /// Somebody can't decode, or has just begun to.
    pub(super) fn refresh(&mut self) {
        self.wants_fresh = true;
    }

    /// Whether anything comes of it any more.
    pub(super) fn is_working(&self) -> bool {
        self.place.is_some()
    }

    /// Whether the sender's pictures are such as can be shown; true until one has come.
    pub(super) fn is_visible(&self) -> bool {
        self.is_working() && (self.size.is_some() || self.frames.await_keyframe())
    }

    /// Whether its sender is to be asked for a keyframe.
    pub(super) fn wants_keyframe(&self) -> bool {
        self.is_working() && (self.lost || self.frames.await_keyframe())
    }

    /// A packet of the track; what is to be done.
    pub(super) fn push(&mut self, packet: &Forwarded) -> Vec<Step> {
        if !self.is_working() || packet.layer != self.layer {
            return Vec::new();
        }
        let frames = self.frames.push(packet).into_iter();
        frames.filter_map(|frame| self.take(frame)).collect()
    }

    fn take(&mut self, frame: Frame) -> Option<Step> {
        if frame.keyframe {
            self.lost = false;
            self.size = size_of(&frame.octets);
        }
        let size = self.size?;
        if self.waiting >= MOST_WAITING || frame.octets.len() > MOST_OCTETS {
            self.lost = true;
        }
        if self.lost {
            return None;
        }
        self.count += 1;
        let placed = self.clock.map(frame.arrived, self.count, frame.timestamp);
        let (_, timestamp) = placed?;
        self.waiting += 1;
        self.last = Some(frame.arrived);
        let is_due = self.next.is_none_or(|at| frame.arrived >= at);
        let wanted =
            (is_due && self.waiting <= BEHIND).then(|| self.wanted(frame.arrived, timestamp, size));
        Some(Step::Frame {
            octets: frame.octets,
            wanted,
        })
    }

    fn wanted(&mut self, now: Instant, timestamp: u32, (width, height): (u32, u32)) -> Wanted {
        let Limits { bits, level } = self.limits;
        self.next = Some(now + PAUSE.max(pause_of(level, width, height)));
        let fresh = self.wants_fresh && self.next_fresh.is_none_or(|at| now >= at);
        if fresh {
            self.wants_fresh = false;
            self.next_fresh = Some(now + FRESH_PAUSE);
        }
        Wanted {
            timestamp,
            fresh,
            bits,
            level,
        }
    }

    /// Time has passed: whoever waits for a picture gets the last one, if no new one comes.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Step> {
        let is_still = self.last.is_some_and(|at| now >= at + STILL);
        let may = self.next_fresh.is_none_or(|at| now >= at);
        let size = self.size?;
        if !(self.is_working() && self.wants_fresh && is_still && may && self.waiting == 0) {
            return None;
        }
        self.waiting += 1;
        let (_, timestamp) = self.clock.insert(now, 1);
        let wanted = self.wanted(now, timestamp, size);
        Some(Step::Again { wanted })
    }

    /// A step is done; the picture that came of it.
    pub(super) fn done(&mut self, outcome: Outcome) -> Option<Shot> {
        self.waiting = self.waiting.saturating_sub(1);
        match outcome {
            Outcome::Nothing => None,
            Outcome::Undecodable | Outcome::Dropped => {
                self.lost = true;
                self.wants_fresh = true;
                None
            }
            Outcome::Broken => {
                self.place = None;
                None
            }
            Outcome::Picture { timestamp, units } => self.shot(timestamp, &units),
        }
    }

    fn shot(&mut self, timestamp: u32, units: &[Vec<u8>]) -> Option<Shot> {
        let units: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
        let payloads = in_packets(&units);
        let sequence = self.sequence + 1;
        self.sequence += payloads.len() as u64;
        (!payloads.is_empty()).then(|| Shot {
            sequence,
            timestamp,
            fresh: has_parameters(&units),
            payloads,
        })
    }
}

/// Between pictures of that size, so that who takes that level can keep up.
fn pause_of(level: Level, width: u32, height: u32) -> Duration {
    let scaled = level.scaled(width, height);
    let frames = scaled.map_or(1, |(width, height, _)| level.frames(width, height));
    Duration::from_secs(1) / frames.max(1)
}

/// A keyframe's size, if such a picture may be decoded.
fn size_of(frame: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = keyframe_size(frame)?;
    let (width, height) = (u32::from(width), u32::from(height));
    let fits = u64::from(width) * u64::from(height) <= MOST_PIXELS;
    fits.then_some((width, height))
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
