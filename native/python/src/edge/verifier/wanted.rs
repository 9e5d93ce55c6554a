//! Where revocation lists are that a peer was refused for the lack of.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Only chains that lead to an authority that we trust get here, but it may be a talkative one.
const MOST: usize = 64;
const LONGEST: usize = 2048;

/// A small set that is emptied by looking at it.
#[derive(Debug, Default)]
pub struct Wanted {
    places: Mutex<BTreeSet<String>>,
}

impl Wanted {
    /// Lists there are missing. What is too much is dropped: the peer will come again.
    pub fn note(&self, places: &[String]) {
        let mut held = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places {
            if held.len() < MOST && place.len() <= LONGEST {
                held.insert(place.clone());
            }
        }
    }

    /// What has been noted since the last time.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
