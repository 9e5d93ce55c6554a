//! Clients of the relay that come by a stream: what passes between a connection's task, which reads and
//! writes the socket, and the relay's thread, which decides.
//!
//! Both ways a stream may have so many octets on the way and no more. A client that sends faster waits:
//! its socket isn't read. One that reads too slowly loses datagrams, as on any way that is full.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vestibule_relay::{Client, stream};

use super::shell::{Command, Commands};

/// Octets on the way, in each direction: a fifth of a second at 10 Mbit/s, and room for the longest message.
pub(crate) const ON_THE_WAY: usize = 256 << 10;
const _: () = assert!(ON_THE_WAY > stream::LONGEST);

/// How long a stream may live without an allocation.
const WITHOUT_ALLOCATION: Duration = Duration::from_secs(30);

/// Octets, and the room they take until they are dropped.
#[derive(Debug)]
pub(crate) struct Passing {
    /// Whole messages.
    pub(crate) messages: Bytes,
    /// Given back with this.
    pub(crate) _room: OwnedSemaphorePermit,
}

/// What a connection's task tells the thread.
#[derive(Debug)]
pub(crate) enum FromStream {
    /// A stream has begun.
    Begun {
        /// Its number, never used twice.
        number: u64,
        /// Where it comes from.
        address: SocketAddr,
        /// The way to it; dropped by the thread to end it.
        sink: Sink,
    },
    /// It has sent something.
    Sent {
        /// Which.
        number: u64,
        /// What.
        passing: Passing,
    },
    /// It has ended.
    Ended {
        /// Which.
        number: u64,
    },
}

/// The way from the thread to one stream.
#[derive(Debug)]
pub(crate) struct Sink {
    room: Arc<Semaphore>,
    messages: UnboundedSender<Passing>,
}

impl Sink {
    /// A way, and its end.
    pub(crate) fn new() -> (Self, UnboundedReceiver<Passing>) {
        let (messages, end) = tokio::sync::mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(ON_THE_WAY));
        (Self { room, messages }, end)
    }

    /// Whether there was room.
    fn send(&self, messages: &[u8]) -> bool {
        let length = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(length) else {
            return false;
        };
        let messages = Bytes::copy_from_slice(messages);
        let passing = Passing {
            messages,
            _room: room,
        };
        // A task that has ended says so by `Ended`.
        self.messages.send(passing).is_ok()
    }
}

/// Where streams begin: what the edge knows of a relay.
#[derive(Clone)]
pub(crate) struct StreamDoor {
    commands: Arc<Commands>,
    last: Arc<AtomicU64>,
}

impl fmt::Debug for StreamDoor {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Commands hold passwords.
        to.debug_struct("StreamDoor").finish_non_exhaustive()
    }
}

impl StreamDoor {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        let last = Arc::default();
        Self { commands, last }
    }

    /// A stream from this address, and where what is for it comes out: that ends when it is to end.
    pub(crate) fn begin(&self, address: SocketAddr) -> (Begun, UnboundedReceiver<Passing>) {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sink, end) = Sink::new();
        let begun = Begun {
            commands: self.commands.clone(),
            number,
            room: Arc::new(Semaphore::new(ON_THE_WAY)),
        };
        begun.tell(FromStream::Begun {
            number,
            address,
            sink,
        });
        (begun, end)
    }
}

/// One stream's way to the thread. Dropping it ends what the stream had.
pub(crate) struct Begun {
    commands: Arc<Commands>,
    number: u64,
    room: Arc<Semaphore>,
}

impl Begun {
    /// Hand over whole messages, no more than [`ON_THE_WAY`] octets, once there is room.
    pub(crate) async fn send(&self, messages: Bytes) {
        let length = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.clone().acquire_many_owned(length).await {
            let number = self.number;
            let passing = Passing {
                messages,
                _room: room,
            };
            self.tell(FromStream::Sent { number, passing });
        }
    }

    fn tell(&self, what: FromStream) {
        self.commands.send(Command::Stream(what));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let number = self.number;
        self.tell(FromStream::Ended { number });
    }
}

struct Stream {
    address: SocketAddr,
    begun: Instant,
    sink: Sink,
}

/// The streams that the thread knows.
#[derive(Default)]
pub(super) struct Streams {
    known: HashMap<u64, Stream>,
    looked: Option<Instant>,
    /// Messages that streams had no room for.
    pub(super) without_room: u64,
}

impl Streams {
    pub(super) fn begin(&mut self, now: Instant, number: u64, address: SocketAddr, sink: Sink) {
        let begun = now;
        let stream = Stream {
            address,
            begun,
            sink,
        };
        self.known.insert(number, stream);
    }

    pub(super) fn end(&mut self, number: u64) -> Option<Client> {
        self.known
            .remove(&number)
            .map(|stream| client(number, &stream))
    }

    pub(super) fn client(&self, number: u64) -> Option<Client> {
        self.known.get(&number).map(|stream| client(number, stream))
    }

    /// Send to one of them. What has no room is lost, and counted.
    pub(super) fn send(&mut self, number: u64, messages: &[u8]) {
        let stream = self.known.get(&number);
        if !stream.is_some_and(|stream| stream.sink.send(messages)) {
            self.without_room += 1;
        }
    }

    /// When to look for those that do nothing.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let looked = self.looked?;
        (!self.known.is_empty()).then_some(looked + Duration::from_secs(1))
    }

    /// End those that have had time for an allocation and have none.
    pub(super) fn end_idle(&mut self, now: Instant, has_allocation: impl Fn(Client) -> bool) {
        if self
            .looked
            .is_some_and(|looked| now < looked + Duration::from_secs(1))
        {
            return;
        }
        self.looked = Some(now);
        self.known.retain(|&number, stream| {
            let is_young = now.saturating_duration_since(stream.begun) < WITHOUT_ALLOCATION;
            is_young || has_allocation(client(number, stream))
        });
    }
}

fn client(number: u64, stream: &Stream) -> Client {
    Client {
        address: stream.address,
        stream: Some(number),
        listener: 0,
    }
}

/// Where the whole messages at the front of a buffer end.
///
/// # Errors
/// What stands after them is no message and never will be.
pub(crate) fn whole_messages(buffer: &[u8]) -> Result<usize, stream::NotFramed> {
    let mut end = 0;
    while let Some(length) = stream::length(&buffer[end..])? {
        if buffer.len() - end < length {
            break;
        }
        end += length;
    }
    Ok(end)
}

/// Each of the whole messages.
pub(super) fn messages(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = stream::length(rest).ok().flatten()?;
        let (message, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_loses_what_has_no_room() {
        let (sink, mut end) = Sink::new();
        let most = vec![0; ON_THE_WAY];
        assert!(sink.send(&most));
        assert!(!sink.send(b"more"));
        drop(end.try_recv().unwrap());
        assert!(sink.send(b"more"));
    }

    #[test]
    fn a_stream_that_asks_for_nothing_ends() {
        let (mut streams, now) = (Streams::default(), Instant::now());
        let address = SocketAddr::from(([192, 0, 2, 1], 4000));
        let (first, mut of_first) = Sink::new();
        let (second, mut of_second) = Sink::new();
        streams.begin(now, 1, address, first);
        streams.begin(now, 2, address, second);
        streams.end_idle(now + WITHOUT_ALLOCATION, |client| client.stream == Some(2));
        assert!(
            of_first
                .try_recv()
                .is_err_and(|error| error == tokio::sync::mpsc::error::TryRecvError::Disconnected)
        );
        assert!(
            of_second
                .try_recv()
                .is_err_and(|error| error == tokio::sync::mpsc::error::TryRecvError::Empty)
        );
        assert_eq!(
            (streams.client(1), streams.client(2).map(|it| it.address)),
            (None, Some(address))
        );
    }

    #[test]
    fn messages_are_cut_where_they_end() {
        let buffer = b"\x40\x00\x00\x01a\0\0\0\x40\x00\x00\x02bc\0\0\x40";
        for end in 0..buffer.len() {
            let expected = end / 8 * 8;
            assert_eq!(whole_messages(&buffer[..end]), Ok(expected));
        }
        assert!(whole_messages(b"\x40\x00\x00\x00GET").is_ok());
        assert!(whole_messages(b"\x40\x00\x00\x00\xff").is_err());
    }
}
