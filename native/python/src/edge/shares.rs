//! What one address, person or partner may send over all of its flows together.
//!
//! A flow's own bucket makes it slower; a share does too, and once its holder is a whole burst in debt,
//! which takes many flows at once, requests are turned away before Python hears of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Rate};
use super::counters::Count;

/// Forgotten holders are looked for when there are this many more than last time.
const SWEEP_EVERY: usize = 4096;

/// Whose share it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Everybody at one address who hasn't been proven.
    Address(IpAddr),
    /// The same of one network.
    Network(IpAddr),
    /// A person, by a name that Python gives.
    Person(String),
    /// Guests, by a name that Python gives.
    Guest(String),
    /// A partner's or a carrier's server.
    Partner(String),
}

impl Holder {
    fn count(&self) -> Count {
        match self {
            Self::Address(_) => Count::AddressShare,
            Self::Network(_) => Count::NetworkShare,
            Self::Person(_) => Count::PersonShare,
            Self::Guest(_) => Count::GuestShare,
            Self::Partner(_) => Count::PartnerShare,
        }
    }
}

/// A message was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Whose share it was.
    pub count: Count,
    /// When all of the debt will have been paid.
    pub retry_after: Duration,
}

/// One holder's share.
#[derive(Debug)]
pub struct Share {
    count: Count,
    rate: Rate,
    bucket: Mutex<Bucket>,
}

impl Share {
    /// Take one message's worth; returns how long to stop reading.
    ///
    /// # Errors
    /// There is no more credit.
    pub fn draw(&self, now: Instant) -> Result<Duration, Over> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.borrow(self.rate, now).ok_or(Over {
            count: self.count,
            retry_after: Duration::from_secs_f64(self.rate.burst / self.rate.per_second),
        })
    }

    fn is_full(&self, now: Instant) -> bool {
        let bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.is_full(self.rate, now)
    }
}

/// All shares of one edge.
#[derive(Debug)]
pub struct Shares(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    of: HashMap<Holder, Arc<Share>>,
    sweep_at: usize,
}

impl Default for Shares {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            of: HashMap::new(),
            sweep_at: SWEEP_EVERY,
        }))
    }
}

impl Shares {
    /// A holder's share. It outlives the holder's flows until it is full again, so that nobody gets a new one
    /// by connecting anew. The first `rate` counts.
    pub fn of(&self, holder: Holder, rate: Rate, now: Instant) -> Arc<Share> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.of.len() >= kept.sweep_at {
            kept.of
                .retain(|_, share| Arc::strong_count(share) > 1 || !share.is_full(now));
            kept.sweep_at = kept.of.len() + SWEEP_EVERY;
        }
        let count = holder.count();
        let share = kept.of.entry(holder).or_insert_with(|| {
            Arc::new(Share {
                count,
                rate,
                bucket: Mutex::new(Bucket::full(rate, now)),
            })
        });
        Arc::clone(share)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    use super::{Holder, Rate, SWEEP_EVERY, Shares};
    use crate::edge::counters::Count;

    const RATE: Rate = Rate {
        per_second: 2.0,
        burst: 4.0,
    };

    fn alice() -> Holder {
        Holder::Person("sip:alice@example.org".into())
    }

    #[test]
    fn a_share_slows_then_refuses() {
        let (shares, now) = (Shares::default(), Instant::now());
        let share = shares.of(alice(), RATE, now);
        assert_eq!(share.draw(now), Ok(Duration::ZERO));
        assert!((0..7).all(|_| share.draw(now).is_ok()));
        let over = share.draw(now).unwrap_err();
        assert_eq!(over.count, Count::PersonShare);
        assert_eq!(over.retry_after, Duration::from_secs(2));
    }

    #[test]
    fn connecting_anew_gives_no_new_share_and_others_have_theirs() {
        let (shares, now) = (Shares::default(), Instant::now());
        while shares.of(alice(), RATE, now).draw(now).is_ok() {}
        assert!(shares.of(alice(), RATE, now).draw(now).is_err());
        let bob = Holder::Person("sip:bob@example.org".into());
        assert!(shares.of(bob, RATE, now).draw(now).is_ok());
    }

    #[test]
    fn forgets_holders_that_have_gone() {
        let (shares, now) = (Shares::default(), Instant::now());
        let held = shares.of(alice(), RATE, now);
        for n in 0..=SWEEP_EVERY as u32 {
            let holder = Holder::Address(IpAddr::from(n.to_be_bytes()));
            let _ = shares.of(holder, RATE, now).draw(now);
        }
        let later = now + Duration::from_secs(60);
        for n in 0..=SWEEP_EVERY as u32 {
            let holder = Holder::Network(IpAddr::from(n.to_be_bytes()));
            let _ = shares.of(holder, RATE, later);
        }
        assert!(shares.0.lock().unwrap().of.len() < 2 * SWEEP_EVERY);
        assert_eq!(std::sync::Arc::strong_count(&held), 2);
    }
}
