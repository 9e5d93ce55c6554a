//! Streams of numbered datagrams, both ways through a relay.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::Load;
use crate::offload::{Inbox, Socket};

/// Datagrams sent by one system call when the rate is open.
const BURST: usize = 32;
/// After so long without any arrival, what is on the way counts as lost.
const LOST_AFTER: Duration = Duration::from_millis(300);
/// How long to wait for the last ones.
const LAST_ONES: Duration = Duration::from_millis(500);
const CHANNEL_HEADER: usize = 4;

/// What came of it.
#[derive(Default)]
pub(crate) struct Tally {
    sent: u64,
    received: u64,
    wrong: u64,
    seconds: f64,
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            received,
            wrong,
            seconds,
        } = self;
        write!(
            to,
            r#"{{"sent":{sent},"received":{received},"wrong":{wrong},"seconds":{seconds:.3}}}"#
        )
    }
}

/// One direction of one pair.
struct Stream {
    socket: Socket,
    to: SocketAddr,
    /// What stands before the payload: a channel's header, or nothing.
    header: Vec<u8>,
    /// What stands before the payload at the other end.
    arriving_header: usize,
    on_the_way: usize,
}

/// Send for a while, then wait for the last ones.
pub(crate) fn run(load: Load, sockets: Vec<UdpSocket>, time: Duration) -> io::Result<Tally> {
    let mut streams = streams(load, sockets)?;
    let mut poll = Poll::new()?;
    for (index, stream) in streams.iter().enumerate() {
        let fd = stream.socket.inner.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
    }
    let (mut tally, mut inbox, mut events) =
        (Tally::default(), Inbox::new(), Events::with_capacity(1024));
    let (started, mut arrived) = (Instant::now(), Instant::now());
    loop {
        let elapsed = started.elapsed();
        if elapsed < time {
            match load.rate {
                0 => fill_windows(load, &mut streams, &mut tally),
                rate => send_due(load, &mut streams, &mut tally, elapsed, rate),
            }
        } else if tally.received == tally.sent || arrived.elapsed() > LAST_ONES {
            tally.seconds = time.as_secs_f64();
            return Ok(tally);
        }
        poll.poll(&mut events, Some(Duration::ZERO))?;
        for event in &events {
            receive(load, &mut streams, event.token().0, &mut inbox, &mut tally);
            arrived = Instant::now();
        }
        if load.rate == 0 && elapsed < time && arrived.elapsed() > LOST_AFTER {
            streams.iter_mut().for_each(|stream| stream.on_the_way = 0);
            arrived = Instant::now();
        }
        std::thread::yield_now();
    }
}

fn streams(load: Load, sockets: Vec<UdpSocket>) -> io::Result<Vec<Stream>> {
    let length = u16::try_from(load.size).map_err(io::Error::other)?;
    let header = [load.channel.to_be_bytes(), length.to_be_bytes()].concat();
    let made = sockets.into_iter().enumerate().map(|(index, socket)| {
        socket.set_nonblocking(true)?;
        let is_client = index % 2 == 0;
        Ok(Stream {
            to: socket.peer_addr()?,
            socket: Socket::new(socket)?,
            header: if is_client {
                header.clone()
            } else {
                Vec::new()
            },
            arriving_header: if is_client { CHANNEL_HEADER } else { 0 },
            on_the_way: 0,
        })
    });
    made.collect()
}

/// Everything that should have left by now, one datagram at a time, the streams in turn.
fn send_due(load: Load, streams: &mut [Stream], tally: &mut Tally, elapsed: Duration, rate: u64) {
    let due = (elapsed.as_secs_f64() * rate as f64) as u64;
    while tally.sent < due {
        let index = (tally.sent % streams.len() as u64) as usize;
        send(load, index, &mut streams[index], 1);
        tally.sent += 1;
    }
}

fn fill_windows(load: Load, streams: &mut [Stream], tally: &mut Tally) {
    for (index, stream) in streams.iter_mut().enumerate() {
        let most = BURST.min(60_000 / (load.size + CHANNEL_HEADER));
        if stream.on_the_way + most <= load.window {
            send(load, index, stream, most);
            stream.on_the_way += most;
            tally.sent += most as u64;
        }
    }
}

fn send(load: Load, index: usize, stream: &mut Stream, count: usize) {
    let mut contents = stream.header.clone();
    contents.extend_from_slice(&(index as u64).to_be_bytes());
    contents.resize(stream.header.len() + load.size, 0x5a);
    let segment = contents.len();
    stream
        .socket
        .send(stream.to, &contents.repeat(count), segment);
}

/// What arrives at one end belongs to the stream that begins at the other.
fn receive(load: Load, streams: &mut [Stream], index: usize, inbox: &mut Inbox, tally: &mut Tally) {
    let other = index ^ 1;
    let arriving = &streams[index];
    let header = arriving.arriving_header;
    let (expected, length) = ((other as u64).to_be_bytes(), header + load.size);
    let mut right = 0;
    let count = inbox.drain(&arriving.socket, |_, datagram| {
        let payload = datagram.get(header..).unwrap_or_default();
        right += usize::from(datagram.len() == length && payload.starts_with(&expected));
    });
    tally.received += right as u64;
    tally.wrong += (count - right) as u64;
    let stream = &mut streams[other];
    stream.on_the_way = stream.on_the_way.saturating_sub(count);
}
