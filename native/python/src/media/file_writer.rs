//! The thread that writes one recording's file, so that a slow disk never holds up media.
//!
//! The media thread hands parts over and never waits: if so many are queued that the disk can't be
//! keeping up, or if it has failed, the recording is over. What was written whole stays.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use vestibule_media::Part;

/// Parts that may wait; there is about one a second.
const QUEUE: usize = 16;
/// What a power failure may take of the file's end, beside the cluster that isn't full yet.
const SYNC_INTERVAL: Duration = Duration::from_secs(2);
const TOO_SLOW: &str = "the disk is too slow";

/// How a recording ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How long what is in the file lasts.
    pub length: Duration,
    /// How large the file is.
    pub octets: u64,
    /// Why, if it wasn't asked for.
    pub problem: Option<String>,
}

/// Where a recording goes to: a file, but for tests.
pub trait Disk: Send + 'static {
    /// Write all of it at the end; what doesn't succeed leaves nothing behind if that can be helped.
    fn append(&mut self, at: u64, octets: &[u8]) -> io::Result<()>;
    /// Write all of it over what is there.
    fn overwrite(&mut self, at: u64, octets: &[u8]) -> io::Result<()>;
    /// Let nothing of it be lost when the power fails.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn append(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        let written = self.write_all(octets);
        if written.is_err() {
            // Half a cluster is of no use. If that fails too, players can live with it.
            let _ = self.set_len(at);
        }
        written
    }

    fn overwrite(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        self.write_all_at(octets, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A new file that nobody else may read.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// What both threads know of one file.
struct Shared {
    octets: AtomicU64,
    progress: Mutex<Progress>,
    tell: Box<dyn Fn(Ended) + Send + Sync>,
}

#[derive(Default)]
struct Progress {
    length: Duration,
    problem: Option<String>,
    told: bool,
}

impl Shared {
    /// It is over; that is told once.
    fn end(&self) {
        let mut progress = self.lock();
        if !std::mem::replace(&mut progress.told, true) {
            let ended = Ended {
                length: progress.length,
                octets: self.octets.load(Ordering::Relaxed),
                problem: progress.problem.clone(),
            };
            drop(progress);
            (self.tell)(ended);
        }
    }

    /// The first thing that went wrong is what is told.
    fn fail(&self, problem: String) {
        self.lock().problem.get_or_insert(problem);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The media thread's end of it. Dropped, the file is brought to an end.
pub struct FileWriter {
    parts: SyncSender<Part>,
    shared: Arc<Shared>,
}

impl FileWriter {
    /// Start the thread. `tell` is called once, from any thread, when all is written or given up; `_alive`
    /// is dropped when the thread ends.
    pub fn spawn(
        disk: impl Disk,
        alive: Sender<()>,
        tell: impl Fn(Ended) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (parts, queue) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            octets: AtomicU64::new(0),
            progress: Mutex::default(),
            tell: Box::new(tell),
        });
        let writing = Writing {
            disk,
            shared: Arc::clone(&shared),
            synced: Instant::now(),
        };
        std::thread::Builder::new()
            .name("vestibule-file".to_owned())
            .spawn(move || {
                writing.run(&queue);
                drop(alive);
            })?;
        Ok(Self { parts, shared })
    }

    /// Octets written so far.
    pub fn octets(&self) -> u64 {
        self.shared.octets.load(Ordering::Relaxed)
    }

    /// Hand over a part. False: the recording can't go on, and that is told or will be.
    pub fn write(&self, part: Part) -> bool {
        if let Part::End { problem } = part {
            if let Some(problem) = problem {
                self.shared.fail(problem.to_owned());
            }
            return true;
        }
        if self.shared.lock().problem.is_some() {
            return false;
        }
        let queued = self.parts.try_send(part).is_ok();
        if !queued {
            self.shared.fail(TOO_SLOW.to_owned());
            // Not by the thread: it may hang for good.
            self.shared.end();
        }
        queued
    }
}

/// The writing thread's end of it.
struct Writing<D> {
    disk: D,
    shared: Arc<Shared>,
    synced: Instant,
}

impl<D: Disk> Writing<D> {
    fn run(mut self, queue: &Receiver<Part>) {
        // After a failure it goes on to take parts until the media thread has noticed.
        while let Ok(part) = queue.recv() {
            if self.shared.lock().problem.is_some() {
                continue;
            }
            if let Err(error) = self.write(part) {
                self.shared.fail(error.to_string());
            }
        }
        if let Err(error) = self.disk.sync() {
            self.shared.fail(error.to_string());
        }
        self.shared.end();
    }

    fn write(&mut self, part: Part) -> io::Result<()> {
        match part {
            Part::Append { octets, until } => {
                let at = self.shared.octets.load(Ordering::Relaxed);
                self.disk.append(at, &octets)?;
                let now = at + octets.len() as u64;
                self.shared.octets.store(now, Ordering::Relaxed);
                self.shared.lock().length = until;
            }
            Part::Overwrite { at, octets } => self.disk.overwrite(at, &octets)?,
            Part::End { .. } => {}
        }
        if self.synced.elapsed() >= SYNC_INTERVAL {
            self.disk.sync()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}
