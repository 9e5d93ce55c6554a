//! How much one person may relay: a token bucket of octets for each person who has an allocation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// What may pass at once after a quiet time, in seconds of the rate: a video's keyframe is more than its
/// average.
const AT_ONCE: f64 = 0.5;

#[derive(Debug)]
struct Share {
    holder: Arc<str>,
    /// Allocations that use it.
    users: usize,
    octets: f64,
    filled: Instant,
}

/// Everybody's shares. They are numbered, so that a packet needs no look-up by name.
#[derive(Debug)]
pub(crate) struct Bandwidth {
    per_second: Option<f64>,
    shares: Vec<Share>,
    numbers: HashMap<Arc<str>, usize>,
    unused: Vec<usize>,
}

impl Bandwidth {
    /// `per_second`: octets; `None`: as many as there are.
    pub(crate) fn new(per_second: Option<u64>) -> Self {
        Self {
            per_second: per_second.map(|octets| octets as f64),
            shares: Vec::new(),
            numbers: HashMap::new(),
            unused: Vec::new(),
        }
    }

    /// One more allocation of a person; gives the number of their share.
    pub(crate) fn join(&mut self, now: Instant, holder: &Arc<str>) -> usize {
        if let Some(&number) = self.numbers.get(holder) {
            self.shares[number].users += 1;
            return number;
        }
        let share = Share {
            holder: holder.clone(),
            users: 1,
            octets: self.per_second.unwrap_or(0.0) * AT_ONCE,
            filled: now,
        };
        let number = self.unused.pop().unwrap_or(self.shares.len());
        match self.shares.get_mut(number) {
            Some(place) => *place = share,
            None => self.shares.push(share),
        }
        self.numbers.insert(holder.clone(), number);
        number
    }

    /// The share of a person who has an allocation.
    pub(crate) fn number_of(&self, holder: &str) -> Option<usize> {
        self.numbers.get(holder).copied()
    }

    /// One allocation less.
    pub(crate) fn leave(&mut self, number: usize) {
        let Some(share) = self.shares.get_mut(number) else {
            return;
        };
        share.users = share.users.saturating_sub(1);
        if share.users == 0 && self.numbers.remove(&share.holder).is_some() {
            self.unused.push(number);
        }
    }

    /// Whether so many octets more may pass.
    pub(crate) fn admits(&mut self, now: Instant, number: usize, octets: usize) -> bool {
        let Some(per_second) = self.per_second else {
            return true;
        };
        let Some(share) = self.shares.get_mut(number) else {
            return false;
        };
        let quiet = now.saturating_duration_since(share.filled).as_secs_f64();
        share.octets = (share.octets + quiet * per_second).min(per_second * AT_ONCE);
        share.filled = now;
        let admitted = share.octets >= octets as f64;
        if admitted {
            share.octets -= octets as f64;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_person_has_one_share_whatever_they_open() {
        let (mut bandwidth, now) = (Bandwidth::new(Some(1000)), Instant::now());
        let (ann, bob): (Arc<str>, Arc<str>) = ("ann".into(), "bob".into());
        let numbers = [bandwidth.join(now, &ann), bandwidth.join(now, &ann)];
        assert_eq!(numbers[0], numbers[1]);
        assert!(bandwidth.admits(now, numbers[0], 400));
        assert!(!bandwidth.admits(now, numbers[1], 101));
        assert!(bandwidth.admits(now, numbers[1], 100));
        let later = now + Duration::from_millis(100);
        assert!(
            bandwidth.admits(later, numbers[0], 100) && !bandwidth.admits(later, numbers[0], 1)
        );
        let other = bandwidth.join(now, &bob);
        assert!(bandwidth.admits(now, other, 500));
    }

    #[test]
    fn shares_are_used_again() {
        let (mut bandwidth, now) = (Bandwidth::new(None), Instant::now());
        for name in 0..100 {
            let number = bandwidth.join(now, &name.to_string().into());
            assert!(bandwidth.admits(now, number, usize::MAX));
            bandwidth.leave(number);
        }
        assert_eq!((bandwidth.shares.len(), bandwidth.numbers.len()), (1, 0));
    }
}
