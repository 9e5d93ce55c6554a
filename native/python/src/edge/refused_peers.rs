//! Whose certificates were refused, summed until Python asks: a flood of them must not wake it each time.

use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Addresses and reasons told apart; what is more is counted without its address.
const MOST: usize = 256;

/// One address (`None`: all the others) and reason.
pub type Source = (Option<IpAddr>, &'static str);

/// A small table that is emptied by looking at it.
#[derive(Debug, Default)]
pub struct RefusedPeers(Mutex<HashMap<Source, u64>>);

impl RefusedPeers {
    /// A certificate from there was refused.
    pub fn note(&self, peer: IpAddr, reason: &'static str) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (Some(peer.to_canonical()), reason);
        let there_is_room = counted.len() < MOST || counted.contains_key(&known);
        let source = if there_is_room { known } else { (None, reason) };
        *counted.entry(source).or_default() += 1;
    }

    /// What has been noted since the last time.
    pub fn take(&self) -> HashMap<Source, u64> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{MOST, RefusedPeers};

    #[test]
    fn sums_up_and_keeps_no_more_than_it_may() {
        let refused = RefusedPeers::default();
        for n in 0..2 * MOST as u32 {
            refused.note(IpAddr::from(n.to_be_bytes()), "expired");
            refused.note(IpAddr::from(n.to_be_bytes()), "expired");
        }
        let taken = refused.take();
        assert_eq!(taken.len(), MOST + 1);
        assert_eq!(taken[&(None, "expired")], 2 * MOST as u64);
        assert_eq!(taken.values().sum::<u64>(), 4 * MOST as u64);
        assert!(refused.take().is_empty());
    }
}
