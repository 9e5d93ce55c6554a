//! How often strangers are answered (ATTACKS #28): a token bucket for each address prefix.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// Answers a second to one prefix, and how many at once after a quiet time.
const PER_SECOND: f64 = 50.0;
const AT_ONCE: f64 = 200.0;
/// Prefixes remembered; when full, those with a full bucket are forgotten.
const MOST: usize = 16_384;

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// Buckets of /24 and /56 prefixes.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: HashMap<u64, Bucket>,
}

impl Throttle {
    /// Whether this address may have one more answer.
    pub(crate) fn admits(&mut self, now: Instant, client: SocketAddr) -> bool {
        if self.buckets.len() >= MOST {
            self.forget_full(now);
        }
        let is_full = self.buckets.len() >= MOST;
        let prefix = prefix(client.ip());
        if is_full && !self.buckets.contains_key(&prefix) {
            return false;
        }
        let bucket = self.buckets.entry(prefix).or_insert(Bucket {
            tokens: AT_ONCE,
            filled: now,
        });
        bucket.tokens = bucket.level(now);
        bucket.filled = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    pub(crate) fn forget_full(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| bucket.level(now) < AT_ONCE);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

impl Bucket {
    fn level(&self, now: Instant) -> f64 {
        let quiet = now.saturating_duration_since(self.filled).as_secs_f64();
        (self.tokens + quiet * PER_SECOND).min(AT_ONCE)
    }
}

/// The addresses of one host: of IPv6 its /64.
pub(crate) fn host(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

fn prefix(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u64::from(v4.to_bits() >> 8),
        // Never the same as one of IPv4: global addresses have bits above.
        IpAddr::V6(v6) => (v6.to_bits() >> 72) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_throttled_and_its_neighbours_are_not() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let client = |text: &str| text.parse::<SocketAddr>().unwrap();
        let admitted = |throttle: &mut Throttle, now, who| {
            (0..500)
                .filter(|_| throttle.admits(now, client(who)))
                .count()
        };
        assert_eq!(admitted(&mut throttle, now, "198.51.100.1:5"), 200);
        assert_eq!(admitted(&mut throttle, now, "198.51.100.2:6"), 0);
        assert_eq!(admitted(&mut throttle, now, "198.51.101.1:5"), 200);
        let later = now + Duration::from_secs(1);
        assert_eq!(admitted(&mut throttle, later, "198.51.100.1:5"), 50);
        throttle.forget_full(later + Duration::from_secs(9));
        assert!(throttle.is_empty());
    }
}
