//! How many pictures may be transcoded at once on a node, for each takes a share of a processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places of one node, shared by its rooms.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    most: usize,
    taken: Arc<AtomicUsize>,
}

impl Places {
    /// So many, all free.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Take one, if one is free.
    pub(crate) fn take(&self) -> Option<Place> {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.taken.fetch_update(set, fetch, more).ok()?;
        Some(Place(Arc::clone(&self.taken)))
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// One of them; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_they_come_back() {
        let places = Places::new(2);
        let other = places.clone();
        let (first, second) = (places.take(), other.take());
        assert!(first.is_some() && second.is_some());
        assert!(places.take().is_none());
        assert_eq!(other.taken(), 2);
        drop(first);
        assert!(other.take().is_some());
        assert!(Places::new(0).take().is_none());
    }
}
