//! What the core has to hand out: datagrams, events, and what was learnt on the way.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::events::{Event, SocketId, Transmit};
use crate::recording::Part;
use crate::transcoding::Task;

/// Gathers everything that a call brings about.
#[derive(Debug)]
pub struct Outbox {
    browser_socket: SocketId,
    /// Datagrams to send, in order.
    pub transmits: VecDeque<Transmit>,
    /// Events to tell, in order.
    pub events: VecDeque<Event>,
    /// Sockets that nobody uses any more.
    pub released: VecDeque<SocketId>,
    /// What is to be written of rooms that are recorded, in order, by their names.
    pub recorded: VecDeque<(String, Part)>,
    /// What is to be done of transcodings, in order.
    pub tasks: VecDeque<Task>,
    /// Addresses that have just proven to be the browser's that was called.
    pub verified: Vec<SocketAddr>,
}

impl Outbox {
    /// Empty; `browser_socket` is the one that all browsers share.
    pub fn new(browser_socket: SocketId) -> Self {
        Self {
            browser_socket,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            released: VecDeque::new(),
            recorded: VecDeque::new(),
            tasks: VecDeque::new(),
            verified: Vec::new(),
        }
    }

    /// Send from the browsers' socket.
    pub fn send_browser(&mut self, destination: SocketAddr, payload: Vec<u8>) {
        self.send(self.browser_socket, destination, payload);
    }

    /// Write something of a recording.
    pub fn record(&mut self, room: &str, parts: Vec<Part>) {
        let named = parts.into_iter().map(|part| (room.to_owned(), part));
        self.recorded.extend(named);
    }

    /// Send from any socket.
    pub fn send(&mut self, socket: SocketId, destination: SocketAddr, payload: Vec<u8>) {
        self.transmits.push_back(Transmit {
            socket,
            destination,
            payload,
        });
    }
}
