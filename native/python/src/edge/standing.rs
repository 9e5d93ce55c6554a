//! How a flow stands with us: whether somebody was proven on it, and whose shares its messages draw on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::shares::{Over, Share};

/// Python lets no more people onto one flow.
const MOST_SHARES: usize = 16;

/// Of one flow.
#[derive(Debug)]
pub struct Standing {
    /// Those of the listener that it came by.
    pub counters: Arc<Counters>,
    proven: AtomicBool,
    shares: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    shares: Vec<Arc<Share>>,
    /// Whether they are of those who were proven, not of where the flow comes from.
    named: bool,
}

impl Standing {
    /// Of a flow that nobody was proven on; narrower shares come first.
    pub fn new(counters: Arc<Counters>, shares: Vec<Arc<Share>>) -> Self {
        Self {
            counters,
            proven: AtomicBool::new(false),
            shares: Mutex::new(Held {
                shares,
                named: false,
            }),
        }
    }

    /// Somebody has proven who they are on this flow: it may be idle from now on.
    pub fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::prove`] was called.
    pub fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Draw on this share too; the first one stands instead of those of its address.
    pub fn share(&self, share: Arc<Share>) {
        let mut held = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.named {
            held.shares.clear();
            held.named = true;
        }
        let is_new = held.shares.iter().all(|one| !Arc::ptr_eq(one, &share));
        if is_new && held.shares.len() < MOST_SHARES {
            held.shares.push(share);
        }
    }

    /// Draw one message's worth on each share; returns how long to stop reading.
    ///
    /// # Errors
    /// One of them has no more credit. Wider ones pay only for what narrower ones could.
    pub fn draw(&self, now: Instant) -> Result<Duration, Over> {
        let held = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pause = Duration::ZERO;
        for share in &held.shares {
            pause = pause.max(share.draw(now)?);
        }
        Ok(pause)
    }
}
