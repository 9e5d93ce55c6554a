//! A TURN client and a shell without sockets, for tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use vestibule_relay::stun::attribute::*;
use vestibule_relay::stun::integrity::{
    Integrity, PASSWORD_ALGORITHMS as OFFERED, PasswordAlgorithm,
};
use vestibule_relay::stun::{Class, Message, Writer, method};
use vestibule_relay::{AllocationId, Config, Output, PeerPolicy, Server};

pub const REALM_NAME: &str = "vestibule.test";
/// The address of its relayed sockets.
pub const RELAY: &str = "192.0.2.15";
pub const PEER: &str = "8.8.8.8:7000";
pub const CLIENT: &str = "198.51.100.7:4000";

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A server, its clock, and which ports its shell can't open.
pub struct Lab {
    pub server: Server,
    pub now: Instant,
    pub taken: Box<dyn Fn(u16) -> bool>,
    pub opened: Vec<(AllocationId, u16)>,
    pub closed: Vec<AllocationId>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl Fn(&mut Config)) -> Self {
        let mut config = Config {
            realm: REALM_NAME.into(),
            relay_addresses: vec![RELAY.parse().unwrap()],
            ports: 50_000..=59_999,
            peers: PeerPolicy::default(),
            allocations_per_person: 2,
            allocations_per_address: 10,
            octets_per_person: None,
            allocations: 3,
            secret: [9; 32],
            fips: false,
        };
        change(&mut config);
        let now = Instant::now();
        let mut server = Server::new(config, now);
        server.add_credential(now, "ann", "secret", "Ann", Duration::from_secs(3600));
        server.add_credential(now, "bob", "hidden", "Bob", Duration::from_secs(3600));
        Self {
            server,
            now,
            taken: Box::new(|_| false),
            opened: Vec::new(),
            closed: Vec::new(),
        }
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.server.handle_timeout(self.now);
        self.run();
    }

    /// Do what the server wants done; gives what was sent.
    pub fn run(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut sent = Vec::new();
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Send { to, data } => sent.push((to.address, data)),
                Output::Close { allocation } => self.closed.push(allocation),
                Output::Open {
                    allocation, port, ..
                } => {
                    let done = !(self.taken)(port);
                    if done {
                        self.opened.push((allocation, port));
                    }
                    self.server.opened(self.now, allocation, done);
                }
            }
        }
        sent
    }

    /// Send a datagram and take the one answer there is.
    pub fn ask(&mut self, client: SocketAddr, request: &[u8]) -> Vec<u8> {
        assert_eq!(
            self.server.handle_client(self.now, client.into(), request),
            None
        );
        let mut sent = self.run();
        assert_eq!(sent.len(), 1, "one answer");
        let (to, data) = sent.remove(0);
        assert_eq!(to, client);
        data
    }
}

/// One client with a credential.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub username: &'static str,
    pub password: &'static str,
    pub integrity: Integrity,
    pub algorithm: Option<PasswordAlgorithm>,
    pub nonce: Vec<u8>,
    pub transaction: u8,
    /// The PASSWORD-ALGORITHMS that it heard.
    pub offered: &'static [u8],
}

pub type Attributes<'a> = &'a [(u16, &'a [u8])];

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            username: "ann",
            password: "secret",
            integrity: Integrity::Sha1,
            algorithm: None,
            nonce: Vec::new(),
            transaction: 0,
            offered: &OFFERED,
        }
    }

    fn key(&self) -> Vec<u8> {
        let algorithm = self.algorithm.unwrap_or(PasswordAlgorithm::Md5);
        algorithm.key(self.username, REALM_NAME, self.password)
    }

    pub fn begin(&mut self, method: u16, attributes: Attributes<'_>) -> Writer {
        self.transaction += 1;
        let mut writer = Writer::new(Class::Request, method, [self.transaction; 12]);
        for (attribute, value) in attributes {
            writer = writer.attribute(*attribute, value);
        }
        writer
    }

    pub fn sign(&self, writer: Writer) -> Vec<u8> {
        let mut writer = writer
            .attribute(USERNAME, self.username.as_bytes())
            .attribute(REALM, REALM_NAME.as_bytes())
            .attribute(NONCE, &self.nonce);
        if let Some(algorithm) = self.algorithm {
            let chosen: [u8; 4] = match algorithm {
                PasswordAlgorithm::Md5 => [0, 1, 0, 0],
                PasswordAlgorithm::Sha256 => [0, 2, 0, 0],
            };
            writer = writer
                .attribute(PASSWORD_ALGORITHMS, self.offered)
                .attribute(PASSWORD_ALGORITHM, &chosen);
        }
        writer.protect(self.integrity, &self.key()).finish()
    }

    /// Fetch a nonce.
    pub fn challenge(&mut self, lab: &mut Lab) {
        let request = self.begin(method::ALLOCATE, &[(REQUESTED_TRANSPORT, &[17, 0, 0, 0])]);
        let answer = lab.ask(self.address, &request.finish());
        let answer = Message::read(&answer).unwrap();
        self.nonce = answer.attribute(NONCE).unwrap().to_vec();
    }

    /// Send a signed request; gives 0 or the error code.
    pub fn request(&mut self, lab: &mut Lab, method: u16, attributes: Attributes<'_>) -> u16 {
        let writer = self.begin(method, attributes);
        let answer = lab.ask(self.address, &self.sign(writer));
        let code = code(&answer);
        let message = Message::read(&answer).unwrap();
        if code == 438 {
            self.nonce = message.attribute(NONCE).unwrap().to_vec();
        } else if code != 401 {
            assert!(
                message.verifies(self.integrity, &self.key()),
                "answers are protected too"
            );
        }
        code
    }

    pub fn allocate(&mut self, lab: &mut Lab) -> u16 {
        self.request(
            lab,
            method::ALLOCATE,
            &[(REQUESTED_TRANSPORT, &[17, 0, 0, 0])],
        )
    }

    /// CreatePermission or ChannelBind for a peer.
    pub fn with_peer(
        &mut self,
        lab: &mut Lab,
        method: u16,
        peer: &str,
        more: Attributes<'_>,
    ) -> u16 {
        let writer = self
            .begin(method, more)
            .address(XOR_PEER_ADDRESS, address(peer));
        code(&lab.ask(self.address, &self.sign(writer)))
    }

    pub fn permit(&mut self, lab: &mut Lab, peer: &str) -> u16 {
        self.with_peer(lab, method::CREATE_PERMISSION, peer, &[])
    }

    pub fn bind(&mut self, lab: &mut Lab, number: u16, peer: &str) -> u16 {
        let [high, low] = number.to_be_bytes();
        self.with_peer(
            lab,
            method::CHANNEL_BIND,
            peer,
            &[(CHANNEL_NUMBER, &[high, low, 0, 0])],
        )
    }
}

/// A client with an allocation.
pub fn allocated(lab: &mut Lab) -> Client {
    let mut client = Client::new(address(CLIENT));
    client.challenge(lab);
    assert_eq!(client.allocate(lab), 0);
    client
}

/// The error code of an answer, 0 for success.
pub fn code(answer: &[u8]) -> u16 {
    match Message::read(answer).unwrap().attribute(ERROR_CODE) {
        Some(&[_, _, hundreds, rest, ..]) => u16::from(hundreds) * 100 + u16::from(rest),
        _ => 0,
    }
}

pub fn send_indication(peer: &str, payload: &[u8]) -> Vec<u8> {
    Writer::new(Class::Indication, method::SEND, [0; 12])
        .address(XOR_PEER_ADDRESS, address(peer))
        .attribute(DATA, payload)
        .finish()
}
