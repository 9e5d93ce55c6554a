//! The UDP sockets of the media thread: batches in, datagrams out.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;

use aws_lc_rs::rand;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use vestibule_media::{PhoneSockets, SocketId};

/// A datagram as long as UDP can make it, or many that the kernel has joined.
const BUFFER: usize = 65_536;
/// Asked for, so that a burst of all video senders waits in the kernel; it may give less.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// Attempts to find a free port before giving up.
const PORT_ATTEMPTS: usize = 200;

struct Socket {
    io: std::net::UdpSocket,
    state: UdpSocketState,
}

/// Every socket by its number, which is its token with the poller too.
pub struct Sockets {
    registry: Registry,
    bind: IpAddr,
    ports: RangeInclusive<u16>,
    sockets: HashMap<SocketId, Socket>,
    next: usize,
    buffers: Vec<u8>,
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
            buffers: vec![0; BUFFER * BATCH_SIZE],
        }
    }

    /// Open a socket on a port, 0 for any.
    pub fn open(&mut self, port: u16) -> io::Result<(SocketId, SocketAddr)> {
        let io = std::net::UdpSocket::bind((self.bind, port))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let id = SocketId(self.next);
        self.next += 1;
        let address = io.local_addr()?;
        self.registry.register(
            &mut SourceFd(&io.as_raw_fd()),
            Token(id.0),
            Interest::READABLE,
        )?;
        self.sockets.insert(id, Socket { io, state });
        Ok((id, address))
    }

    /// Ask for larger kernel buffers, for a socket that many share. Smaller ones work as well, with more
    /// loss under load.
    pub fn enlarge(&self, id: SocketId) {
        if let Some(Socket { io, state }) = self.sockets.get(&id) {
            let _ = state.set_recv_buffer_size(UdpSockRef::from(io), KERNEL_BUFFER);
            let _ = state.set_send_buffer_size(UdpSockRef::from(io), KERNEL_BUFFER);
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

    /// Close a socket.
    pub fn close(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.remove(&id) {
            // Closing takes it out of the poller in any case.
            let _ = self
                .registry
                .deregister(&mut SourceFd(&socket.io.as_raw_fd()));
        }
    }

    /// Take in one batch. False when nothing is waiting any more.
    pub fn receive(&mut self, id: SocketId, mut each: impl FnMut(SocketAddr, &mut [u8])) -> bool {
        let Some(socket) = self.sockets.get(&id) else {
            return false;
        };
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices = self.buffers.chunks_exact_mut(BUFFER).map(IoSliceMut::new);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| slices.next().unwrap_or(IoSliceMut::new(&mut [])));
        let received = socket
            .state
            .recv(UdpSockRef::from(&socket.io), &mut slices, &mut metas);
        let count = match received {
            Ok(count) => count,
            // An ICMP error of something sent earlier shows here; what waits behind it is still good.
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        };
        for (slice, meta) in slices.iter_mut().zip(&metas[..count]) {
            let stride = meta.stride.max(1);
            for datagram in slice[..meta.len].chunks_mut(stride) {
                each(canonical(meta.addr), datagram);
            }
        }
        true
    }

    /// Send a datagram. One that the kernel has no room for is lost, as on any network.
    pub fn send(&self, id: SocketId, destination: SocketAddr, contents: &[u8]) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: None,
            src_ip: None,
        };
        let _ = socket
            .state
            .try_send(UdpSockRef::from(&socket.io), &transmit);
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
