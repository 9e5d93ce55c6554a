//! How much arrives.

use std::collections::VecDeque;

/// What is counted, in microseconds.
const WINDOW: i64 = 500_000;
/// Less than this says nothing.
const LEAST: i64 = 150_000;

/// Octets that arrived lately.
#[derive(Debug, Default)]
pub struct Throughput {
    arrivals: VecDeque<(i64, u32)>,
    octets: u64,
    newest: i64,
}

impl Throughput {
    /// Octets arrived, at that time of the receiver's clock in microseconds.
    pub fn arrived(&mut self, at: i64, octets: u32) {
        if self.arrivals.is_empty() {
            self.newest = at;
        }
        self.newest = self.newest.max(at);
        self.arrivals.push_back((at, octets));
        self.octets += u64::from(octets);
        let end = self.newest.saturating_sub(WINDOW);
        while let Some((at, octets)) = self.arrivals.front()
            && *at < end
        {
            self.octets -= u64::from(*octets);
            self.arrivals.pop_front();
        }
    }

    /// Bits per second; `None` until enough is known.
    pub fn bits(&self) -> Option<u64> {
        let (oldest, first) = self.arrivals.front()?;
        let span = self.newest.saturating_sub(*oldest);
        if span < LEAST {
            return None;
        }
        // What came first came before the span that it begins.
        let octets = self.octets - u64::from(*first);
        Some(octets.saturating_mul(8_000_000) / span.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_last_half_second() {
        let mut throughput = Throughput::default();
        for n in 0..100 {
            throughput.arrived(n * 10_000, 1_250);
            assert_eq!(throughput.bits().is_some(), n >= 15);
        }
        assert_eq!(throughput.bits(), Some(1_000_000));
        for n in 100..200 {
            throughput.arrived(n * 10_000, 125);
        }
        assert_eq!(throughput.bits(), Some(100_000));
    }
}
