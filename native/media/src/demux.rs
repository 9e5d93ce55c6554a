//! Whose datagram it is, on the one socket that all browsers share.
//!
//! A connectivity check names its endpoint by our ufrag and proves itself by message integrity
//! (RFC 8445 section 7.3). Everything else counts for whoever has proven its source address, and for
//! nobody if nobody has: nothing is ever learnt from a packet without proof.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::ice::{StunMessage, TransId};

use crate::isolate::isolate;
use crate::rtp::Datagram;
use crate::slots::EndpointKey;

/// One address can pass to another endpoint only after it has been silent for so long.
const ADDRESS_HOLD: Duration = Duration::from_secs(5);
/// Addresses that one endpoint may prove; more are not believed.
const MAX_ADDRESSES: usize = 16;
/// Checks remembered per endpoint: more than half an hour of a browser's.
const MAX_CHECKS: usize = 1024;

/// One room of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub u64);

/// One endpoint of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Its room.
    pub room: RoomKey,
    /// Its key in the room.
    pub endpoint: EndpointKey,
}

/// Where a datagram belongs.
#[derive(Debug)]
pub struct Addressed {
    /// To whom.
    pub owner: Owner,
    /// What it is, if it is a connectivity check.
    check: Option<Check>,
}

#[derive(Debug)]
struct Check {
    id: TransId,
    ufrag: String,
}

/// An endpoint as its checks know it.
#[derive(Debug)]
struct Known {
    owner: Owner,
    checks: Checks,
}

/// An address that has sent an authenticated check.
#[derive(Debug)]
struct Claim {
    owner: Owner,
    heard: Instant,
}

/// The transactions of good checks. One that comes again from elsewhere is a replay: its integrity is
/// good and its sender is not, so it must not move the media.
#[derive(Debug, Default)]
struct Checks {
    sources: HashMap<TransId, SocketAddr>,
    order: VecDeque<TransId>,
}

impl Checks {
    fn is_replay(&self, id: TransId, source: SocketAddr) -> bool {
        self.sources.get(&id).is_some_and(|first| *first != source)
    }

    fn remember(&mut self, id: TransId, source: SocketAddr) {
        if self.sources.insert(id, source).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > MAX_CHECKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.sources.remove(&oldest);
        }
    }
}

/// Every browser by ufrag and by proven address.
#[derive(Debug, Default)]
pub struct Demux {
    ufrags: HashMap<String, Known>,
    addresses: HashMap<SocketAddr, Claim>,
}

impl Demux {
    /// Checks with this ufrag are this endpoint's.
    pub fn add(&mut self, ufrag: &str, owner: Owner) {
        let known = Known {
            owner,
            checks: Checks::default(),
        };
        self.ufrags.insert(ufrag.to_owned(), known);
    }

    /// Forget endpoints.
    pub fn forget(&mut self, gone: impl Fn(&Owner) -> bool) {
        self.ufrags.retain(|_, known| !gone(&known.owner));
        self.addresses.retain(|_, claim| !gone(&claim.owner));
    }

    /// Whose a datagram is; `None` if nobody's.
    pub fn identify(&mut self, now: Instant, source: SocketAddr, data: &[u8]) -> Option<Addressed> {
        if Datagram::classify(data) == Datagram::Stun {
            return self.identify_check(source, data);
        }
        let claim = self.addresses.get_mut(&source)?;
        claim.heard = now;
        Some(Addressed {
            owner: claim.owner,
            check: None,
        })
    }

    fn identify_check(&self, source: SocketAddr, data: &[u8]) -> Option<Addressed> {
        let message = isolate(|| StunMessage::parse(data)).ok()?.ok()?;
        if !message.is_binding_request() {
            return None;
        }
        let (local, _) = message.split_username()?;
        let known = self.ufrags.get(local)?;
        if known.checks.is_replay(message.trans_id(), source) || !self.may_try(known.owner, source)
        {
            return None;
        }
        Some(Addressed {
            owner: known.owner,
            check: Some(Check {
                id: message.trans_id(),
                ufrag: local.to_owned(),
            }),
        })
    }

    /// Whether the endpoint has this address or may have one more.
    fn may_try(&self, owner: Owner, source: SocketAddr) -> bool {
        let is_own = self
            .addresses
            .get(&source)
            .is_some_and(|c| c.owner == owner);
        let held = self.addresses.values().filter(|c| c.owner == owner);
        is_own || held.count() < MAX_ADDRESSES
    }

    /// The datagram was a check that has proven these addresses: believe them, unless somebody else is
    /// using them.
    pub fn learn(&mut self, now: Instant, addressed: &Addressed, verified: &[SocketAddr]) {
        let Some(check) = &addressed.check else {
            return;
        };
        for address in verified {
            if let Some(known) = self.ufrags.get_mut(&check.ufrag) {
                known.checks.remember(check.id, *address);
            }
            let taken = self.addresses.get(address).is_some_and(|claim| {
                claim.owner != addressed.owner && now < claim.heard + ADDRESS_HOLD
            });
            if !taken {
                let claim = Claim {
                    owner: addressed.owner,
                    heard: now,
                };
                self.addresses.insert(*address, claim);
            }
        }
    }
}
