//! The relay's thread: epoll over the server's sockets and one socket for each allocation, around the
//! core that decides everything. Clients that come by streams are in other hands; they send commands.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use vestibule_relay::{AllocationId, Client, Config, Counters, Output, Server, ToPeer};

use super::streams::{FromStream, Passing, Streams, messages};
use crate::datagrams::{Batch, BatchSocket, Burst};
use crate::pace::Pace;

const WAKE: Token = Token(0);
/// The token of the first of the server's sockets.
const SERVER: usize = 1;
/// An allocation's token is its number plus this.
const ALLOCATIONS: usize = SERVER + MOST_LISTENERS;
/// Sockets of the server itself: clients are told apart by their number in an octet.
const MOST_LISTENERS: usize = 64;
/// Batches taken from one socket before the others get their turn.
const BATCHES_IN_A_ROW: usize = 8;
/// Buffers offered to an allocation's socket, where little waits mostly; more cost even if unused.
const PEER_BUFFERS: usize = 4;
/// What the kernel may hold for each of the server's sockets while the thread is busy, in octets.
const SERVER_BUFFER: usize = 4 << 20;
const ALLOCATION_BUFFER: usize = 256 << 10;

/// What Python tells the thread.
pub(super) enum Command {
    Add {
        username: String,
        password: String,
        holder: String,
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
    /// Those that clients talk to.
    listeners: Vec<BatchSocket>,
    /// Where relayed sockets are bound, at most one address of each family.
    relay: Vec<IpAddr>,
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
    /// Open the server's sockets: these ports of each of these addresses. A port 0 is any one that is free,
    /// the same of all addresses.
    pub(super) fn new(
        config: Config,
        addresses: &[IpAddr],
        ports: &[u16],
    ) -> io::Result<(Self, Commands)> {
        let poll = Poll::new()?;
        let listeners = listen(&poll, addresses, ports)?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (sender, commands) = channel();
        let shell = Self {
            poll,
            server: Server::new(config, Instant::now()),
            listeners,
            relay: addresses.to_vec(),
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

    pub(super) fn ports(&self) -> io::Result<Vec<u16>> {
        let ports = self.listeners.iter().map(|listener| {
            let address = listener.socket().local_addr()?;
            Ok(address.port())
        });
        let mut ports: Vec<u16> = ports.collect::<io::Result<_>>()?;
        ports.truncate(self.listeners.len() / self.relay.len().max(1));
        Ok(ports)
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
                    holder,
                    lifetime,
                }) => {
                    self.server
                        .add_credential(now, &username, &password, &holder, lifetime);
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
                Token(number) if number < ALLOCATIONS => self.serve_clients(number - SERVER),
                Token(number) => self.serve_peers(AllocationId((number - ALLOCATIONS) as u64)),
            };
            if !more {
                return false;
            }
        }
        true
    }

    fn serve_clients(&mut self, listener: usize) -> bool {
        let Some(socket) = self.listeners.get(listener) else {
            return false;
        };
        let more = self.batch.receive(socket, Batch::MOST);
        let now = Instant::now();
        let mut to_peers = ToPeers::new(&self.relayed, &mut self.burst);
        let mut count = 0;
        for (address, datagram) in self.batch.datagrams() {
            count += 1;
            let client = Client {
                listener: listener as u8,
                ..address.into()
            };
            if let Some(data) = self.server.handle_client(now, client, datagram) {
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
        // An allocation is one client's, so all of this leaves by the same socket.
        let mut listener = None;
        for (peer, datagram) in self.batch.datagrams() {
            count += 1;
            let out = self.burst.next();
            let to = self
                .server
                .handle_peer(now, allocation, peer, datagram, out);
            let Some(client) = to else { continue };
            listener = self.listeners.get(usize::from(client.listener));
            match (client.stream, listener) {
                (None, Some(socket)) => self.burst.push(socket, client.address),
                (Some(number), _) => {
                    self.streams.send(number, self.burst.written());
                    self.burst.forget_written();
                }
                (None, None) => self.burst.forget_written(),
            }
        }
        if let Some(socket) = listener {
            self.burst.leave(socket);
        }
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
                    None => {
                        if let Some(socket) = self.listeners.get(usize::from(to.listener)) {
                            socket.send(to.address, &data);
                        }
                    }
                    Some(number) => self.streams.send(number, &data),
                },
                Output::Open {
                    allocation,
                    port,
                    ipv6,
                } => {
                    let done = self.open(allocation, port, ipv6).is_ok();
                    self.server.opened(Instant::now(), allocation, done);
                }
                Output::Close { allocation } => {
                    // Closing takes it out of epoll.
                    self.relayed.remove(&allocation);
                }
            }
        }
    }

    fn open(&mut self, allocation: AllocationId, port: u16, ipv6: bool) -> io::Result<()> {
        let mut addresses = self.relay.iter();
        let address = addresses.find(|address| address.is_ipv6() == ipv6);
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut socket = bind(SocketAddr::new(*address, port))?;
        let _ = SockRef::from(&socket).set_recv_buffer_size(ALLOCATION_BUFFER);
        let token = Token(allocation.0 as usize + ALLOCATIONS);
        self.poll
            .registry()
            .register(&mut socket, token, Interest::READABLE)?;
        self.relayed.insert(allocation, BatchSocket::new(socket)?);
        Ok(())
    }
}

fn listen(poll: &Poll, addresses: &[IpAddr], ports: &[u16]) -> io::Result<Vec<BatchSocket>> {
    if addresses.len() * ports.len() > MOST_LISTENERS {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut listeners: Vec<BatchSocket> = Vec::new();
    for &address in addresses {
        for (number, &port) in ports.iter().enumerate() {
            let port = match (port, listeners.get(number)) {
                (0, Some(same)) if listeners.len() >= ports.len() => {
                    same.socket().local_addr()?.port()
                }
                _ => port,
            };
            let mut socket = bind(SocketAddr::new(address, port))?;
            // A smaller buffer than wished for works as well.
            let _ = SockRef::from(&socket).set_recv_buffer_size(SERVER_BUFFER);
            let token = Token(SERVER + listeners.len());
            poll.registry()
                .register(&mut socket, token, Interest::READABLE)?;
            listeners.push(BatchSocket::new(socket)?);
        }
    }
    Ok(listeners)
}

/// A UDP socket of one family: IPv4 never comes to one of IPv6 in disguise.
fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
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
