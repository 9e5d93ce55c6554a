//! What a shell does for the node: it has pictures transcoded, at once and in order, or not at all.

use std::collections::HashMap;
use std::time::Instant;

use vestibule_media::{Outcome, Rooms, Step, Task, Transcoder, TranscodingId};

#[derive(Default)]
pub struct Codecs {
    transcoders: HashMap<TranscodingId, Transcoder>,
    /// Steps so far.
    pub steps: usize,
    /// Whether nothing is done of what is asked.
    pub are_stuck: bool,
    /// Whether they panic.
    pub are_broken: bool,
}

impl Codecs {
    /// How many transcodings there are.
    pub fn count(&self) -> usize {
        self.transcoders.len()
    }

    /// Whether anything was done.
    pub fn work(&mut self, now: Instant, rooms: &mut Rooms) -> bool {
        let mut worked = false;
        while let Some(task) = rooms.poll_task() {
            worked = true;
            match task {
                Task::Step(id, step) => self.step(now, rooms, id, &step),
                Task::End(id) => {
                    self.transcoders.remove(&id);
                }
            }
        }
        worked
    }

    fn step(&mut self, now: Instant, rooms: &mut Rooms, id: TranscodingId, step: &Step) {
        self.steps += 1;
        let transcoder = self.transcoders.entry(id).or_default();
        let outcome = if self.are_broken {
            Outcome::Broken
        } else {
            transcoder.work(step)
        };
        if !self.are_stuck {
            rooms.handle_transcoded(now, id, outcome);
        }
    }
}
