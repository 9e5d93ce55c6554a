//! When packets may leave: at a rate, in small bursts (RFC 8085 section 3.1 wants no more).

use std::time::{Duration, Instant};

/// What may leave at once, in time at the rate.
const BURST: Duration = Duration::from_millis(10);

/// A bucket that drains at a rate.
#[derive(Debug)]
pub struct Bucket {
    bits_per_second: u64,
    /// Bits that have left too early.
    debt: u64,
    /// What more debt than this lasts, nobody waits for.
    most: Duration,
    drained: Instant,
}

impl Bucket {
    /// Empty. It forgets debts that would last longer than `most`.
    pub fn new(now: Instant, most: Duration) -> Self {
        Self {
            bits_per_second: 0,
            debt: 0,
            most,
            drained: now,
        }
    }

    /// The rate from now on.
    pub fn set_rate(&mut self, now: Instant, bits_per_second: u64) {
        self.drain(now);
        self.bits_per_second = bits_per_second;
    }

    /// Whether a burst has room for more.
    pub fn has_room(&mut self, now: Instant) -> bool {
        self.drain(now);
        self.debt < bits_in(self.bits_per_second, BURST)
    }

    /// Whether nothing is owed any more.
    pub fn is_empty(&mut self, now: Instant) -> bool {
        self.drain(now);
        self.debt == 0
    }

    /// Octets leave.
    pub fn take(&mut self, octets: usize) {
        let most = bits_in(self.bits_per_second, self.most);
        self.debt = (self.debt + octets as u64 * 8).min(most);
    }

    /// When it is empty; `None`: never.
    pub fn empty_at(&self) -> Option<Instant> {
        let micros = (self.debt * 1_000_000).div_ceil(self.bits_per_second.max(1));
        (self.bits_per_second > 0).then(|| self.drained + Duration::from_micros(micros))
    }

    fn drain(&mut self, now: Instant) {
        let span = now.saturating_duration_since(self.drained);
        self.debt = self
            .debt
            .saturating_sub(bits_in(self.bits_per_second, span));
        self.drained = self.drained.max(now);
    }
}

fn bits_in(bits_per_second: u64, span: Duration) -> u64 {
    u64::try_from(u128::from(bits_per_second) * span.as_micros() / 1_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_leave_at_once_and_what_follows_waits() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, Duration::from_secs(1));
        bucket.set_rate(start, 1_000_000);
        let mut sent = 0;
        while bucket.has_room(start) {
            bucket.take(500);
            sent += 500;
        }
        assert_eq!(sent, 1_500);
        let empty = bucket.empty_at().unwrap();
        assert_eq!(empty, start + Duration::from_millis(12));
        assert!(!bucket.is_empty(start + Duration::from_millis(11)));
        assert!(bucket.is_empty(empty) && bucket.has_room(empty));
    }

    #[test]
    fn debts_are_forgotten_beyond_a_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, Duration::from_millis(500));
        bucket.set_rate(start, 1_000);
        bucket.take(1_000_000);
        assert_eq!(bucket.empty_at(), Some(start + Duration::from_millis(500)));
        bucket.set_rate(start, 0);
        assert_eq!(bucket.empty_at(), None);
    }
}
