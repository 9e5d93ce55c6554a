//! The UDP sockets of the media thread: batches in, datagrams out.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use aws_lc_rs::rand;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use vestibule_media::{PhoneSockets, SocketId};

use crate::datagrams::{Batch, BatchSocket, Burst};

/// Asked for, so that a burst of all video senders waits in the kernel; it may give less.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// Attempts to find a free port before giving up.
const PORT_ATTEMPTS: usize = 200;

/// Every socket by its number, which is its token with the poller too.
pub struct Sockets {
    registry: Registry,
    bind: IpAddr,
    ports: RangeInclusive<u16>,
    sockets: HashMap<SocketId, BatchSocket>,
    next: usize,
    batch: Batch,
    burst: Burst,
    /// Whose datagrams are in `burst`.
    leaving: Option<SocketId>,
}

impl Sockets {
    /// None yet. `ports` are those from which phones get theirs.
    pub fn new(registry: Registry, bind: IpAddr, ports: RangeInclusive<u16>) -> Self {
        Self {
            registry,
            bind,
            ports,
            sockets: HashMap::new(),
            next: 0,
            batch: Batch::new(),
            burst: Burst::default(),
            leaving: None,
        }
    }

    /// Open a socket on a port, 0 for any.
    pub fn open(&mut self, port: u16) -> io::Result<(SocketId, SocketAddr)> {
        let mut io = UdpSocket::bind((self.bind, port).into())?;
        let id = SocketId(self.next);
        self.next += 1;
        let address = io.local_addr()?;
        self.registry
            .register(&mut io, Token(id.0), Interest::READABLE)?;
        self.sockets.insert(id, BatchSocket::new(io)?);
        Ok((id, address))
    }

    /// Ask for larger kernel buffers, for a socket that many share.
    pub fn enlarge(&self, id: SocketId) {
        if let Some(socket) = self.sockets.get(&id) {
            socket.enlarge(KERNEL_BUFFER);
        }
    }

    /// Open a socket on a random even port of the range (RFC 3550 section 11), and with `pair` one on
    /// the port after it.
    pub fn open_random(&mut self, pair: bool) -> io::Result<(u16, PhoneSockets)> {
        for _ in 0..PORT_ATTEMPTS {
            let port = self.random_even_port()?;
            let Ok((rtp, _)) = self.open(port) else {
                continue;
            };
            if !pair {
                return Ok((port, PhoneSockets { rtp, rtcp: None }));
            }
            let next = port.checked_add(1).filter(|next| self.ports.contains(next));
            match next.map(|next| self.open(next)) {
                Some(Ok((rtcp, _))) => {
                    let rtcp = Some(rtcp);
                    return Ok((port, PhoneSockets { rtp, rtcp }));
                }
                _ => self.close(rtp),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "no free media port",
        ))
    }

    /// Close a socket, which takes it out of the poller.
    pub fn close(&mut self, id: SocketId) {
        self.sockets.remove(&id);
    }

    /// Take in one batch. False when nothing is waiting any more.
    pub fn receive(&mut self, id: SocketId, mut each: impl FnMut(SocketAddr, &mut [u8])) -> bool {
        let Some(socket) = self.sockets.get(&id) else {
            return false;
        };
        let more = self.batch.receive(socket, Batch::MOST);
        for (source, datagram) in self.batch.datagrams() {
            each(canonical(source), datagram);
        }
        more
    }

    /// Send a datagram, together with those before and after it if they go the same way; `leave` sends the
    /// last ones. One that the kernel has no room for is lost, as on any network.
    pub fn send(&mut self, id: SocketId, destination: SocketAddr, contents: &[u8]) {
        if self.leaving != Some(id) {
            self.leave();
        }
        if let Some(socket) = self.sockets.get(&id) {
            self.leaving = Some(id);
            self.burst.next().extend_from_slice(contents);
            self.burst.push(socket, destination);
        }
    }

    /// Nothing more is to go with what was sent before.
    pub fn leave(&mut self) {
        let socket = self.leaving.take().and_then(|id| self.sockets.get(&id));
        if let Some(socket) = socket {
            self.burst.leave(socket);
        }
    }

    fn random_even_port(&self) -> io::Result<u16> {
        let mut bytes = [0; 2];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let low = self.ports.start().next_multiple_of(2);
        let choices = self.ports.end().saturating_sub(low) / 2 + 1;
        Ok(low + u16::from_ne_bytes(bytes) % choices * 2)
    }
}

/// On a dual-stack socket an IPv4 peer shows as a mapped address; elsewhere it is an IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
