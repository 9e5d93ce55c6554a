//! The relay's thread: epoll over the server's socket and one socket for each allocation, around the
//! core that decides everything. Clients that come by streams are in other hands; they send commands.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::SockRef;
use vestibule_relay::{AllocationId, Config, Counters, Output, Server, ToPeer};

use super::streams::{FromStream, Passing, Streams, messages};
use crate::datagrams::{Batch, BatchSocket, Burst};
use crate::pace::Pace;

const SERVER: Token = Token(0);
const WAKE: Token = Token(1);
/// An allocation's token is its number plus this.
const ALLOCATIONS: usize = 2;
/// Batches taken from one socket before the others get their turn.
const BATCHES_IN_A_ROW: usize = 8;
/// Buffers offered to an allocation's socket, where little waits mostly; more cost even if unused.
const PEER_BUFFERS: usize = 4;
/// What the kernel may hold for the server's socket while the thread is busy, in octets.
const SERVER_BUFFER: usize = 4 << 20;
const ALLOCATION_BUFFER: usize = 256 << 10;

/// What Python tells the thread.
pub(super) enum Command {
    Add {
        username: String,
        password: String,
        lifetime: Duration,
    },
    Remove {
        username: String,
    },
    /// Or what a stream's task tells it.
    Stream(FromStream),
    Close,
}

/// The other end of the thread's ear.
pub(super) struct Commands {
    sender: Sender<Command>,
    waker: Waker,
}

impl Commands {
    /// The thread has obeyed before it looks at any datagram that arrives from now on. After the thread's
    /// end nothing happens.
    pub(super) fn send(&self, command: Command) {
        if self.sender.send(command).is_ok() {
            // Waking fails only when epoll itself does; then the thread has ended.
            let _ = self.waker.wake();
        }
    }
}

/// Everything that the thread owns.
pub(super) struct Shell {
    poll: Poll,
    server: Server,
    socket: BatchSocket,
    /// Where relayed sockets are bound.
    relay: SocketAddr,
    relayed: HashMap<AllocationId, BatchSocket>,
    streams: Streams,
    /// Sockets that may still hold datagrams; epoll tells of each arrival only once.
    ready: Vec<Token>,
    commands: Receiver<Command>,
    counters: Arc<Mutex<Counters>>,
    batch: Batch,
    burst: Burst,
    pace: Pace,
}

impl Shell {
    /// Open the server's socket.
    pub(super) fn new(config: Config, listen: SocketAddr) -> io::Result<(Self, Commands)> {
        let poll = Poll::new()?;
        let mut socket = UdpSocket::bind(listen)?;
        // A smaller buffer than wished for works as well.
        let _ = SockRef::from(&socket).set_recv_buffer_size(SERVER_BUFFER);
        poll.registry()
            .register(&mut socket, SERVER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (sender, commands) = channel();
        let shell = Self {
            poll,
            server: Server::new(config, Instant::now()),
            socket: BatchSocket::new(socket)?,
            relay: SocketAddr::new(listen.ip(), 0),
            relayed: HashMap::new(),
            streams: Streams::default(),
            ready: Vec::new(),
            commands,
            counters: Arc::default(),
            batch: Batch::new(),
            burst: Burst::default(),
            pace: Pace::default(),
        };
        Ok((shell, Commands { sender, waker }))
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.socket().local_addr()?.port())
    }

    pub(super) fn counters(&self) -> Arc<Mutex<Counters>> {
        self.counters.clone()
    }

    /// Serve until told to close.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let wait = self.wait();
            if let Some(pause) = self.pace.pause(Instant::now()) {
                std::thread::sleep(pause);
            }
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
            if self.obey() {
                return;
            }
            let told = events.iter().map(|event| event.token());
            self.ready.extend(told.filter(|&token| token != WAKE));
            self.ready.sort_unstable();
            self.ready.dedup();
            for token in std::mem::take(&mut self.ready) {
                if self.serve(token) {
                    self.ready.push(token);
                }
            }
            let now = Instant::now();
            self.server.handle_timeout(now);
            let server = &self.server;
            self.streams
                .end_idle(now, |client| server.has_allocation(client));
            self.act();
            let mut counters = self.server.counters();
            counters.packets_without_room = self.streams.without_room;
            *self.counters.lock().unwrap_or_else(PoisonError::into_inner) = counters;
        }
    }

    fn wait(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let until = [self.server.poll_timeout(), self.streams.poll_timeout()];
        let until = until.into_iter().flatten().min()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Do what Python has said; true to end.
    fn obey(&mut self) -> bool {
        loop {
            let command = self.commands.try_recv();
            let now = Instant::now();
            match command {
                Ok(Command::Add {
                    username,
                    password,
                    lifetime,
                }) => {
                    self.server
                        .add_credential(now, &username, &password, lifetime);
                }
                Ok(Command::Remove { username }) => self.server.remove_credential(now, &username),
                Ok(Command::Stream(told)) => self.hear(now, told),
                Ok(Command::Close) | Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => {
                    self.act();
                    return false;
                }
            }
        }
    }

    /// Take what waits at one socket; true if there may be more.
    fn serve(&mut self, token: Token) -> bool {
        for _ in 0..BATCHES_IN_A_ROW {
            let more = match token {
                SERVER => self.serve_clients(),
                Token(number) => self.serve_peers(AllocationId((number - ALLOCATIONS) as u64)),
            };
            if !more {
                return false;
            }
        }
        true
    }

    fn serve_clients(&mut self) -> bool {
        let more = self.batch.receive(&self.socket, Batch::MOST);
        let now = Instant::now();
        let mut to_peers = ToPeers::new(&self.relayed, &mut self.burst);
        let mut count = 0;
        for (address, datagram) in self.batch.datagrams() {
            count += 1;
            if let Some(data) = self.server.handle_client(now, address.into(), datagram) {
                to_peers.send(data, datagram);
            }
        }
        to_peers.leave();
        self.pace.took(count);
        self.act();
        more
    }

    fn serve_peers(&mut self, allocation: AllocationId) -> bool {
        let Some(relayed) = self.relayed.get(&allocation) else {
            return false;
        };
        let more = self.batch.receive(relayed, PEER_BUFFERS);
        let now = Instant::now();
        let mut count = 0;
        for (peer, datagram) in self.batch.datagrams() {
            count += 1;
            let out = self.burst.next();
            let to = self
                .server
                .handle_peer(now, allocation, peer, datagram, out);
            match to.map(|client| (client.address, client.stream)) {
                Some((address, None)) => self.burst.push(&self.socket, address),
                Some((_, Some(number))) => {
                    self.streams.send(number, self.burst.written());
                    self.burst.forget_written();
                }
                None => {}
            }
        }
        self.burst.leave(&self.socket);
        self.pace.took(count);
        more
    }

    /// What a stream's task tells.
    fn hear(&mut self, now: Instant, told: FromStream) {
        match told {
            FromStream::Begun {
                number,
                address,
                sink,
            } => self.streams.begin(now, number, address, sink),
            FromStream::Sent { number, passing } => self.serve_stream(now, number, &passing),
            FromStream::Ended { number } => {
                if let Some(client) = self.streams.end(number) {
                    self.server.stream_ended(now, client);
                }
            }
        }
    }

    fn serve_stream(&mut self, now: Instant, number: u64, passing: &Passing) {
        let Some(client) = self.streams.client(number) else {
            return;
        };
        let mut to_peers = ToPeers::new(&self.relayed, &mut self.burst);
        let mut count = 0;
        for message in messages(&passing.messages) {
            count += 1;
            if let Some(data) = self.server.handle_client(now, client, message) {
                to_peers.send(data, message);
            }
        }
        to_peers.leave();
        self.pace.took(count);
    }

    /// Do what the core wants done.
    fn act(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Send { to, data } => match to.stream {
                    None => self.socket.send(to.address, &data),
                    Some(number) => self.streams.send(number, &data),
                },
                Output::Open { allocation, port } => {
                    let done = self.open(allocation, port).is_ok();
                    self.server.opened(Instant::now(), allocation, done);
                }
                Output::Close { allocation } => {
                    // Closing takes it out of epoll.
                    self.relayed.remove(&allocation);
                }
            }
        }
    }

    fn open(&mut self, allocation: AllocationId, port: u16) -> io::Result<()> {
        let mut address = self.relay;
        address.set_port(port);
        let mut socket = UdpSocket::bind(address)?;
        let _ = SockRef::from(&socket).set_recv_buffer_size(ALLOCATION_BUFFER);
        let token = Token(allocation.0 as usize + ALLOCATIONS);
        self.poll
            .registry()
            .register(&mut socket, token, Interest::READABLE)?;
        self.relayed.insert(allocation, BatchSocket::new(socket)?);
        Ok(())
    }
}

/// What goes from clients to their peers: as long as it is of one allocation to one peer, together.
struct ToPeers<'a> {
    relayed: &'a HashMap<AllocationId, BatchSocket>,
    burst: &'a mut Burst,
    from: Option<(AllocationId, &'a BatchSocket)>,
}

impl<'a> ToPeers<'a> {
    fn new(relayed: &'a HashMap<AllocationId, BatchSocket>, burst: &'a mut Burst) -> Self {
        Self {
            relayed,
            burst,
            from: None,
        }
    }

    /// Send what the server said to send of this message.
    fn send(&mut self, data: ToPeer, message: &[u8]) {
        if self.from.is_none_or(|(of, _)| of != data.allocation) {
            self.leave();
            let socket = self.relayed.get(&data.allocation);
            self.from = socket.map(|socket| (data.allocation, socket));
        }
        if let Some((_, socket)) = self.from {
            self.burst.next().extend_from_slice(&message[data.payload]);
            self.burst.push(socket, data.to);
        }
    }

    fn leave(&mut self) {
        if let Some((_, socket)) = self.from.take() {
            self.burst.leave(socket);
        }
    }
}
