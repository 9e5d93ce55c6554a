//! Who wants to be called when.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// One deadline per key, the soonest first.
#[derive(Debug)]
pub struct Timetable<K> {
    order: BTreeSet<(Instant, K)>,
    entries: HashMap<K, Instant>,
}

impl<K: Copy + Ord + Hash> Timetable<K> {
    /// Set or replace a key's deadline; `None` takes it away.
    pub fn set(&mut self, key: K, deadline: Option<Instant>) {
        let before = match deadline {
            Some(at) => self.entries.insert(key, at),
            None => self.entries.remove(&key),
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.order.remove(&(before, key));
        }
        if let Some(at) = deadline {
            self.order.insert((at, key));
        }
    }

    /// The soonest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Take one key whose deadline has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }
}

impl<K> Default for Timetable<K> {
    fn default() -> Self {
        Self {
            order: BTreeSet::new(),
            entries: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_come_due_in_order_and_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut table = Timetable::default();
        table.set('b', Some(at(20)));
        table.set('a', Some(at(10)));
        table.set('c', Some(at(30)));
        table.set('c', Some(at(5)));
        table.set('a', None);
        assert_eq!(table.next(), Some(at(5)));
        assert_eq!(table.pop_due(at(4)), None);
        assert_eq!(table.pop_due(at(25)), Some('c'));
        assert_eq!(table.pop_due(at(25)), Some('b'));
        assert_eq!(table.pop_due(at(25)), None);
        assert_eq!(table.next(), None);
    }
}
