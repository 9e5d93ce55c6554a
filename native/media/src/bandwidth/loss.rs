//! The rate that losses allow (Google congestion control, draft-ietf-rmcat-gcc-02 section 6): a way may lose
//! packets without queueing any.

use std::time::{Duration, Instant};

/// Packets and time that are judged together.
const PACKETS: u32 = 20;
const INTERVAL: Duration = Duration::from_millis(250);
/// Above this share the rate is lowered; ...
const TOO_MUCH: f64 = 0.1;
/// ... below this one it may rise again, by so much in a second.
const HARDLY_ANY: f64 = 0.02;
const INCREASE: f64 = 0.08;

/// See the module.
#[derive(Debug, Default)]
pub struct LossLimit {
    /// Bits per second; `None`: losses are no reason to send less.
    bits: Option<u64>,
    /// Whether too much was lost when it was judged last.
    is_lossy: bool,
    lost: u32,
    told: u32,
    judged: Option<Instant>,
}

impl LossLimit {
    /// Bits per second that losses allow.
    pub fn bits(&self) -> u64 {
        self.bits.unwrap_or(u64::MAX)
    }

    /// Of so many packets so many were lost, while `bits` per second were sent at most.
    pub fn report(&mut self, now: Instant, lost: u32, told: u32, bits: u64) {
        self.lost = self.lost.saturating_add(lost);
        self.told = self.told.saturating_add(told);
        let judged = *self.judged.get_or_insert(now);
        let since = now.saturating_duration_since(judged);
        if self.told < PACKETS || since < INTERVAL {
            return;
        }
        let share = f64::from(self.lost) / f64::from(self.told);
        (self.lost, self.told, self.judged) = (0, 0, Some(now));
        self.is_lossy = share > TOO_MUCH;
        if self.is_lossy {
            let base = self.bits().min(bits);
            self.bits = Some((base as f64 * (1.0 - share / 2.0)) as u64);
        } else if share < HARDLY_ANY
            && let Some(limit) = self.bits
        {
            let risen = limit as f64 * (1.0 + INCREASE * since.as_secs_f64().min(1.0));
            self.bits = Some(risen as u64).filter(|risen| *risen < bits);
        }
    }

    /// Whether too much is being lost: this is no time to look for more.
    pub fn is_lossy(&self) -> bool {
        self.is_lossy
    }

    /// More than was believed got through.
    pub fn prove(&mut self, bits: u64) {
        self.bits = self.bits.filter(|limit| *limit > bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_losses_are_borne_and_many_lower_the_rate() {
        let start = Instant::now();
        let mut limit = LossLimit::default();
        let mut report = |n: u32, lost| {
            limit.report(start + n * INTERVAL, lost, 100, 1_000_000);
            limit.bits()
        };
        report(0, 0);
        assert_eq!(report(1, 5), u64::MAX);
        assert_eq!(report(2, 50), 750_000);
        assert_eq!(report(3, 5), 750_000);
        assert_eq!(report(4, 0), 765_000);
        for n in 5..30 {
            report(n, 0);
        }
        assert_eq!(report(30, 0), u64::MAX);
    }
}
