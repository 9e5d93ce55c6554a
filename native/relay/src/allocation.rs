//! One allocation: its permissions, its channels, and the answers it has given.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::refusal::Refusal;
use crate::server::AllocationId;
use crate::stun::TransactionId;

const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
const MOST_PERMISSIONS: usize = 64;
const MOST_CHANNELS: usize = 64;
const ANSWERS_KEPT: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Channel {
    peer: SocketAddr,
    expires: Instant,
}

/// A relayed transport address and the socket bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relayed {
    pub(crate) id: AllocationId,
    pub(crate) address: SocketAddr,
}

/// Relayed addresses and who may use them.
#[derive(Debug)]
pub(crate) struct Allocation {
    /// One socket, or one of each address family.
    pub(crate) relayed: Vec<Relayed>,
    pub(crate) username: Arc<str>,
    /// Its holder's share of the bandwidth.
    pub(crate) share: usize,
    pub(crate) expires: Instant,
    permissions: HashMap<IpAddr, Instant>,
    channels: HashMap<u16, Channel>,
    channel_of: HashMap<SocketAddr, u16>,
    answers: VecDeque<(TransactionId, Vec<u8>)>,
}

impl Allocation {
    pub(crate) fn new(
        relayed: Vec<Relayed>,
        username: Arc<str>,
        share: usize,
        expires: Instant,
    ) -> Self {
        Self {
            relayed,
            username,
            share,
            expires,
            permissions: HashMap::new(),
            channels: HashMap::new(),
            channel_of: HashMap::new(),
            answers: VecDeque::new(),
        }
    }

    /// The socket from which an address of this family is reached.
    pub(crate) fn socket_to(&self, peer: IpAddr) -> Option<AllocationId> {
        let mut found = self.relayed.iter();
        let found = found.find(|it| it.address.is_ipv4() == peer.is_ipv4());
        found.map(|it| it.id)
    }

    /// Install or refresh permissions for all of these addresses, or for none.
    pub(crate) fn permit(&mut self, now: Instant, peers: &[IpAddr]) -> Result<(), Refusal> {
        self.permissions.retain(|_, expires| *expires > now);
        let mut new: Vec<&IpAddr> = peers
            .iter()
            .filter(|peer| !self.permissions.contains_key(peer))
            .collect();
        new.sort_unstable();
        new.dedup();
        if self.permissions.len() + new.len() > MOST_PERMISSIONS {
            return Err(Refusal::InsufficientCapacity);
        }
        for &peer in peers {
            self.permissions.insert(peer, now + PERMISSION_LIFETIME);
        }
        Ok(())
    }

    pub(crate) fn permits(&self, now: Instant, peer: IpAddr) -> bool {
        self.permissions
            .get(&peer)
            .is_some_and(|expires| *expires > now)
    }

    /// Bind or refresh a channel, and with it the peer's permission (RFC 8656 section 12.2).
    pub(crate) fn bind(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
    ) -> Result<(), Refusal> {
        self.forget_expired(now);
        let bound = self.channels.get(&number).map(|channel| channel.peer);
        let other = self.channel_of.get(&peer).copied();
        if bound.is_some_and(|bound| bound != peer) || other.is_some_and(|other| other != number) {
            return Err(Refusal::BadRequest);
        }
        if bound.is_none() && self.channels.len() >= MOST_CHANNELS {
            return Err(Refusal::InsufficientCapacity);
        }
        self.permit(now, &[peer.ip()])?;
        let expires = now + CHANNEL_LIFETIME;
        self.channels.insert(number, Channel { peer, expires });
        self.channel_of.insert(peer, number);
        Ok(())
    }

    /// The peer behind a channel.
    pub(crate) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let channel = self.channels.get(&number)?;
        (channel.expires > now).then_some(channel.peer)
    }

    /// The channel to a peer.
    pub(crate) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let &number = self.channel_of.get(&peer)?;
        self.peer_of(now, number).map(|_| number)
    }

    pub(crate) fn forget_expired(&mut self, now: Instant) {
        self.permissions.retain(|_, expires| *expires > now);
        self.channels.retain(|_, channel| channel.expires > now);
        let channels = &self.channels;
        self.channel_of
            .retain(|_, number| channels.contains_key(number));
    }

    /// The answer that this request got when it came before.
    pub(crate) fn answer_to(&self, transaction: &TransactionId) -> Option<&[u8]> {
        let mut found = self
            .answers
            .iter()
            .filter(|(given, _)| given == transaction);
        found.next().map(|(_, answer)| answer.as_slice())
    }

    pub(crate) fn keep_answer(&mut self, transaction: TransactionId, answer: Vec<u8>) {
        if self.answers.len() == ANSWERS_KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back((transaction, answer));
    }
}
