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

/// A new file that nobody else may read, and that is still there after a power failure.
pub fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    if synced.is_err() {
        // It is empty. If it can't be removed it stays so.
        let _ = std::fs::remove_file(path);
    }
    synced.map(|()| file)
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
    /// Start the thread. `tell` is called once, from any thread, when all is written or given up; `alive`
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
            Part::End { problem: None } => {}
            Part::End {
                problem: Some(problem),
            } => self.shared.fail(problem.to_owned()),
        }
        if self.synced.elapsed() >= SYNC_INTERVAL {
            self.disk.sync()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Waits for a word before each write, and fails when it is told to.
    struct SlowDisk {
        go: Receiver<io::Result<()>>,
        written: Sender<Vec<u8>>,
    }

    impl Disk for SlowDisk {
        fn append(&mut self, _at: u64, octets: &[u8]) -> io::Result<()> {
            self.go.recv().unwrap_or(Ok(()))?;
            let _ = self.written.send(octets.to_vec());
            Ok(())
        }

        fn overwrite(&mut self, _at: u64, octets: &[u8]) -> io::Result<()> {
            self.append(0, octets)
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Setting {
        writer: FileWriter,
        go: Sender<io::Result<()>>,
        written: Receiver<Vec<u8>>,
        ends: Receiver<Ended>,
        last: Receiver<()>,
    }

    impl Setting {
        fn has_failed(&self) -> bool {
            self.writer.shared.lock().problem.is_some()
        }
    }

    fn setting() -> Setting {
        let (go, waits) = channel();
        let (written, seen) = channel();
        let (tell, ends) = channel();
        let (alive, last) = channel();
        let disk = SlowDisk { go: waits, written };
        let writer = FileWriter::spawn(disk, alive, move |ended| {
            tell.send(ended).unwrap();
        });
        Setting {
            writer: writer.unwrap(),
            go,
            written: seen,
            ends,
            last,
        }
    }

    fn second(n: u64) -> Part {
        Part::Append {
            octets: vec![n as u8; 10],
            until: Duration::from_secs(n),
        }
    }

    #[test]
    fn parts_are_written_in_order_and_the_end_is_told() {
        let setting = setting();
        for n in 1..=3 {
            assert!(setting.writer.write(second(n)));
            setting.go.send(Ok(())).unwrap();
            assert_eq!(setting.written.recv_timeout(LIMIT).unwrap(), [n as u8; 10]);
        }
        assert!(setting.writer.write(Part::End { problem: None }));
        drop((setting.writer, setting.go));
        let ended = Ended {
            length: Duration::from_secs(3),
            octets: 30,
            problem: None,
        };
        assert_eq!(setting.ends.recv_timeout(LIMIT).unwrap(), ended);
        assert!(setting.last.recv_timeout(LIMIT).is_err());
        assert!(setting.ends.try_recv().is_err(), "it is told once");
    }

    #[test]
    fn a_disk_that_hangs_holds_up_nobody_and_ends_the_recording() {
        let setting = setting();
        let begun = Instant::now();
        let accepted = (1..).take_while(|n| setting.writer.write(second(*n)));
        let accepted = accepted.count();
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert!((QUEUE..=QUEUE + 1).contains(&accepted), "{accepted}");
        // It is told while the disk still hangs.
        let ended = setting.ends.recv_timeout(LIMIT).unwrap();
        assert_eq!(ended.problem.as_deref(), Some(TOO_SLOW));
        assert_eq!((ended.octets, ended.length), (0, Duration::ZERO));
        assert!(!setting.writer.write(second(99)));
        drop((setting.writer, setting.go));
        assert!(setting.last.recv_timeout(LIMIT).is_err());
        assert!(setting.ends.try_recv().is_err(), "it is told once");
    }

    #[test]
    fn a_disk_that_is_full_ends_the_recording_with_what_is_on_it() {
        let setting = setting();
        assert!(setting.writer.write(second(1)));
        setting.go.send(Ok(())).unwrap();
        setting.written.recv_timeout(LIMIT).unwrap();
        assert!(setting.writer.write(second(2)));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        setting.go.send(Err(full)).unwrap();
        let deadline = Instant::now() + LIMIT;
        while !setting.has_failed() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        assert!(!setting.writer.write(second(3)));
        drop((setting.writer, setting.go));
        let ended = setting.ends.recv_timeout(LIMIT).unwrap();
        assert!(ended.problem.unwrap().contains("no storage space"));
        assert_eq!((ended.octets, ended.length), (10, Duration::from_secs(1)));
    }

    #[test]
    fn a_problem_of_the_core_is_told() {
        let setting = setting();
        let problem = Some("a bug");
        assert!(setting.writer.write(Part::End { problem }));
        drop(setting.writer);
        let ended = setting.ends.recv_timeout(LIMIT).unwrap();
        assert_eq!(ended.problem.as_deref(), Some("a bug"));
    }

    #[test]
    fn a_file_is_new_and_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("vestibule-{}-file-writer", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut file = create(&path).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = create(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        file.append(0, b"abcdef").unwrap();
        file.overwrite(2, b"xy").unwrap();
        file.append(6, b"g").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abxyefg");
        std::fs::remove_file(path).unwrap();
    }
}
