//! A token bucket: so many at once, so many a second in the long run. Time is passed in.

use std::time::{Duration, Instant};

/// How much a [`Bucket`] holds and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: f64,
    /// Tokens that a full bucket holds.
    pub burst: f64,
}

/// Tokens left of a [`Rate`], which its owner passes in: thousands of buckets share one.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            at: now,
        }
    }

    /// Take one token if there is one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    /// Take that many tokens, on credit if need be; returns how long to wait until the debt is paid.
    pub fn spend(&mut self, many: usize, rate: Rate, now: Instant) -> Duration {
        self.refill(rate, now);
        self.tokens -= many as f64;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.tokens / rate.per_second)
        }
    }

    /// Take one token, on credit up to another burst; returns how long to wait until the debt is paid, or
    /// `None` if there is no more credit: then nothing was taken.
    pub fn borrow(&mut self, rate: Rate, now: Instant) -> Option<Duration> {
        self.refill(rate, now);
        if self.tokens - 1.0 < -rate.burst {
            return None;
        }
        Some(self.spend(1, rate, now))
    }

    /// Whether nothing has been taken for so long that it might as well be a new one.
    pub fn is_full(&self, rate: Rate, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        self.tokens + gained >= rate.burst
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        self.tokens = (self.tokens + gained).min(rate.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bucket, Rate};

    const RATE: Rate = Rate {
        per_second: 2.0,
        burst: 4.0,
    };

    #[test]
    fn gives_a_burst_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!((0..6).filter(|_| bucket.take(RATE, start)).count(), 4);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..6).filter(|_| bucket.take(RATE, later)).count(), 2);
    }

    #[test]
    fn debt_is_a_pause() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!(bucket.spend(4, RATE, start), Duration::ZERO);
        assert_eq!(bucket.spend(3, RATE, start), Duration::from_millis(1500));
        let paid = start + Duration::from_millis(1500);
        assert_eq!(bucket.spend(0, RATE, paid), Duration::ZERO);
    }

    #[test]
    fn credit_ends_at_another_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        let lent: Vec<_> = (0..20).map_while(|_| bucket.borrow(RATE, start)).collect();
        assert_eq!(lent.len(), 8);
        assert_eq!(lent[3], Duration::ZERO);
        assert_eq!(lent[7], Duration::from_secs(2));
        let later = start + Duration::from_millis(500);
        assert!(bucket.borrow(RATE, later).is_some());
        assert!(bucket.borrow(RATE, later).is_none());
    }

    #[test]
    fn fills_up_and_never_overflows() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        bucket.take(RATE, start);
        assert!(!bucket.is_full(RATE, start));
        let later = start + Duration::from_secs(60);
        assert!(bucket.is_full(RATE, later));
        assert_eq!((0..9).filter(|_| bucket.take(RATE, later)).count(), 4);
    }
}
