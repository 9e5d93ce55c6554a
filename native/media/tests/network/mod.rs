//! A simulated network: one node of rooms, and peers at their own addresses. Time is ours.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod camera;
pub mod client;
pub mod codecs;
pub mod link;
pub mod phone;
pub mod screen;
pub mod stage;
pub mod tape;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use vestibule_media::{Event, Part, Rights, Rooms, SocketId, Stats};

use client::Client;
use codecs::Codecs;
use link::Link;

/// The socket that browsers share.
pub const BROWSERS: SocketId = SocketId(0);
/// How far time moves in one step unless a test needs it finer.
pub const STEP: Duration = Duration::from_millis(5);
/// May send everything.
pub const ALL: Rights = Rights {
    audio: true,
    video: true,
    screen: true,
};
/// May send nothing.
pub const NONE: Rights = Rights {
    audio: false,
    video: false,
    screen: false,
};

/// The room that tests meet in.
pub const ROOM: &str = "room";

pub fn node_address() -> SocketAddr {
    "192.0.2.1:40000".parse().unwrap()
}

/// A datagram from a peer to the node.
pub struct Inbound {
    pub socket: SocketId,
    pub source: SocketAddr,
    pub data: Vec<u8>,
}

/// The node and everything around it.
pub struct Network {
    pub now: Instant,
    pub rooms: Rooms,
    /// Whoever joins, joins here.
    pub room: &'static str,
    pub clients: Vec<Client>,
    pub events: Vec<Event>,
    /// Sockets that the node has given back.
    pub released: Vec<SocketId>,
    /// What is to be written of recordings.
    pub recorded: Vec<(String, Part)>,
    /// Does what the node has to be transcoded.
    pub codecs: Codecs,
    /// Datagrams from the node to addresses that are no client's.
    pub elsewhere: Vec<(SocketId, SocketAddr, Vec<u8>)>,
    /// Datagrams of clients on their way to the node, for tests to look at.
    pub seen: Vec<(SocketAddr, Vec<u8>)>,
    pub record: bool,
    /// How far time moves in one step.
    pub pace: Duration,
    /// What the way to a client is like; perfect where nothing is said.
    pub links: HashMap<SocketAddr, Link>,
    /// Datagrams from the node so far.
    pub transmits: usize,
    inbound: VecDeque<Inbound>,
}

impl Network {
    pub fn new() -> Self {
        Self::with(|rooms| rooms)
    }

    /// With rooms as they are made of new ones.
    pub fn with(change: impl FnOnce(Rooms) -> Rooms) -> Self {
        let now = Instant::now();
        let rooms = Rooms::new(now, BROWSERS, node_address(), false).unwrap();
        Self::with_rooms(now, change(rooms))
    }

    /// With approved algorithms only.
    pub fn approved() -> Self {
        let now = Instant::now();
        Self::with_rooms(
            now,
            Rooms::new(now, BROWSERS, node_address(), true).unwrap(),
        )
    }

    fn with_rooms(now: Instant, mut rooms: Rooms) -> Self {
        rooms.open_room(now, ROOM);
        Self {
            now,
            rooms,
            room: ROOM,
            clients: Vec::new(),
            events: Vec::new(),
            released: Vec::new(),
            recorded: Vec::new(),
            codecs: Codecs::default(),
            elsewhere: Vec::new(),
            seen: Vec::new(),
            record: false,
            pace: STEP,
            links: HashMap::new(),
            transmits: 0,
            inbound: VecDeque::new(),
        }
    }

    /// A browser that has joined; its index.
    pub fn join(
        &mut self,
        name: &str,
        rights: Rights,
        audio_slots: usize,
        video_slots: usize,
    ) -> usize {
        let client = self.client(name, audio_slots, video_slots);
        self.admit(client, rights)
    }

    /// A browser with an address of its own that has not joined.
    pub fn client(&self, name: &str, audio_slots: usize, video_slots: usize) -> Client {
        let port = 10_000 + self.clients.len() as u16;
        let address = SocketAddr::new("198.51.100.7".parse().unwrap(), port);
        Client::new(name, self.now, address, audio_slots, video_slots)
    }

    /// Let it join; its index.
    pub fn admit(&mut self, mut client: Client, rights: Rights) -> usize {
        let name = client.name.clone();
        let offer = client.offer();
        let answer = self
            .rooms
            .join_browser(self.now, self.room, &name, &offer, rights)
            .unwrap();
        client.accept(&answer);
        self.clients.push(client);
        self.clients.len() - 1
    }

    /// A browser that has joined and whose media flows.
    pub fn connect(&mut self, name: &str, rights: Rights) -> usize {
        let index = self.join(name, rights, 3, 4);
        self.await_media(index);
        index
    }

    /// A browser that has joined, whose camera has three layers, and whose media flows.
    pub fn connect_layered(&mut self, name: &str) -> usize {
        let mut client = self.client(name, 3, 4);
        client.rids = vec!["q", "h", "f"];
        let index = self.admit(client, ALL);
        self.await_media(index);
        index
    }

    fn await_media(&mut self, index: usize) {
        self.until(|network| {
            let client = &network.clients[index];
            client.connected && client.newest_slots().is_some()
        });
    }

    /// Something from anywhere to the node.
    pub fn inject(&mut self, socket: SocketId, source: SocketAddr, data: Vec<u8>) {
        self.inbound.push_back(Inbound {
            socket,
            source,
            data,
        });
        self.exchange();
    }

    /// Let time pass.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step();
        }
    }

    /// Let time pass until something is so; it is a failure if that takes ten seconds.
    pub fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        let limit = self.now + Duration::from_secs(10);
        while !condition(self) {
            assert!(self.now < limit, "it has not happened in ten seconds");
            self.step();
        }
    }

    pub fn step(&mut self) {
        self.now += self.pace;
        for client in &mut self.clients {
            client.timeout(self.now);
        }
        if self.rooms.next_deadline().is_some_and(|at| at <= self.now) {
            self.rooms.handle_timeout(self.now);
        }
        self.exchange();
    }

    /// Deliver until nobody has anything to say.
    pub fn exchange(&mut self) {
        loop {
            let mut idle = true;
            for client in &mut self.clients {
                for data in client.outgoing.drain(..) {
                    idle = false;
                    let link = self.links.get_mut(&client.address);
                    if link.is_some_and(|link| link.loses_up(&data)) {
                        continue;
                    }
                    if self.record {
                        self.seen.push((client.address, data.clone()));
                    }
                    self.inbound.push_back(Inbound {
                        socket: BROWSERS,
                        source: client.address,
                        data,
                    });
                }
            }
            while let Some(mut inbound) = self.inbound.pop_front() {
                idle = false;
                self.rooms.handle_datagram(
                    self.now,
                    inbound.socket,
                    inbound.source,
                    &mut inbound.data,
                );
            }
            idle &= !self.codecs.work(self.now, &mut self.rooms);
            while let Some(transmit) = self.rooms.poll_transmit() {
                idle = false;
                self.transmits += 1;
                if let Some(link) = self.links.get_mut(&transmit.destination) {
                    link.carry(self.now, transmit.payload);
                    continue;
                }
                let client = self
                    .clients
                    .iter_mut()
                    .find(|client| client.address == transmit.destination);
                match client {
                    Some(client) => client.receive(self.now, node_address(), &transmit.payload),
                    None => self.elsewhere.push((
                        transmit.socket,
                        transmit.destination,
                        transmit.payload,
                    )),
                }
            }
            for client in &mut self.clients {
                let link = self.links.get_mut(&client.address);
                for data in link
                    .map(|link| link.arrivals(self.now))
                    .into_iter()
                    .flatten()
                {
                    idle = false;
                    client.receive(self.now, node_address(), &data);
                }
            }
            while let Some(event) = self.rooms.poll_event() {
                self.events.push(event);
            }
            while let Some(socket) = self.rooms.poll_released() {
                self.released.push(socket);
            }
            self.recorded
                .extend(std::iter::from_fn(|| self.rooms.poll_recorded()));
            if idle {
                return;
            }
        }
    }

    pub fn stats(&self, name: &str) -> Stats {
        self.rooms.stats(ROOM, name).expect("the endpoint is there")
    }

    pub fn is_gone(&self, name: &str) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Gone { endpoint, .. } if endpoint == name))
    }
}
