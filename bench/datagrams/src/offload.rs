//! A UDP socket with the kernel's offloads: many datagrams by one system call.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::SockRef;

const BUFFER: usize = 64 << 10;
const SOCKET_BUFFER: usize = 8 << 20;

/// A socket and what the kernel can do for it.
pub(crate) struct Socket {
    pub(crate) inner: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    pub(crate) fn new(inner: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&inner).into())?;
        // Only root may have more than the system's limit; what is missing shows as loss.
        let _ = SockRef::from(&inner).set_recv_buffer_size(SOCKET_BUFFER);
        Ok(Self { inner, state })
    }

    /// One datagram, or several of `segment` octets each; what can't be sent is lost.
    pub(crate) fn send(&self, to: SocketAddr, contents: &[u8], segment: usize) {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size: (contents.len() > segment).then_some(segment),
            src_ip: None,
        };
        let _ = self.state.try_send((&self.inner).into(), &transmit);
    }
}

/// Buffers for what arrives, used again each time.
pub(crate) struct Inbox {
    buffers: Vec<Vec<u8>>,
    meta: [RecvMeta; BATCH_SIZE],
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffers: vec![vec![0; BUFFER]; BATCH_SIZE],
            meta: [RecvMeta::default(); BATCH_SIZE],
        }
    }

    /// Each datagram that waits, with its sender; how many there were.
    pub(crate) fn drain(
        &mut self,
        from: &Socket,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> usize {
        let mut count = 0;
        loop {
            let mut buffers = self.buffers.iter_mut();
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| {
                IoSliceMut::new(buffers.next().map(Vec::as_mut_slice).unwrap_or_default())
            });
            let received = from
                .state
                .recv((&from.inner).into(), &mut slices, &mut self.meta);
            let received = received.unwrap_or(0);
            for (buffer, meta) in self.buffers.iter().zip(&self.meta).take(received) {
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    each(meta.addr, datagram);
                    count += 1;
                }
            }
            if received < BATCH_SIZE {
                return count;
            }
        }
    }
}
