//! Many datagrams by one system call, cut apart again where the kernel has joined them.

use std::io::{ErrorKind, IoSliceMut};
use std::net::SocketAddr;

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};

/// The largest thing one receive buffer gets: a datagram, or several joined by receive offload.
const BUFFER: usize = 64 << 10;

/// A socket and what the kernel can do for it.
pub(super) struct BatchSocket {
    socket: UdpSocket,
    state: UdpSocketState,
}

impl BatchSocket {
    pub(super) fn new(socket: UdpSocket) -> std::io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }
}

/// Buffers for one batch, used again for each.
pub(super) struct Batch {
    buffers: Vec<Vec<u8>>,
    meta: [RecvMeta; BATCH_SIZE],
    count: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffers: vec![vec![0; BUFFER]; BATCH_SIZE],
            meta: [RecvMeta::default(); BATCH_SIZE],
            count: 0,
        }
    }

    /// Take what waits; false if nothing more does. Other errors are about datagrams sent earlier and hide
    /// nothing that waits, so the socket is to be asked again.
    pub(super) fn receive(&mut self, from: &BatchSocket) -> bool {
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().map(Vec::as_mut_slice).unwrap_or_default())
        });
        let socket = (&from.socket).into();
        let received = from.state.recv(socket, &mut slices, &mut self.meta);
        self.count = *received.as_ref().unwrap_or(&0);
        !received.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Each datagram with its sender.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let received = self.buffers.iter().zip(&self.meta).take(self.count);
        received.flat_map(|(buffer, meta)| {
            let bytes = &buffer[..meta.len.min(buffer.len())];
            bytes
                .chunks(meta.stride.max(1))
                .map(|datagram| (meta.addr, datagram))
        })
    }
}
