//! The files of the rooms that are being recorded.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use vestibule_media::Part;

use super::events::Told;
use super::file_writer::FileWriter;
use crate::wake::EventQueue;

/// How long a process that ends waits for its files.
const PATIENCE: Duration = Duration::from_secs(5);

/// A writer for each.
pub struct Recordings {
    writers: HashMap<String, FileWriter>,
    events: Arc<EventQueue<Told>>,
    /// Each writer's thread has a clone of it while it lives.
    alive: Sender<()>,
    last: Receiver<()>,
}

impl Recordings {
    /// None yet; their ends go to `events`.
    pub fn new(events: Arc<EventQueue<Told>>) -> Self {
        let (alive, last) = channel();
        Self {
            writers: HashMap::new(),
            events,
            alive,
            last,
        }
    }

    /// What comes of this room goes to that file.
    pub fn add(&mut self, room: &str, file: File) -> io::Result<()> {
        let events = Arc::clone(&self.events);
        let name = room.to_owned();
        let writer = FileWriter::spawn(file, self.alive.clone(), move |ended| {
            let room = name.clone();
            events.push(Told::RecordingEnded { room, ended });
        })?;
        self.writers.insert(room.to_owned(), writer);
        Ok(())
    }

    /// Octets in a room's file.
    pub fn octets(&self, room: &str) -> Option<u64> {
        self.writers.get(room).map(FileWriter::octets)
    }

    /// Write a part. False: the recording must be stopped.
    pub fn write(&mut self, room: &str, part: Part) -> bool {
        let ends = matches!(part, Part::End { .. });
        let written = self.writers.get(room).is_none_or(|w| w.write(part));
        if ends || !written {
            self.writers.remove(room);
        }
        written
    }

    /// Wait until all that was handed over is written, but not for ever.
    pub fn finish(self) {
        drop((self.writers, self.alive));
        // Nothing is ever sent: it ends when the last thread does, or with the time.
        let _ = self.last.recv_timeout(PATIENCE);
    }
}
