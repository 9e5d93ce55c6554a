//! The media thread: one poller, one set of rooms, commands from Python in between.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use thiserror::Error;
use vestibule_media::{
    PhoneLeg, PhoneSockets, Refused, Rights, Rooms, SocketId, Unrecordable, VideoLeg,
};

use super::calls::{OfferedPhones, close};
use super::events::Told;
use super::recordings::Recordings;
use super::sockets::Sockets;
use super::transcoder_thread::TranscoderThread;
use crate::pace::Pace;
use crate::wake::EventQueue;

/// The waker's token; sockets count up from 0.
const WAKER: Token = Token(usize::MAX);
/// Events of one poll; the rest come with the next.
const EVENTS: usize = 256;

/// Why a room isn't recorded.
#[derive(Debug, Error)]
pub enum NotStarted {
    /// The room's state is against it.
    #[error(transparent)]
    Unrecordable(#[from] Unrecordable),
    /// There is no thread for the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Something to do on the media thread.
pub type Command = Box<dyn FnOnce(&mut Worker) + Send>;

/// What the thread owns.
pub struct Worker {
    /// The core.
    pub rooms: Rooms,
    /// Its sockets.
    pub sockets: Sockets,
    /// Phones that have not answered our offers.
    pub offered_phones: OfferedPhones,
    /// The files of the rooms that are recorded.
    pub recordings: Recordings,
    transcoder: TranscoderThread,
    /// The time of this turn of the loop.
    pub now: Instant,
    poll: Poll,
    /// Held here too, for a closed descriptor would take its last wake-up with it.
    _waker: Arc<Waker>,
    ready: BTreeSet<SocketId>,
    commands: Receiver<Command>,
    events: Arc<EventQueue<Told>>,
    pace: Pace,
}

impl Worker {
    /// Open the browsers' socket, on a port of the range; returns the worker, its waker and that socket's port.
    pub fn new(
        bind: IpAddr,
        advertise: IpAddr,
        ports: RangeInclusive<u16>,
        fips: bool,
        transcodings: usize,
        commands: Receiver<Command>,
        events: Arc<EventQueue<Told>>,
    ) -> io::Result<(Self, Arc<Waker>, u16)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut sockets = Sockets::new(poll.registry().try_clone()?, bind, ports);
        let (port, PhoneSockets { rtp: browsers, .. }) = sockets.open_random(false)?;
        sockets.enlarge(browsers);
        let now = Instant::now();
        let address = SocketAddr::new(advertise, port);
        let rooms = Rooms::new(now, browsers, address, fips).map_err(io::Error::other)?;
        let its_waker = Arc::clone(&waker);
        let transcoder = TranscoderThread::spawn(move || {
            // It fails only if the media thread's poller is gone, and so that thread.
            let _ = its_waker.wake();
        })?;
        let worker = Self {
            rooms: rooms.with_transcodings(transcodings),
            sockets,
            transcoder,
            offered_phones: OfferedPhones::default(),
            recordings: Recordings::new(Arc::clone(&events)),
            now,
            poll,
            _waker: Arc::clone(&waker),
            ready: BTreeSet::new(),
            commands,
            events,
            pace: Pace::default(),
        };
        Ok((worker, waker, port))
    }

    /// Give a phone its sockets and let it join; returns its RTP port.
    pub fn join_phone(
        &mut self,
        room: &str,
        endpoint: &str,
        leg: PhoneLeg,
        rights: Rights,
    ) -> Result<u16, Refused> {
        let opened = self.sockets_for(room, endpoint, leg.rtcp_mux)?;
        self.with_sockets(opened, |rooms, now, sockets| {
            rooms.join_phone(now, room, endpoint, leg, sockets, rights)
        })
    }

    /// Give a phone's pictures their sockets; returns their RTP port.
    pub fn add_phone_video(
        &mut self,
        room: &str,
        endpoint: &str,
        leg: VideoLeg,
        may_send: bool,
    ) -> Result<u16, Refused> {
        let opened = self.sockets.open_random(!leg.stream.rtcp_mux);
        let opened = opened.map_err(|_| Refused::Internal("no free media port"))?;
        self.with_sockets(opened, |rooms, now, sockets| {
            rooms.add_phone_video(now, room, endpoint, leg, sockets, may_send)
        })
    }

    /// Give something its sockets, which are closed again if it is refused; returns the RTP port.
    fn with_sockets(
        &mut self,
        (port, sockets): (u16, PhoneSockets),
        call: impl FnOnce(&mut Rooms, Instant, PhoneSockets) -> Result<(), Refused>,
    ) -> Result<u16, Refused> {
        let taken = call(&mut self.rooms, self.now, sockets);
        if taken.is_err() {
            close(&mut self.sockets, sockets);
        }
        taken.map(|()| port)
    }

    /// Record a room into a file.
    pub fn start_recording(&mut self, room: &str, file: File) -> Result<(), NotStarted> {
        self.rooms.start_recording(self.now, room)?;
        let added = self.recordings.add(room, file);
        if added.is_err() {
            self.rooms.stop_recording(self.now, room);
        }
        Ok(added?)
    }

    /// Work until the sender of commands is gone.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let timeout = self.timeout();
            if let Some(pause) = self.pace.pause(Instant::now()) {
                std::thread::sleep(pause);
            }
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
            self.now = Instant::now();
            let tokens = events.iter().map(|event| event.token());
            self.ready
                .extend(tokens.filter(|t| *t != WAKER).map(|t| SocketId(t.0)));
            let wanted = self.run_commands();
            if wanted {
                self.receive();
                self.take_pictures();
            } else {
                self.rooms.close(self.now);
            }
            self.flush();
            if !wanted {
                self.recordings.finish();
                return;
            }
        }
    }

    /// How long to sleep: not at all while a socket may have more.
    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.rooms.next_deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    fn run_commands(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    command(self);
                    // Goodbyes go out and sockets come free before the next command needs them.
                    self.flush();
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// One batch of every socket that has something, so that none starves the others or the timers.
    fn receive(&mut self) {
        let Self {
            rooms,
            sockets,
            ready,
            now,
            pace,
            ..
        } = self;
        ready.retain(|id| {
            sockets.receive(*id, |source, datagram| {
                pace.took(1);
                rooms.handle_datagram(*now, *id, source, datagram);
            })
        });
    }

    /// What the codecs have made goes to those who see it.
    fn take_pictures(&mut self) {
        while let Some((id, outcome)) = self.transcoder.poll() {
            self.rooms.handle_transcoded(self.now, id, outcome);
        }
    }

    fn flush(&mut self) {
        if self.rooms.next_deadline().is_some_and(|at| at <= self.now) {
            self.rooms.handle_timeout(self.now);
        }
        while let Some(transmit) = self.rooms.poll_transmit() {
            self.sockets
                .send(transmit.socket, transmit.destination, &transmit.payload);
        }
        // Before any socket is closed.
        self.sockets.leave();
        self.events
            .push_all(std::iter::from_fn(|| self.rooms.poll_event()).map(Told::Core));
        while let Some((room, part)) = self.rooms.poll_recorded() {
            if !self.recordings.write(&room, part) {
                self.rooms.stop_recording(self.now, &room);
            }
        }
        while let Some(task) = self.rooms.poll_task() {
            self.transcoder.take(task);
        }
        while let Some(socket) = self.rooms.poll_released() {
            self.ready.remove(&socket);
            self.sockets.close(socket);
        }
    }
}
