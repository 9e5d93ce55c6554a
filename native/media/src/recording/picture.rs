//! Whose picture is in the recording, and when each frame of it is shown.
//!
//! Another takes its place with a keyframe, so that the one before stays until then. Nobody's is a
//! black one: who says no, or leaves, isn't left standing in the file.

use std::time::{Duration, Instant};

use crate::frames::Frames;
use crate::outgoing::Forwarded;
use crate::slots::TrackId;

/// One black keyframe of 1280x720, encoded by libvpx.
pub const BLANK: &[u8] = include_bytes!("blank.vp8");
/// To jump in a file one needs keyframes.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(10);
/// Ticks of VP8's clock in a second (RFC 7741 section 4.1).
const CLOCK: i64 = 90_000;
/// A sender's clock that is further off from ours is set anew.
const MOST_SKEW: Duration = Duration::from_millis(150);
/// No two frames are shown at the same time ...
const STEP: Duration = Duration::from_millis(1);
/// ... and if so many come that they would be shown later than this, they aren't.
const MOST_LATE: Duration = Duration::from_secs(1);

/// A frame, and when it is shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Shot {
    /// From then on.
    pub at: Instant,
    /// Whether a decoder can begin with it.
    pub keyframe: bool,
    /// The encoded picture.
    pub octets: Vec<u8>,
}

/// A sender's clock, as far as it is known.
#[derive(Debug, Default)]
struct SenderClock(Option<(Instant, u32)>);

impl SenderClock {
    /// When a frame is shown: as evenly as it was taken, near its arrival.
    fn time(&mut self, arrived: Instant, timestamp: u32) -> Instant {
        let (base, first) = *self.0.get_or_insert((arrived, timestamp));
        let ticks = i64::from(timestamp.wrapping_sub(first).cast_signed());
        let micros = ticks * 1_000_000 / CLOCK;
        let span = Duration::from_micros(micros.unsigned_abs());
        let time = if micros < 0 {
            base.checked_sub(span)
        } else {
            base.checked_add(span)
        };
        let near = |time: &Instant| {
            time.saturating_duration_since(arrived) <= MOST_SKEW
                && arrived.saturating_duration_since(*time) <= MOST_SKEW
        };
        time.filter(near).unwrap_or_else(|| {
            self.0 = Some((arrived, timestamp));
            arrived
        })
    }
}

/// One layer of one camera.
#[derive(Debug)]
struct Stream {
    of: (TrackId, u8),
    frames: Frames,
    clock: SenderClock,
}

impl Stream {
    fn new(of: (TrackId, u8)) -> Self {
        Self {
            of,
            frames: Frames::default(),
            clock: SenderClock::default(),
        }
    }

    fn push(&mut self, of: (TrackId, u8), packet: &Forwarded) -> Vec<Shot> {
        if self.of != of {
            return Vec::new();
        }
        let frames = self.frames.push(packet).into_iter();
        frames
            .map(|frame| Shot {
                at: self.clock.time(frame.arrived, frame.timestamp),
                keyframe: frame.keyframe,
                octets: frame.octets,
            })
            .collect()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Picture {
    shown: Option<Stream>,
    next: Option<Stream>,
    last: Instant,
    last_keyframe: Instant,
    blank: bool,
}

impl Picture {
    /// Nobody's.
    pub fn new(now: Instant) -> Self {
        Self {
            shown: None,
            next: None,
            last: now,
            last_keyframe: now,
            blank: true,
        }
    }

    /// Whose it is.
    pub fn shown(&self) -> Option<TrackId> {
        self.shown.as_ref().map(|stream| stream.of.0)
    }

    /// Let it be that one's, from its next keyframe on; it stays the same one's if it is already.
    pub fn aim(&mut self, of: (TrackId, u8)) {
        let is = |stream: &Option<Stream>| stream.as_ref().is_some_and(|s| s.of == of);
        if is(&self.shown) {
            self.next = None;
        } else if !is(&self.next) {
            self.next = Some(Stream::new(of));
        }
    }

    /// Let those be seen no more for whom it may not be.
    pub fn keep(&mut self, may: impl Fn(TrackId) -> bool) {
        let may = |stream: &mut Stream| may(stream.of.0);
        if let Some(stream) = &mut self.next
            && !may(stream)
        {
            self.next = None;
        }
        if let Some(stream) = &mut self.shown
            && !may(stream)
        {
            self.shown = None;
            self.blank = true;
        }
    }

    /// The layer of which a keyframe is needed: to be shown, to be shown again, or to jump to.
    pub fn wanted(&self, now: Instant) -> Option<(TrackId, u8)> {
        if let Some(next) = &self.next {
            return Some(next.of);
        }
        let shown = self.shown.as_ref()?;
        let is_old = now >= self.last_keyframe + KEYFRAME_INTERVAL;
        (shown.frames.await_keyframe() || is_old).then_some(shown.of)
    }

    /// A packet of a camera; what is shown by it.
    pub fn push(&mut self, track: TrackId, packet: &Forwarded) -> Vec<Shot> {
        let of = (track, packet.layer);
        let next = self.next.as_mut().map(|stream| stream.push(of, packet));
        let mut shots = match next {
            Some(shots) if !shots.is_empty() => {
                self.shown = self.next.take();
                shots
            }
            _ => {
                let shown = self.shown.as_mut();
                shown.map_or_else(Vec::new, |stream| stream.push(of, packet))
            }
        };
        for shot in &mut shots {
            self.blank = false;
            self.put_in_order(shot);
        }
        shots.retain(|shot| shot.at <= packet.arrived + MOST_LATE);
        if self.last > packet.arrived + MOST_LATE
            && let Some(stream) = &mut self.shown
        {
            // A decoder can't go on after a frame that was left out.
            stream.frames.restart();
            self.last = packet.arrived + MOST_LATE;
        }
        shots
    }

    /// The black one, when it is nobody's, at first and again for jumps.
    pub fn blank(&mut self, now: Instant) -> Option<Shot> {
        let is_old = now >= self.last_keyframe + KEYFRAME_INTERVAL;
        if self.shown.is_some() || !(std::mem::take(&mut self.blank) || is_old) {
            return None;
        }
        let mut shot = Shot {
            at: now,
            keyframe: true,
            octets: BLANK.to_vec(),
        };
        self.put_in_order(&mut shot);
        Some(shot)
    }

    fn put_in_order(&mut self, shot: &mut Shot) {
        shot.at = shot.at.max(self.last + STEP);
        self.last = shot.at;
        if shot.keyframe {
            self.last_keyframe = shot.at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn frames_are_as_even_as_they_were_taken() {
        let start = Instant::now();
        let mut clock = SenderClock::default();
        assert_eq!(clock.time(start, u32::MAX - 2_999), start);
        // The network held it back; the sender took it 33 ms after the first.
        assert_eq!(
            clock
                .time(at(start, 60), 0)
                .duration_since(start)
                .as_millis(),
            33
        );
        assert_eq!(
            clock
                .time(at(start, 70), 3_000)
                .duration_since(start)
                .as_millis(),
            66
        );
    }

    #[test]
    fn a_clock_that_is_far_off_is_not_believed() {
        let start = Instant::now();
        let mut clock = SenderClock::default();
        clock.time(start, 0);
        assert_eq!(clock.time(at(start, 33), 900_000), at(start, 33));
        assert_eq!(clock.time(at(start, 66), 902_970), at(start, 66));
    }

    #[test]
    fn nobody_is_black_at_once_and_now_and_then() {
        let start = Instant::now();
        let mut picture = Picture::new(start);
        let first = picture.blank(start).unwrap();
        assert!(first.keyframe && first.octets == BLANK);
        assert_eq!(picture.blank(at(start, 9_000)), None);
        assert!(picture.blank(at(start, 10_100)).is_some());
        assert_eq!(picture.blank(at(start, 10_200)), None);
    }

    #[test]
    fn the_black_one_is_a_keyframe_of_the_size_that_the_file_tells() {
        // RFC 6386 section 9.1: the lowest bit of a keyframe's first octet is 0.
        assert_eq!(BLANK[0] & 1, 0);
        assert_eq!(BLANK[3..10], [0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
        assert_eq!(super::super::SIZE, (0x500, 0x2d0));
    }
}
