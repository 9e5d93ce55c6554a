//! The rate at which no queue grows: up while there is none, down at once when there is (Google congestion
//! control, draft-ietf-rmcat-gcc-02 section 5.5).

use std::time::{Duration, Instant};

use super::delay::Usage;

/// What is left of what arrived when a queue grows, in percent.
const DECREASE: u64 = 85;
/// Growth in a second while the way's limit isn't known.
const INCREASE: f64 = 0.08;
/// Growth beyond this share of what arrives, in percent, would be a guess.
const BEYOND: u64 = 150;
const BEYOND_LEAST: u64 = 10_000;
/// Near the limit that was found: one packet more in each round trip.
const STEP_BITS: f64 = 9_600.0;
/// Round trips shorter or longer than these are not believed.
const ROUND_TRIP_LIMITS: (Duration, Duration) =
    (Duration::from_millis(10), Duration::from_millis(500));
/// What comes of a change is reported this much later than a round trip.
const RESPONSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Rising,
    Holding,
}

/// See the module.
#[derive(Debug)]
pub struct Rate {
    bits: u64,
    state: State,
    last_change: Option<Instant>,
    last_decrease: Option<Instant>,
    /// Bits per second at which a queue grew, and how much that varies.
    limit: Option<(f64, f64)>,
}

impl Rate {
    /// `bits` per second to begin with.
    pub fn new(bits: u64) -> Self {
        Self {
            bits,
            state: State::Holding,
            last_change: None,
            last_decrease: None,
            limit: None,
        }
    }

    /// Bits per second.
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// More than was believed got through.
    pub fn prove(&mut self, now: Instant, bits: u64) {
        self.bits = bits;
        self.last_change = Some(now);
        if self.limit.is_some_and(|(mean, _)| bits as f64 > mean) {
            self.limit = None;
        }
    }

    /// A report has come: what it shows, what arrives, and how long it took there and back.
    pub fn update(
        &mut self,
        now: Instant,
        usage: Usage,
        arriving: Option<u64>,
        round_trip: Duration,
    ) {
        let since = self
            .last_change
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.last_change = Some(now);
        let round_trip = round_trip.clamp(ROUND_TRIP_LIMITS.0, ROUND_TRIP_LIMITS.1);
        match usage {
            Usage::Over => self.fall(now, arriving.unwrap_or(self.bits / 2), round_trip),
            Usage::Under => self.state = State::Holding,
            Usage::Normal if self.state == State::Holding => self.state = State::Rising,
            Usage::Normal => self.rise(since, arriving, round_trip),
        }
    }

    fn fall(&mut self, now: Instant, arriving: u64, round_trip: Duration) {
        self.state = State::Holding;
        let is_soon = self.last_decrease.is_some_and(|at| now < at + round_trip);
        if is_soon && arriving >= self.bits / 2 {
            return;
        }
        self.last_decrease = Some(now);
        self.learn_limit(arriving as f64);
        self.bits = self.bits.min(arriving / 100 * DECREASE);
    }

    fn rise(&mut self, since: Duration, arriving: Option<u64>, round_trip: Duration) {
        let seconds = since.as_secs_f64().min(1.0);
        let is_near = self
            .limit
            .zip(arriving)
            .is_some_and(|((mean, spread), arriving)| {
                (arriving as f64 - mean).abs() <= 3.0 * spread
            });
        let step = if is_near {
            STEP_BITS / (round_trip + RESPONSE).as_secs_f64() * seconds
        } else {
            self.bits as f64 * ((1.0 + INCREASE).powf(seconds) - 1.0)
        };
        let most = arriving.map_or(u64::MAX, |bits| bits / 100 * BEYOND + BEYOND_LEAST);
        self.bits = (self.bits + step as u64).min(most.max(self.bits));
    }

    fn learn_limit(&mut self, bits: f64) {
        let (mean, spread) = self.limit.unwrap_or((bits, 0.1 * bits));
        if (bits - mean).abs() > 3.0 * spread {
            self.limit = Some((bits, 0.1 * bits));
            return;
        }
        let mean = mean + 0.05 * (bits - mean);
        let spread = spread + 0.05 * ((bits - mean).abs() - spread);
        self.limit = Some((mean, spread.clamp(0.03 * mean, 0.15 * mean)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_rises_while_nothing_queues_but_not_far_beyond_what_arrives() {
        let start = Instant::now();
        let mut rate = Rate::new(1_000_000);
        for n in 0..100 {
            rate.update(
                start + 100 * n * MS,
                Usage::Normal,
                Some(2_000_000),
                50 * MS,
            );
        }
        assert!(
            (2_000_000..2_300_000).contains(&rate.bits()),
            "{}",
            rate.bits()
        );
        for n in 100..200 {
            rate.update(
                start + 100 * n * MS,
                Usage::Normal,
                Some(2_000_000),
                50 * MS,
            );
        }
        assert_eq!(rate.bits(), 3_010_000);
    }

    #[test]
    fn it_falls_below_what_arrives_once_in_a_round_trip() {
        let start = Instant::now();
        let mut rate = Rate::new(1_000_000);
        rate.update(start, Usage::Over, Some(600_000), 100 * MS);
        assert_eq!(rate.bits(), 510_000);
        rate.update(start + 50 * MS, Usage::Over, Some(400_000), 100 * MS);
        assert_eq!(rate.bits(), 510_000);
        rate.update(start + 150 * MS, Usage::Over, Some(400_000), 100 * MS);
        assert_eq!(rate.bits(), 340_000);
    }

    proptest! {
        #[test]
        fn it_never_rises_when_a_queue_grows(
            reports in prop::collection::vec((0_u8..3, prop::option::of(0_u64..10_000_000)), 1..100)
        ) {
            let start = Instant::now();
            let mut rate = Rate::new(1_000_000);
            for (n, (usage, arriving)) in (0..).zip(reports) {
                let usage = [Usage::Normal, Usage::Over, Usage::Under][usize::from(usage)];
                let before = rate.bits();
                rate.update(start + 50 * n * MS, usage, arriving, 50 * MS);
                prop_assert!(usage == Usage::Normal || rate.bits() <= before);
                prop_assert!(rate.bits() <= before + before / 10 + 100_000);
            }
        }
    }
}
