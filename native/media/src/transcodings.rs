//! The way from the rooms to the codecs and back.

use std::time::Instant;

use crate::rooms::Rooms;
use crate::transcoding::{Outcome, Places, Task, TranscodingId};

impl Rooms {
    /// Let so many pictures be transcoded at once. Say it before there are rooms.
    #[must_use]
    pub fn with_transcodings(mut self, most: usize) -> Self {
        self.places = Places::new(most);
        self
    }

    /// How many pictures are being transcoded.
    pub fn transcodings(&self) -> usize {
        self.places.taken()
    }

    /// The next thing that a [`crate::Transcoder`] is to do.
    pub fn poll_task(&mut self) -> Option<Task> {
        self.out.tasks.pop_front()
    }

    /// A step is done. Nothing happens if its transcoding has ended.
    pub fn handle_transcoded(&mut self, now: Instant, id: TranscodingId, outcome: Outcome) {
        self.with_room(now, id.room, |room, _| {
            room.on_transcoded(now, id.number, outcome);
        });
    }
}
