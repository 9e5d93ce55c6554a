//! How long a thread lets datagrams gather while many arrive: a wake-up costs more than a datagram does,
//! so a busy one looks a few thousand times a second, not at each arrival.

use std::time::{Duration, Instant};

/// What gathering may add to a datagram's way. A fortieth of a voice packet's 20 ms, and less than what
/// jitter buffers and bandwidth estimates notice.
const PAUSE: Duration = Duration::from_micros(500);
/// Datagrams further apart than this, on average since the last look, need no gathering: a thin stream
/// isn't delayed.
const THIN: Duration = Duration::from_micros(300);
/// With more than this there is enough to do without waiting for others.
const THICK: u32 = 64;

/// What the last look found.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    taken: u32,
    looked: Option<Instant>,
}

impl Pace {
    /// Some datagrams were taken.
    pub(crate) fn took(&mut self, datagrams: u32) {
        self.taken += datagrams;
    }

    /// How long to wait before the next look. Called once for each.
    pub(crate) fn pause(&mut self, now: Instant) -> Option<Duration> {
        let taken = std::mem::take(&mut self.taken);
        let since = now.saturating_duration_since(self.looked.replace(now)?);
        (taken <= THICK && since < THIN * taken).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is paused for when looks are so far apart and each finds so many.
    fn paused(apart: Duration, taken: u32) -> Option<Duration> {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.pause(now), None);
        pace.took(taken);
        pace.pause(now + apart)
    }

    #[test]
    fn only_many_but_not_too_many_are_gathered() {
        let tenth = Duration::from_micros(100);
        assert_eq!(paused(tenth, 1), Some(PAUSE));
        assert_eq!(paused(tenth * 6, 12), Some(PAUSE));
        assert_eq!(paused(tenth * 50, 1), None, "a voice");
        assert_eq!(paused(tenth, 0), None, "nothing at all");
        assert_eq!(paused(tenth, 500), None, "a flood");
    }
}
