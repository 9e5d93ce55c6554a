//! A UDP socket that moves many datagrams by one system call, both ways: what the kernel has joined
//! (receive offload) is cut apart again, and what goes the same way leaves together (segmentation
//! offload).

use std::io::{ErrorKind, IoSliceMut};
use std::net::SocketAddr;

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::SockRef;

/// The largest thing one receive buffer gets: a datagram, or several joined by receive offload.
const BUFFER: usize = 64 << 10;
/// No longer ones leave together, since they might not fit the way (a tunnel) and then the kernel refuses
/// them all: what IPv6 carries everywhere (1280) without its headers. WebRTC's packets are shorter.
const LONGEST_JOINED: usize = 1280 - 48;
/// The most that one IPv4 datagram's worth of joined ones may hold.
const MOST_JOINED: usize = 65_000;

/// A socket and what the kernel can do for it.
pub(crate) struct BatchSocket {
    socket: UdpSocket,
    state: UdpSocketState,
}

impl BatchSocket {
    pub(crate) fn new(socket: UdpSocket) -> std::io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    /// As large a kernel buffer as it may have; a smaller one works as well, with more loss under load.
    pub(crate) fn enlarge(&self, octets: usize) {
        let _ = SockRef::from(&self.socket).set_recv_buffer_size(octets);
        let _ = SockRef::from(&self.socket).set_send_buffer_size(octets);
    }

    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Send one datagram. UDP: what can't be sent now is lost, as on the way.
    pub(crate) fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let _ = self.socket.send_to(datagram, to);
    }

    /// Send datagrams of `segment` octets each (the last may be shorter).
    fn send_joined(&self, to: SocketAddr, contents: &[u8], segment: usize) {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size: Some(segment),
            src_ip: None,
        };
        let sent = self.state.try_send((&self.socket).into(), &transmit);
        if sent.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            contents
                .chunks(segment)
                .for_each(|datagram| self.send(to, datagram));
        }
    }
}

/// Buffers for one batch, used again for each.
pub(crate) struct Batch {
    buffers: Vec<Vec<u8>>,
    meta: [RecvMeta; BATCH_SIZE],
    count: usize,
}

impl Batch {
    /// As many as one system call can fill.
    pub(crate) const MOST: usize = BATCH_SIZE;

    pub(crate) fn new() -> Self {
        Self {
            buffers: vec![vec![0; BUFFER]; BATCH_SIZE],
            meta: [RecvMeta::default(); BATCH_SIZE],
            count: 0,
        }
    }

    /// Take what waits into up to `most` buffers; false if nothing more does. Errors other than that are
    /// about datagrams sent earlier and hide nothing that waits, so the socket is to be asked again.
    pub(crate) fn receive(&mut self, from: &BatchSocket, most: usize) -> bool {
        let most = most.min(BATCH_SIZE);
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().map(Vec::as_mut_slice).unwrap_or_default())
        });
        let socket = (&from.socket).into();
        let received = from
            .state
            .recv(socket, &mut slices[..most], &mut self.meta[..most]);
        self.count = *received.as_ref().unwrap_or(&0);
        match received {
            // A buffer that stayed empty says that there is no more; the next arrival is told by epoll.
            Ok(count) => count == most,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Each datagram with its sender; empty ones are datagrams too.
    pub(crate) fn datagrams(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let received = self.buffers.iter_mut().zip(&self.meta).take(self.count);
        received.flat_map(|(buffer, meta)| {
            let length = meta.len.min(buffer.len());
            let bytes = &mut buffer[..length];
            let (first, others) = bytes.split_at_mut(meta.stride.min(length));
            let others = others.chunks_mut(meta.stride.max(1));
            std::iter::once(first)
                .chain(others)
                .map(|datagram| (meta.addr, datagram))
        })
    }
}

/// Datagrams from one socket to one address that wait to leave together.
#[derive(Default)]
pub(crate) struct Burst {
    /// Whole datagrams, and after them what is being written.
    contents: Vec<u8>,
    /// Where the whole ones end.
    whole: usize,
    count: usize,
    /// The length of each but the last.
    segment: usize,
    /// The last was shorter, so nothing can follow.
    closed: bool,
    to: Option<SocketAddr>,
}

impl Burst {
    /// Where the next datagram is to be appended.
    pub(crate) fn next(&mut self) -> &mut Vec<u8> {
        &mut self.contents
    }

    /// What was appended is a datagram to this address.
    pub(crate) fn push(&mut self, socket: &BatchSocket, to: SocketAddr) {
        let length = self.contents.len() - self.whole;
        if self.count > 0 && !self.takes(socket, to, length) {
            self.leave(socket);
        }
        if self.count == 0 {
            (self.to, self.segment) = (Some(to), length);
        }
        self.whole += length;
        self.count += 1;
        self.closed = length < self.segment || length > LONGEST_JOINED || length == 0;
    }

    /// What was appended and is no datagram yet.
    pub(crate) fn written(&self) -> &[u8] {
        &self.contents[self.whole..]
    }

    /// It will not be one.
    pub(crate) fn forget_written(&mut self) {
        self.contents.truncate(self.whole);
    }

    fn takes(&self, socket: &BatchSocket, to: SocketAddr, length: usize) -> bool {
        !self.closed
            && self.to == Some(to)
            && (1..=self.segment).contains(&length)
            && self.whole + length <= MOST_JOINED
            && self.count < socket.state.max_gso_segments()
    }

    /// Send the whole ones. What is being written stays.
    pub(crate) fn leave(&mut self, socket: &BatchSocket) {
        let whole = &self.contents[..self.whole];
        match (self.to.take(), self.count) {
            (Some(to), 1) => socket.send(to, whole),
            (Some(to), _) => socket.send_joined(to, whole, self.segment),
            (None, _) => {}
        }
        self.contents.drain(..self.whole);
        (self.whole, self.count) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn bound() -> BatchSocket {
        let socket = UdpSocket::bind(([127, 0, 0, 1], 0).into()).unwrap();
        BatchSocket::new(socket).unwrap()
    }

    fn address(of: &BatchSocket) -> SocketAddr {
        of.socket().local_addr().unwrap()
    }

    /// What waits at a socket, in order, once there are `count`.
    fn received(at: &BatchSocket, count: usize) -> Vec<Vec<u8>> {
        let (mut batch, mut found) = (Batch::new(), Vec::new());
        let deadline = Instant::now() + Duration::from_secs(10);
        while found.len() < count && Instant::now() < deadline {
            batch.receive(at, Batch::MOST);
            found.extend(batch.datagrams().map(|(_, datagram)| datagram.to_vec()));
        }
        found
    }

    #[test]
    fn what_leaves_together_arrives_apart_and_in_order() {
        let (from, first, second) = (bound(), bound(), bound());
        let lengths = [100, 100, 60, 100, 0, 1400, 1400, 100, 200, 100];
        let mut burst = Burst::default();
        let mut sent = Vec::new();
        for (number, length) in (0u8..).zip(lengths) {
            sent.push(vec![number; length]);
            burst.next().extend_from_slice(&sent[usize::from(number)]);
            burst.push(&from, address(&first));
        }
        burst.next().extend_from_slice(b"elsewhere");
        burst.push(&from, address(&second));
        burst.leave(&from);
        assert_eq!(received(&first, sent.len()), sent);
        assert_eq!(received(&second, 1), [b"elsewhere"]);
        assert!(burst.next().is_empty());
    }

    #[test]
    fn more_than_the_kernel_joins_leaves_in_several() {
        let (from, to) = (bound(), bound());
        let mut burst = Burst::default();
        for number in 0..200u8 {
            burst.next().extend_from_slice(&[number; 1000]);
            burst.push(&from, address(&to));
        }
        burst.leave(&from);
        let arrived = received(&to, 200);
        assert!(
            arrived
                .iter()
                .zip(0u8..)
                .all(|(datagram, number)| *datagram == [number; 1000])
        );
        assert_eq!(arrived.len(), 200);
    }

    #[test]
    fn an_empty_buffer_says_that_nothing_waits() {
        let (from, to) = (bound(), bound());
        let mut batch = Batch::new();
        for _ in 0..3 {
            from.send(address(&to), b"x");
        }
        assert!(batch.receive(&to, 2));
        assert!(!batch.receive(&to, 2));
        assert_eq!(batch.datagrams().count(), 1);
        assert!(!batch.receive(&to, 2));
    }
}
