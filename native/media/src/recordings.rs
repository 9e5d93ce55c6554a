//! Recordings of rooms, by the rooms' names.

use std::time::{Duration, Instant};

use crate::recording::{Part, Unrecordable};
use crate::rooms::Rooms;

impl Rooms {
    /// Whether a recording of the room can be started.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_recorded(&self, room: &str) -> Result<(), Unrecordable> {
        let room = self.find_room(room).ok_or(Unrecordable::NoRoom)?;
        room.can_be_recorded()
    }

    /// Record a room from now on: what is to be in the file comes by `poll_recorded`.
    ///
    /// # Errors
    /// The room isn't open, or is being recorded.
    pub fn start_recording(&mut self, now: Instant, room: &str) -> Result<(), Unrecordable> {
        let key = self.room_key(room).ok_or(Unrecordable::NoRoom)?;
        let mut started = Err(Unrecordable::Codec);
        self.with_room(now, key, |room, out| {
            started = room.start_recording(now, out);
        });
        started
    }

    /// Bring a room's recording to its end; the last part is [`Part::End`]. Nothing happens if it isn't
    /// being recorded.
    pub fn stop_recording(&mut self, now: Instant, room: &str) {
        if let Some(key) = self.room_key(room) {
            self.with_room(now, key, |room, out| room.stop_recording(out));
        }
    }

    /// Whether an endpoint's sound and picture may be in a recording: not until it is said here. Nothing
    /// happens if there is no such endpoint.
    pub fn set_recorded(&mut self, now: Instant, room: &str, endpoint: &str, recorded: bool) {
        if let Some(owner) = self.owner(room, endpoint) {
            self.with_room(now, owner.room, |room, out| {
                room.set_recorded(now, owner.endpoint, recorded);
                room.hand_out_recording(out);
            });
        }
    }

    /// How long the room's recording has lasted; `None` if it isn't being recorded.
    pub fn recorded_for(&self, now: Instant, room: &str) -> Option<Duration> {
        self.find_room(room)?.recorded_for(now)
    }

    /// The next step in the writing of a file: the room's name, and what to do.
    pub fn poll_recorded(&mut self) -> Option<(String, Part)> {
        self.out.recorded.pop_front()
    }
}
