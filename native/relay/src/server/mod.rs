//! The TURN server's core: datagrams and time in, datagrams and sockets to open out.

mod allocate;
mod authenticate;
mod binding;
mod recent;
mod refresh;
mod relaying;
mod request;
mod reservation;
mod wishes;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::time::{Duration, Instant};

use crate::allocation::{Allocation, Relayed};
use crate::bandwidth::Bandwidth;
use crate::client::Client;
use crate::counters::Counters;
use crate::credentials::Credentials;
use crate::nonce::Nonces;
use crate::peers::PeerPolicy;
use crate::throttle::Throttle;
use allocate::Opening;
use recent::Recent;
use reservation::Reservations;

/// How often what has expired is swept out. Expired things are not used in between.
const SWEEP: Duration = Duration::from_secs(1);
const NONCE_LIFETIME: Duration = Duration::from_secs(600);

/// What the server is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// The realm of every credential.
    pub realm: String,
    /// The addresses that peers see, written into XOR-RELAYED-ADDRESS: at most one of each family.
    pub relay_addresses: Vec<IpAddr>,
    /// Where relayed ports are taken from, at random.
    pub ports: RangeInclusive<u16>,
    /// Who may be a peer.
    pub peers: PeerPolicy,
    /// Allocations of one person at a time, by all credentials together.
    pub allocations_per_person: usize,
    /// Allocations from one address at a time (of IPv6 its /64, for one host has all of that).
    pub allocations_per_address: usize,
    /// Octets a second that one person may relay, both ways and by all allocations together.
    pub octets_per_person: Option<u64>,
    /// Allocations of all together.
    pub allocations: usize,
    /// Random octets of this process alone, the key of nonces and of the choice of ports.
    pub secret: [u8; 32],
    /// Neither MD5 nor SHA-1, which old clients need: SHA-256 only.
    pub fips: bool,
}

/// Names an allocation's socket between core and shell; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AllocationId(pub u64);

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message to a client, from the server's socket or by the client's stream.
    Send {
        /// The client.
        to: Client,
        /// The whole message.
        data: Vec<u8>,
    },
    /// Bind a UDP socket to this port of the relay's address, then call [`Server::opened`].
    Open {
        /// Its name from now on.
        allocation: AllocationId,
        /// The port wanted.
        port: u16,
        /// Of the IPv6 address, if there is one of each family.
        ipv6: bool,
    },
    /// Close the allocation's socket.
    Close {
        /// Which.
        allocation: AllocationId,
    },
}

/// A client's data to be sent from an allocation's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToPeer {
    /// Whose socket.
    pub allocation: AllocationId,
    /// The peer.
    pub to: SocketAddr,
    /// Where the payload is in the datagram that was handed in.
    pub payload: Range<usize>,
}

/// The server's whole state. Nothing inside knows a socket or a clock.
#[derive(Debug)]
pub struct Server {
    config: Config,
    started: Instant,
    credentials: Credentials,
    nonces: Nonces,
    throttle: Throttle,
    allocations: HashMap<Client, Allocation>,
    clients: HashMap<AllocationId, Client>,
    opening: HashMap<Client, Opening>,
    reservations: Reservations,
    bandwidth: Bandwidth,
    /// When a client's last allocation ended: nonces from before are stale, so that nothing recorded
    /// can be replayed into its next one.
    ended: HashMap<Client, Instant>,
    next_id: u64,
    next_draw: u64,
    swept: Instant,
    outputs: VecDeque<Output>,
    counters: Counters,
    recent: Recent,
}

impl Server {
    /// A server that begins now.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            started: now,
            credentials: Credentials::new(config.fips),
            nonces: Nonces::new(&config.secret, NONCE_LIFETIME),
            throttle: Throttle::default(),
            allocations: HashMap::new(),
            clients: HashMap::new(),
            opening: HashMap::new(),
            reservations: Reservations::default(),
            bandwidth: Bandwidth::new(config.octets_per_person),
            ended: HashMap::new(),
            next_id: 0,
            next_draw: 0,
            swept: now,
            outputs: VecDeque::new(),
            counters: Counters::default(),
            recent: Recent::default(),
            config,
        }
    }

    /// Know a credential of a person for a time, at most 8 hours. A known name gets the new password and time.
    pub fn add_credential(
        &mut self,
        now: Instant,
        username: &str,
        password: &str,
        holder: &str,
        lifetime: Duration,
    ) {
        let realm = &self.config.realm;
        self.credentials
            .add(now, realm, username, password, holder, lifetime);
    }

    /// Forget a credential; its allocations end.
    pub fn remove_credential(&mut self, now: Instant, username: &str) {
        self.forget_recent();
        self.credentials.remove(username);
        let given_up = self
            .opening
            .extract_if(|_, opening| opening.is_of(username));
        for (_, opening) in given_up.collect::<Vec<_>>() {
            self.close(opening.into_sockets());
        }
        let kept = self
            .reservations
            .take_where(|kept| &*kept.username == username);
        self.close(kept);
        self.end_allocations(now, |allocation| &*allocation.username == username);
    }

    /// A client's stream has ended, and with it what it had.
    pub fn stream_ended(&mut self, now: Instant, client: Client) {
        self.forget_recent();
        if let Some(opening) = self.opening.remove(&client) {
            self.close(opening.into_sockets());
        }
        self.end_allocation(now, client);
        // No other client is ever this one.
        self.ended.remove(&client);
    }

    /// Whether a client has an allocation.
    #[must_use]
    pub fn has_allocation(&self, client: Client) -> bool {
        self.allocations.contains_key(&client)
    }

    /// The next thing for the shell to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Server::handle_timeout`] wants to be called at the latest; `None` while nothing can expire.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = self.allocations.is_empty()
            && self.ended.is_empty()
            && self.reservations.is_empty()
            && self.throttle.is_empty()
            && self.credentials.is_empty();
        (!idle).then_some(self.swept + SWEEP)
    }

    /// Sweep out what has expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.swept + SWEEP {
            return;
        }
        self.swept = now;
        self.forget_recent();
        self.credentials.forget_expired(now);
        self.throttle.forget_full(now);
        let over = self.reservations.take_where(|kept| kept.expires <= now);
        self.close(over);
        self.end_allocations(now, |allocation| allocation.expires <= now);
        for allocation in self.allocations.values_mut() {
            allocation.forget_expired(now);
        }
        let lifetime = self.nonces.lifetime();
        self.ended
            .retain(|_, ended| now.saturating_duration_since(*ended) <= lifetime);
    }

    /// What was done and refused so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many allocations there are now.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    fn end_allocations(&mut self, now: Instant, which: impl Fn(&Allocation) -> bool) {
        let over = self
            .allocations
            .iter()
            .filter(|(_, allocation)| which(allocation));
        let over: Vec<Client> = over.map(|(&client, _)| client).collect();
        for client in over {
            self.end_allocation(now, client);
        }
    }

    fn end_allocation(&mut self, now: Instant, client: Client) {
        if let Some(allocation) = self.allocations.remove(&client) {
            self.ended.insert(client, now);
            self.counters.allocations_ended += 1;
            self.bandwidth.leave(allocation.share);
            self.close(allocation.relayed);
        }
    }

    fn close(&mut self, sockets: impl IntoIterator<Item = Relayed>) {
        for socket in sockets {
            let allocation = socket.id;
            self.clients.remove(&allocation);
            self.outputs.push_back(Output::Close { allocation });
        }
    }

    /// The relay's own address of a family.
    fn relay_address(&self, ipv6: bool) -> Option<IpAddr> {
        let mut all = self.config.relay_addresses.iter();
        all.find(|address| address.is_ipv6() == ipv6).copied()
    }

    fn live_allocation(&mut self, now: Instant, client: Client) -> Option<&mut Allocation> {
        let allocation = self.allocations.get_mut(&client);
        allocation.filter(|allocation| allocation.expires > now)
    }
}
