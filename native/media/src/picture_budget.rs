//! How much picture a phone can take.
//!
//! Phones don't measure bandwidth as browsers do. What its offer says is the limit (RFC 8866 section 5.8);
//! losses that it reports lower it, and time without any raises it again.

use std::time::{Duration, Instant};

/// Bits per second for a phone that says nothing: a middle-sized picture with room to spare.
const UNSAID: u64 = 1_000_000;
/// The least that is planned with; below there is no picture.
const LEAST: u64 = 50_000;
/// A larger share than this of its packets lost is too much; ...
const TOO_MUCH: f32 = 0.1;
/// ... with less than this there is room for more.
const HARDLY_ANY: f32 = 0.02;
/// It is raised at most this often, by this much in percent.
const RAISE_INTERVAL: Duration = Duration::from_secs(5);
const RAISE: u64 = 125;

/// See the module.
#[derive(Debug)]
pub(crate) struct PictureBudget {
    most: u64,
    bits: u64,
    next_raise: Instant,
}

impl PictureBudget {
    /// `said` is what the phone said that it takes, in bits per second.
    pub(crate) fn new(now: Instant, said: Option<u64>) -> Self {
        let most = said.unwrap_or(UNSAID);
        Self {
            most,
            bits: most,
            next_raise: now + RAISE_INTERVAL,
        }
    }

    /// Bits per second that may be sent.
    pub(crate) fn bits(&self) -> u64 {
        self.bits
    }

    /// The phone reports what it lost, 0 to 1, of `sent` bits per second.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, sent: u64) {
        if loss > HARDLY_ANY {
            self.next_raise = now + RAISE_INTERVAL;
        }
        if loss > TOO_MUCH {
            let got = sent.min(self.bits) as f32 * (1.0 - loss.min(1.0) / 2.0);
            self.bits = (got as u64).max(LEAST).min(self.most);
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        if now >= self.next_raise {
            self.next_raise = now + RAISE_INTERVAL;
            self.bits = (self.bits / 100).saturating_mul(RAISE).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn losses_lower_it_and_time_raises_it_to_what_was_said() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = PictureBudget::new(start, Some(512_000));
        assert_eq!(budget.bits(), 512_000);
        budget.report(at(4), 0.05, 400_000);
        budget.tick(at(6));
        assert_eq!(budget.bits(), 512_000);
        budget.report(at(7), 0.5, 400_000);
        assert_eq!(budget.bits(), 300_000);
        budget.tick(at(11));
        assert_eq!(budget.bits(), 300_000);
        for round in 0..9 {
            budget.tick(at(12 + 5 * round));
        }
        assert_eq!(budget.bits(), 512_000);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_limits(
            said in prop::option::of(any::<u64>()),
            reports in prop::collection::vec((0.0_f32..=1.0, any::<u64>()), 0..40)
        ) {
            let start = Instant::now();
            let mut budget = PictureBudget::new(start, said);
            let most = said.unwrap_or(UNSAID);
            for (second, (loss, sent)) in (0..).zip(reports) {
                let now = start + Duration::from_secs(second);
                budget.report(now, loss, sent);
                budget.tick(now);
                prop_assert!(budget.bits() <= most && budget.bits() >= most.min(LEAST) / 100 * 99);
            }
        }
    }
}
