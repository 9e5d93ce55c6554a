//! The bare loop: what moving a datagram costs when nothing is asked of it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::offload::{Inbox, Socket};

const CLIENTS: usize = 0;
const HEADER: [u8; 4] = [0x40, 0, 0, 0];

/// What waits to leave by one system call.
#[derive(Default)]
struct Burst {
    contents: Vec<u8>,
    segment: usize,
    count: usize,
    to: Option<(usize, SocketAddr)>,
}

/// Forward until killed. The first socket is the clients'; the others are connected to their peers.
pub(crate) fn run(sockets: Vec<UdpSocket>, ports: &[u16]) -> io::Result<()> {
    let sockets: io::Result<Vec<Socket>> = sockets.into_iter().map(Socket::new).collect();
    let sockets = sockets?;
    let clients: Vec<SocketAddr> = ports
        .iter()
        .map(|&port| ([127, 0, 0, 1], port).into())
        .collect();
    let mut poll = Poll::new()?;
    for (index, socket) in sockets.iter().enumerate() {
        socket.inner.set_nonblocking(true)?;
        let fd = socket.inner.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
    }
    let peers: io::Result<Vec<SocketAddr>> = sockets[1..]
        .iter()
        .map(|socket| socket.inner.peer_addr())
        .collect();
    let peers = peers?;
    let (mut inbox, mut events, mut burst) =
        (Inbox::new(), Events::with_capacity(1024), Burst::default());
    println!("ready");
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let index = event.token().0;
            inbox.drain(&sockets[index], |from, datagram| {
                if index != CLIENTS {
                    let client = clients[index - 1];
                    return burst.add(&sockets, (CLIENTS, client), &HEADER, datagram);
                }
                if let Some(client) = clients.iter().position(|client| *client == from) {
                    burst.add(
                        &sockets,
                        (client + 1, peers[client]),
                        &[],
                        &datagram[HEADER.len()..],
                    );
                }
            });
            burst.leave(&sockets);
        }
    }
}

impl Burst {
    fn add(&mut self, sockets: &[Socket], to: (usize, SocketAddr), header: &[u8], payload: &[u8]) {
        let length = header.len() + payload.len();
        let fits =
            self.segment == length && self.count < 64 && self.contents.len() + length < 65_000;
        if self.to != Some(to) || !fits {
            self.leave(sockets);
            (self.to, self.segment) = (Some(to), length);
        }
        self.contents.extend_from_slice(header);
        if let [_, _, .., high, low] = &mut self.contents[..]
            && !header.is_empty()
        {
            [*high, *low] = (payload.len() as u16).to_be_bytes();
        }
        self.contents.extend_from_slice(payload);
        self.count += 1;
    }

    fn leave(&mut self, sockets: &[Socket]) {
        if let Some((socket, to)) = self.to.take() {
            sockets[socket].send(to, &self.contents, self.segment);
        }
        self.contents.clear();
        self.count = 0;
    }
}
