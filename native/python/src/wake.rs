//! How Rust threads wake Python's event loop: a queue of events with an eventfd.
//!
//! The descriptor is readable exactly while events wait. It is written only when the queue goes
//! from empty to non-empty, so a burst costs one system call here and one wake-up of the loop there;
//! `drain` resets it and swaps the queue for an empty one, so no lock is held while Python looks at
//! the events. Both happen under the lock, which keeps "readable" and "non-empty" the same thing.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

/// Events from any thread to the one that drains.
#[derive(Debug)]
pub struct EventQueue<T> {
    waiting: Mutex<Vec<T>>,
    signal: OwnedFd,
}

impl<T> EventQueue<T> {
    /// An empty queue. Fails if the process is out of file descriptors.
    pub fn new() -> io::Result<Self> {
        let signal = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            waiting: Mutex::new(Vec::new()),
            signal,
        })
    }

    /// Add one event.
    pub fn push(&self, event: T) {
        self.push_all([event]);
    }

    /// Add several events in order, with nobody's in between and with one wake-up at most.
    pub fn push_all(&self, events: impl IntoIterator<Item = T>) {
        let mut waiting = self.lock();
        let was_empty = waiting.is_empty();
        waiting.extend(events);
        if was_empty && !waiting.is_empty() {
            // It can only fail if the counter would overflow; it goes from 0 to 1.
            let _ = rustix::io::write(&self.signal, &1_u64.to_ne_bytes());
        }
    }

    /// Take everything that waits, in order of arrival.
    pub fn drain(&self) -> Vec<T> {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return Vec::new();
        }
        // Reading resets an eventfd's counter.
        let _ = rustix::io::read(&self.signal, &mut [0_u8; 8]);
        mem::take(&mut *waiting)
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The eventfd, for the event loop's reader; it lives as long as the queue.
    pub fn fileno(&self) -> RawFd {
        self.signal.as_raw_fd()
    }

    /// A panic elsewhere leaves a `Vec` in order, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::EventQueue;

    fn readable<T>(queue: &EventQueue<T>) -> bool {
        let mut fds = [PollFd::new(&queue.signal, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn is_readable_exactly_while_events_wait() {
        let queue = EventQueue::new().unwrap();
        assert!(!readable(&queue));
        queue.push(1);
        queue.push(2);
        assert!(readable(&queue));
        assert_eq!(queue.drain(), [1, 2]);
        assert!(!readable(&queue));
        assert!(queue.drain().is_empty());
        queue.push(3);
        assert!(readable(&queue));
    }

    #[test]
    fn an_empty_batch_does_not_wake() {
        let queue = EventQueue::<u8>::new().unwrap();
        queue.push_all([]);
        assert!(!readable(&queue));
    }

    #[test]
    fn nothing_is_lost_or_reordered_between_threads() {
        let queue = Arc::new(EventQueue::new().unwrap());
        let pushers: Vec<_> = (0..4)
            .map(|pusher| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || (0..1000).for_each(|n| queue.push((pusher, n))))
            })
            .collect();
        let mut seen = Vec::new();
        while seen.len() < 4000 {
            seen.extend(queue.drain());
        }
        for pusher in pushers {
            pusher.join().unwrap();
        }
        for pusher in 0..4 {
            let of_one: Vec<_> = seen
                .iter()
                .filter(|(p, _)| *p == pusher)
                .map(|(_, n)| *n)
                .collect();
            assert_eq!(of_one, (0..1000).collect::<Vec<_>>());
        }
        assert!(!readable(&queue));
    }
}
