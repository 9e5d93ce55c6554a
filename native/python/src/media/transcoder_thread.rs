//! The thread that has pictures transcoded, so that no codec ever holds up media.
//!
//! The media thread hands steps over and never waits. Transcodings take turns, so that one whose pictures take
//! long doesn't hold up the others; if too many steps wait they aren't done, and that is said.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use vestibule_media::{Outcome, Step, Task, Transcoder, TranscodingId};

/// Steps that may wait, of all transcodings; the core sees to it that each has but a few.
const QUEUE: usize = 64;

/// What waits to be done.
#[derive(Default)]
struct Waiting {
    /// Those with steps, in the order of their turns.
    turns: VecDeque<TranscodingId>,
    steps: HashMap<TranscodingId, VecDeque<Step>>,
    count: usize,
    ended: HashSet<TranscodingId>,
    closed: bool,
}

impl Waiting {
    /// False: there are too many.
    fn push(&mut self, id: TranscodingId, step: Step) -> bool {
        if self.count >= QUEUE {
            return false;
        }
        self.count += 1;
        let steps = self.steps.entry(id).or_default();
        if steps.is_empty() {
            self.turns.push_back(id);
        }
        steps.push_back(step);
        true
    }

    fn pop(&mut self) -> Option<(TranscodingId, Step)> {
        let id = self.turns.pop_front()?;
        let steps = self.steps.get_mut(&id)?;
        let step = steps.pop_front()?;
        self.count -= 1;
        if steps.is_empty() {
            self.steps.remove(&id);
        } else {
            self.turns.push_back(id);
        }
        Some((id, step))
    }

    /// What waits of it needs not be done any more.
    fn end(&mut self, id: TranscodingId) {
        let steps = self.steps.remove(&id).unwrap_or_default();
        self.count -= steps.len();
        self.turns.retain(|turn| *turn != id);
        self.ended.insert(id);
    }
}

/// What the thread is to do next.
struct Turn {
    /// Of these nothing more comes.
    ended: HashSet<TranscodingId>,
    next: Option<(TranscodingId, Step)>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait for what is to be done; `None`: there will be no more.
    fn next(&self) -> Option<Turn> {
        let idle = |w: &mut Waiting| !w.closed && w.turns.is_empty() && w.ended.is_empty();
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return None;
        }
        Some(Turn {
            ended: std::mem::take(&mut waiting.ended),
            next: waiting.pop(),
        })
    }
}

/// The media thread's end of it. Dropped, the thread ends after the step that it is at.
pub struct TranscoderThread {
    queue: Arc<Queue>,
    done: Receiver<(TranscodingId, Outcome)>,
    refused: VecDeque<TranscodingId>,
    thread: Option<JoinHandle<()>>,
}

impl TranscoderThread {
    /// Start the thread. `wake` is called when `poll` has something.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let (tell, done) = channel();
        let its_queue = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("vestibule-transcoder".to_owned())
            .spawn(move || run(&its_queue, &tell, &wake))?;
        Ok(Self {
            queue,
            done,
            refused: VecDeque::new(),
            thread: Some(thread),
        })
    }

    /// Have something done.
    pub fn take(&mut self, task: Task) {
        let mut waiting = self.queue.lock();
        match task {
            Task::Step(id, step) => {
                if !waiting.push(id, step) {
                    self.refused.push_back(id);
                }
            }
            Task::End(id) => waiting.end(id),
        }
        drop(waiting);
        self.queue.changed.notify_one();
    }

    /// The next thing that is done, or will not be.
    pub fn poll(&mut self) -> Option<(TranscodingId, Outcome)> {
        let refused = self.refused.pop_front();
        refused
            .map(|id| (id, Outcome::Dropped))
            .or_else(|| self.done.try_recv().ok())
    }
}

impl Drop for TranscoderThread {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panics nowhere; if it did, it has ended.
            let _ = thread.join();
        }
    }
}

fn run(queue: &Queue, tell: &Sender<(TranscodingId, Outcome)>, wake: &impl Fn()) {
    let mut transcoders: HashMap<TranscodingId, Transcoder> = HashMap::new();
    while let Some(turn) = queue.next() {
        transcoders.retain(|id, _| !turn.ended.contains(id));
        let Some((id, step)) = turn.next else {
            continue;
        };
        let outcome = transcoders.entry(id).or_default().work(&step);
        if tell.send((id, outcome)).is_err() {
            return;
        }
        wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::RecvTimeoutError;
    use std::time::Duration;

    use super::*;

    fn frame(octets: &[u8]) -> Step {
        Step::Frame {
            octets: octets.to_vec(),
            wanted: None,
        }
    }

    /// Names as the core gives them, by the room's number.
    fn ids(count: u64) -> Vec<TranscodingId> {
        (0..count).map(TranscodingId::for_test).collect()
    }

    #[test]
    fn transcodings_take_turns() {
        let mut waiting = Waiting::default();
        let [one, two] = ids(2)[..] else { panic!() };
        for step in [1, 2, 3] {
            assert!(waiting.push(one, frame(&[step])));
        }
        assert!(waiting.push(two, frame(&[9])));
        let order: Vec<_> = std::iter::from_fn(|| waiting.pop()).collect();
        let expected = [(one, 1), (two, 9), (one, 2), (one, 3)];
        assert_eq!(order, expected.map(|(id, octet)| (id, frame(&[octet]))));
        assert_eq!(waiting.count, 0);
    }

    #[test]
    fn too_many_steps_are_refused_and_what_ended_makes_room() {
        let mut waiting = Waiting::default();
        let [one, two] = ids(2)[..] else { panic!() };
        assert!((0..QUEUE).all(|_| waiting.push(one, frame(&[]))));
        assert!(!waiting.push(two, frame(&[])));
        waiting.end(one);
        assert!(waiting.push(two, frame(&[])));
        assert_eq!(waiting.pop(), Some((two, frame(&[]))));
        assert_eq!(waiting.pop(), None);
        assert!(waiting.ended.contains(&one));
    }

    #[test]
    fn each_step_has_one_outcome_and_the_thread_ends() {
        let (woken, wakes) = channel();
        let mut thread = TranscoderThread::spawn(move || woken.send(()).unwrap()).unwrap();
        let [one, two] = ids(2)[..] else { panic!() };
        for id in [one, two, one] {
            thread.take(Task::Step(id, frame(b"no frame")));
        }
        thread.take(Task::End(two));
        thread.take(Task::Step(two, frame(b"after all")));
        let mut seen = Vec::new();
        while seen.iter().filter(|id| **id == one).count() < 2 || !seen.contains(&two) {
            wakes.recv_timeout(Duration::from_secs(10)).unwrap();
            while let Some((id, outcome)) = thread.poll() {
                assert_eq!(outcome, Outcome::Undecodable);
                seen.push(id);
            }
        }
        drop(thread);
        let after = wakes.recv_timeout(Duration::from_secs(10));
        assert_ne!(after, Err(RecvTimeoutError::Timeout), "it has not ended");
    }
}
