//! Who may connect, decided before any handshake: how many at once and how often.
//!
//! Three rings: everyone together, one address (of IPv6 its /64, for one host owns all of that), and
//! one network (/24, /56), which may hold a few times what one of its addresses may.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use thiserror::Error;

use super::bucket::{Bucket, Rate};
use super::counters::Count;

/// How many times one address's share its whole network gets.
pub const NETWORK_SHARE: usize = 4;

/// An address that comes back as fast as its bucket allows may use its whole share in this many seconds.
const SECONDS_FOR_SHARE: f64 = 10.0;

/// Forgotten entries are looked for when there are this many more than last time.
const SWEEP_EVERY: usize = 4096;

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TooMany {
    /// The process serves as many as it may.
    #[error("too many connections")]
    Overall,
    /// The address has as many as it may.
    #[error("too many connections of one address")]
    OfAddress,
    /// The address's network has as many as it may.
    #[error("too many connections of one network")]
    OfNetwork,
    /// The address or its network comes back too often.
    #[error("connections too fast")]
    TooFast,
}

impl TooMany {
    /// Where it is counted.
    pub fn count(self) -> Count {
        match self {
            Self::Overall => Count::OverallLimit,
            Self::OfAddress => Count::AddressLimit,
            Self::OfNetwork => Count::NetworkLimit,
            Self::TooFast => Count::AcceptRate,
        }
    }
}

/// What one key of a [`Ring`] has used.
#[derive(Debug)]
struct Usage {
    open: usize,
    bucket: Bucket,
}

/// Usage by address or by network, each under the same limit.
#[derive(Debug)]
struct Ring {
    most: usize,
    rate: Rate,
    used: HashMap<IpAddr, Usage>,
    sweep_at: usize,
}

impl Ring {
    fn new(most: usize) -> Self {
        let burst = most.max(1) as f64;
        Self {
            most,
            rate: Rate {
                per_second: burst / SECONDS_FOR_SHARE,
                burst,
            },
            used: HashMap::new(),
            sweep_at: SWEEP_EVERY,
        }
    }

    fn usage(&mut self, key: IpAddr, now: Instant) -> &mut Usage {
        if self.used.len() >= self.sweep_at {
            let rate = self.rate;
            self.used
                .retain(|_, usage| usage.open > 0 || !usage.bucket.is_full(rate, now));
            self.sweep_at = self.used.len() + SWEEP_EVERY;
        }
        let rate = self.rate;
        self.used.entry(key).or_insert_with(|| Usage {
            open: 0,
            bucket: Bucket::full(rate, now),
        })
    }

    fn leave(&mut self, key: IpAddr) {
        if let Some(usage) = self.used.get_mut(&key) {
            usage.open = usage.open.saturating_sub(1);
        }
    }
}

#[derive(Debug)]
struct Rings {
    open: usize,
    addresses: Ring,
    networks: Ring,
}

/// The door: asked for each connection that arrives, before a byte of it is read.
#[derive(Debug)]
pub struct Door {
    most: usize,
    rings: Mutex<Rings>,
}

impl Door {
    /// A door that lets in `most` connections at once, `most_per_address` of them from one address.
    pub fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            rings: Mutex::new(Rings {
                open: 0,
                addresses: Ring::new(most_per_address),
                networks: Ring::new(most_per_address.saturating_mul(NETWORK_SHARE)),
            }),
        })
    }

    /// Let a connection in, for as long as the pass lives.
    ///
    /// # Errors
    /// Which limit it would break.
    pub fn admit(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Result<Pass, TooMany> {
        let (address, network) = (address_of(peer), network_of(peer));
        let mut rings = self.lock();
        if rings.open >= self.most {
            return Err(TooMany::Overall);
        }
        let Rings {
            addresses,
            networks,
            ..
        } = &mut *rings;
        let (most, rate) = (addresses.most, addresses.rate);
        let of_address = addresses.usage(address, now);
        let (network_most, network_rate) = (networks.most, networks.rate);
        let of_network = networks.usage(network, now);
        // The network pays only for what its address could pay: one that hammers must not use up what
        // its neighbours need.
        if !of_address.bucket.take(rate, now) || !of_network.bucket.take(network_rate, now) {
            return Err(TooMany::TooFast);
        }
        if of_address.open >= most {
            return Err(TooMany::OfAddress);
        }
        if of_network.open >= network_most {
            return Err(TooMany::OfNetwork);
        }
        of_address.open += 1;
        of_network.open += 1;
        rings.open += 1;
        Ok(Pass {
            door: Arc::clone(self),
            address,
            network,
        })
    }

    /// How many connections are inside.
    pub fn open(&self) -> usize {
        self.lock().open
    }

    fn leave(&self, address: IpAddr, network: IpAddr) {
        let mut rings = self.lock();
        rings.open = rings.open.saturating_sub(1);
        rings.addresses.leave(address);
        rings.networks.leave(network);
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place inside; dropping it gives the place back.
#[derive(Debug)]
pub struct Pass {
    door: Arc<Door>,
    address: IpAddr,
    network: IpAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.door.leave(self.address, self.network);
    }
}

/// What is one host: of IPv6 its /64.
pub fn address_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => prefix_v6(v6, 64).into(),
    }
}

/// What is one network: a /24, or a /56 of IPv6.
pub fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00).into(),
        IpAddr::V6(v6) => prefix_v6(v6, 56).into(),
    }
}

fn prefix_v6(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits)))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    use super::{Door, NETWORK_SHARE, SWEEP_EVERY, TooMany};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_its_share_and_others_theirs() {
        let (door, now) = (Door::new(100, 2), Instant::now());
        let first = door.admit(ip("192.0.2.1"), now).unwrap();
        let _second = door.admit(ip("192.0.2.1"), now).unwrap();
        let later = now + Duration::from_secs(60);
        assert_eq!(
            door.admit(ip("192.0.2.1"), later).unwrap_err(),
            TooMany::OfAddress
        );
        let _other = door.admit(ip("192.0.2.2"), later).unwrap();
        drop(first);
        assert!(door.admit(ip("192.0.2.1"), later).is_ok());
    }

    #[test]
    fn a_network_has_a_few_shares() {
        let (door, now) = (Door::new(1000, 1), Instant::now());
        let inside: Vec<_> = (0..NETWORK_SHARE)
            .map(|n| door.admit(ip(&format!("192.0.2.{n}")), now).unwrap())
            .collect();
        let later = now + Duration::from_secs(60);
        let refused = door.admit(ip("192.0.2.200"), later).unwrap_err();
        assert_eq!(refused, TooMany::OfNetwork);
        assert!(door.admit(ip("198.51.100.1"), later).is_ok());
        drop(inside);
        let latest = later + Duration::from_secs(60);
        assert!(door.admit(ip("192.0.2.200"), latest).is_ok());
    }

    #[test]
    fn everyone_together_is_limited() {
        let (door, now) = (Door::new(1, 10), Instant::now());
        let only = door.admit(ip("192.0.2.1"), now).unwrap();
        assert_eq!(
            door.admit(ip("198.51.100.1"), now).unwrap_err(),
            TooMany::Overall
        );
        drop(only);
        assert_eq!(door.open(), 0);
    }

    #[test]
    fn coming_back_too_often_is_refused_for_a_while() {
        let (door, now) = (Door::new(100, 10), Instant::now());
        for _ in 0..10 {
            door.admit(ip("192.0.2.1"), now).unwrap();
        }
        assert_eq!(
            door.admit(ip("192.0.2.1"), now).unwrap_err(),
            TooMany::TooFast
        );
        assert!(
            door.admit(ip("192.0.2.1"), now + Duration::from_secs(1))
                .is_ok()
        );
    }

    #[test]
    fn one_that_hammers_leaves_its_neighbours_their_share() {
        let (door, now) = (Door::new(1000, 10), Instant::now());
        let let_in = (0..1000).filter(|_| door.admit(ip("192.0.2.1"), now).is_ok());
        assert_eq!(let_in.count(), 10);
        assert!(door.admit(ip("192.0.2.2"), now).is_ok());
    }

    #[test]
    fn an_ipv6_host_is_its_64_and_a_mapped_address_is_ipv4() {
        let (door, now) = (Door::new(100, 1), Instant::now());
        let _six = door.admit(ip("2001:db8::1"), now).unwrap();
        let _four = door.admit(ip("::ffff:192.0.2.1"), now).unwrap();
        let later = now + Duration::from_secs(60);
        for taken in ["2001:db8::2", "192.0.2.1"] {
            assert_eq!(
                door.admit(ip(taken), later).unwrap_err(),
                TooMany::OfAddress
            );
        }
        assert!(door.admit(ip("2001:db8:0:1::1"), later).is_ok());
    }

    #[test]
    fn forgets_addresses_that_have_gone() {
        let (door, now) = (Door::new(usize::MAX, 10), Instant::now());
        for n in 0..SWEEP_EVERY as u32 {
            let at = now + Duration::from_millis(u64::from(n) * 5);
            let _gone = door.admit(IpAddr::from((0x0a00_0000 + n * 256).to_be_bytes()), at);
        }
        let later = now + Duration::from_secs(3600);
        let _last = door.admit(ip("192.0.2.1"), later);
        assert_eq!(door.lock().addresses.used.len(), 1);
    }
}
