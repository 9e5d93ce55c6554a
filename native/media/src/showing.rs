//! What one outgoing stream shows: a layer of a track, in numbers that go on whatever comes next.

use std::time::{Duration, Instant};

use crate::allotment::FEWER_FRAMES;
use crate::frame_rate::{ALL, FrameRate};
use crate::outgoing::Forwarded;
use crate::rewrite::{Rewriter, Vp8Ids, Vp8Rewriter};

/// A receiver that can't decode is heard once in this time.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);
/// A stream that had to be lowered gets no better layer for this long.
const HOLD: Duration = Duration::from_secs(5);

/// RTP clock rates of the only two codecs (RFC 7587, RFC 7741).
const OPUS_CLOCK: u32 = 48_000;
pub(crate) const VP8_CLOCK: u32 = 90_000;

/// How a packet is numbered for its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Of a picture that has ids.
    pub vp8: Option<Vp8Ids>,
}

/// See the module.
#[derive(Debug)]
pub struct Showing {
    rewriter: Rewriter,
    vp8: Option<Vp8Rewriter>,
    /// The layer that goes out, once its keyframe has come.
    shown: Option<u8>,
    /// The layer that ought to go out; `None`: nothing.
    target: Option<u8>,
    /// Which of its frames do.
    frames: FrameRate,
    /// Before this it gets no better layer.
    held_until: Option<Instant>,
    /// Whether nothing goes out for want of bandwidth.
    pub paused: bool,
    last_complaint: Option<Instant>,
}

impl Showing {
    /// Nothing yet; `start` is random: where the numbers begin.
    pub fn new(video: bool, start: u64) -> Self {
        let clock = if video { VP8_CLOCK } else { OPUS_CLOCK };
        Self {
            rewriter: Rewriter::new(clock, start as u16, (start >> 16) as u32),
            vp8: video.then(Vp8Rewriter::default),
            shown: (!video).then_some(0),
            target: Some(0),
            frames: FrameRate::all(),
            held_until: None,
            paused: false,
            last_complaint: None,
        }
    }

    /// The layer of which a keyframe must come before it can be shown.
    pub fn awaits_keyframe(&self) -> Option<u8> {
        self.target.filter(|_| self.shown != self.target)
    }

    /// The layer that was chosen last.
    pub fn target(&self) -> Option<u8> {
        self.target
    }

    /// The step that was chosen last (`allotment.rs`).
    pub fn step(&self) -> Option<usize> {
        let layer = usize::from(self.target?);
        let most = usize::from(self.frames.most());
        Some(if most < FEWER_FRAMES {
            most
        } else {
            FEWER_FRAMES + layer
        })
    }

    /// Whether it may get a better layer now.
    pub fn may_rise(&self, now: Instant) -> bool {
        self.held_until.is_none_or(|until| now >= until)
    }

    /// It had to be lowered: better layers must wait.
    pub fn hold(&mut self, now: Instant) {
        self.held_until = Some(now + HOLD);
    }

    /// Show that step: another layer from its next keyframe on, or nothing from now on; `smallest` is the layer
    /// that steps with fewer frames are of. True: ask for a keyframe.
    pub fn aim(&mut self, step: Option<usize>, smallest: u8) -> bool {
        let (target, most) = match step {
            None => (None, ALL),
            Some(step) if step < FEWER_FRAMES => (Some(smallest), step as u8),
            Some(step) => (Some((step - FEWER_FRAMES) as u8), ALL),
        };
        self.frames.aim(most);
        let changed = self.target != target;
        self.target = target;
        if target.is_none() {
            self.shown = None;
        }
        changed && self.awaits_keyframe().is_some()
    }

    /// Another track is to be shown.
    pub fn switch(&mut self) {
        self.restart();
        if self.vp8.is_some() {
            self.shown = None;
            self.target = None;
            self.frames.aim(ALL);
            self.held_until = None;
            self.paused = false;
        }
    }

    /// How to number a packet; `None` if it is not to be shown, or too old.
    pub fn place(&mut self, packet: &Forwarded) -> Option<Numbers> {
        if !self.shows(packet) {
            return None;
        }
        if !self.frames.admits(packet) {
            self.skip(packet);
            return None;
        }
        let placed = self
            .rewriter
            .map(packet.arrived, packet.sequence, packet.timestamp);
        let (sequence, timestamp) = placed?;
        let rewriter = self.vp8.as_mut().zip(packet.vp8.as_ref());
        let vp8 = rewriter.and_then(|(vp8, descriptor)| vp8.ids(descriptor));
        Some(Numbers {
            sequence,
            timestamp,
            vp8,
        })
    }

    /// How to number a packet of what we make ourselves, by its sequence number and timestamp; `None` if it is not to
    /// be shown. With `fresh` a decoder can begin.
    pub fn place_made(
        &mut self,
        now: Instant,
        (sequence, timestamp): (u64, u32),
        fresh: bool,
    ) -> Option<Numbers> {
        if !self.shows_layer(0, fresh) {
            return None;
        }
        let (sequence, timestamp) = self.rewriter.map(now, sequence, timestamp)?;
        Some(Numbers {
            sequence,
            timestamp,
            vp8: None,
        })
    }

    /// Numbers for a picture of our own in so many packets: of its first packet, and its id. Nothing is shown
    /// after it until the next keyframe.
    pub fn insert(&mut self, now: Instant, packets: u64) -> Option<Numbers> {
        let picture = self.vp8.as_mut()?.next_picture();
        let (sequence, timestamp) = self.rewriter.insert(now, packets);
        self.shown = None;
        let vp8 = Some(Vp8Ids {
            picture,
            layer: None,
        });
        Some(Numbers {
            sequence,
            timestamp,
            vp8,
        })
    }

    /// The receiver asks for a keyframe: the layer of which one is to be had; `None` if it asks too often
    /// (RFC 4585 section 3.6.1).
    pub fn complain(&mut self, now: Instant) -> Option<u8> {
        let layer = self.target?;
        let may = self
            .last_complaint
            .is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        if !may {
            return None;
        }
        self.last_complaint = Some(now);
        Some(layer)
    }

    /// Where the stream's clock is now.
    pub fn timestamp_at(&self, now: Instant) -> u32 {
        self.rewriter.timestamp_at(now)
    }

    /// A packet is left out: what comes after it takes its numbers.
    fn skip(&mut self, packet: &Forwarded) {
        self.rewriter.skip(packet.sequence);
        if let Some((vp8, descriptor)) = self.vp8.as_mut().zip(packet.vp8.as_ref()) {
            vp8.skip(descriptor);
        }
    }

    fn restart(&mut self) {
        self.frames.restart();
        self.rewriter.switch();
        if let Some(vp8) = &mut self.vp8 {
            vp8.switch();
        }
    }

    /// Whether a packet is of what is shown; a keyframe of the layer that is aimed at changes that.
    fn shows(&mut self, packet: &Forwarded) -> bool {
        self.shows_layer(packet.layer, packet.starts_keyframe())
    }

    fn shows_layer(&mut self, layer: u8, starts_keyframe: bool) -> bool {
        let layer = Some(layer);
        if self.awaits_keyframe() == layer && starts_keyframe {
            self.restart();
            self.shown = layer;
        }
        self.shown == layer
    }
}
