//! Who may be a peer (ATTACKS #25, RFC 8656 section 21.1): an open relay into the operator's own network
//! is the classic TURN hole, so everything that is not globally reachable is refused by default.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;

/// An address prefix, such as `127.0.0.1/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// As a number of 128 bits, IPv4 as IPv6-mapped.
    bits: u128,
    length: u32,
}

/// Text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a network: {0}")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (bits, offset) = match address.parse().map_err(|_| wrong())? {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), 96),
            IpAddr::V6(v6) => (v6.to_bits(), 0),
        };
        match length.unwrap_or(128 - offset).checked_add(offset) {
            Some(length) if length <= 128 => Ok(Self { bits, length }),
            _ => Err(wrong()),
        }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let bits = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        (bits ^ self.bits).leading_zeros() >= self.length
    }
}

/// Which addresses may be peers.
#[derive(Clone, Debug, Default)]
pub struct PeerPolicy {
    /// Networks that may be peers whatever the rules below say.
    pub allowed: Vec<Network>,
    /// This host's own addresses, which may not.
    pub own: Vec<IpAddr>,
    /// Where an own address is allowed all the same: only these ports of it, so that a client reaches the
    /// rooms and no other service of this host. `None`: all of them.
    pub own_ports: Option<RangeInclusive<u16>>,
}

impl PeerPolicy {
    /// Whether data may be sent to and taken from this port of an address.
    #[must_use]
    pub fn permits_at(&self, peer: SocketAddr) -> bool {
        let of_own =
            |ports: &RangeInclusive<u16>| ports.contains(&peer.port()) || !self.is_own(peer.ip());
        self.permits(peer.ip()) && self.own_ports.as_ref().is_none_or(of_own)
    }

    /// Whether data may be sent to and taken from this address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        if self.allowed.iter().any(|network| network.contains(address)) {
            return true;
        }
        if self.is_own(address) {
            return false;
        }
        match address {
            IpAddr::V4(v4) => is_global_v4(v4),
            IpAddr::V6(v6) => is_global_v6(v6),
        }
    }

    fn is_own(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        address.is_loopback() || self.own.iter().any(|&own| canonical(own) == address)
    }
}

/// The address that packets would in the end go to: the IPv4 address within mapped, compatible, 6to4 and
/// NAT64 forms.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let bits = v6.to_bits();
    let embedded = match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] => bits as u32,
        [0, 0, 0, 0, 0xffff, 0, _, _] => bits as u32,
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => bits as u32,
        [0x2002, ..] => (bits >> 80) as u32,
        _ => return address,
    };
    // The unspecified and loopback addresses look like compatible ones; both stay refused as 0.0.0.0/8.
    IpAddr::V4(Ipv4Addr::from_bits(embedded))
}

/// The IANA special-purpose registry (RFC 6890) and multicast, as prefix and length.
const NOT_GLOBAL_V4: [(Ipv4Addr, u32); 14] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast 224/4 and reserved 240/4 with broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

fn is_global_v4(address: Ipv4Addr) -> bool {
    let within = |&(prefix, length): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= length
    };
    !NOT_GLOBAL_V4.iter().any(within)
}

/// Exceptions within 2000::/3, the only part of IPv6 that is given out.
const NOT_GLOBAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, Teredo and ORCHID among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_global_v6(address: Ipv6Addr) -> bool {
    let within = |&(prefix, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= length
    };
    address.segments()[0] >> 13 == 0b001 && !NOT_GLOBAL_V6.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &PeerPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn global_addresses_in_any_form_may_be_peers() {
        let policy = PeerPolicy::default();
        for address in [
            "8.8.8.8",
            "2606:4700::1",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
            "64:ff9b::808:808",
        ] {
            assert!(permits(&policy, address), "{address}");
        }
    }

    #[test]
    fn what_is_not_globally_reachable_may_not_in_any_form() {
        let policy = PeerPolicy::default();
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "::ffff:169.254.169.254",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!permits(&policy, address), "{address}");
        }
    }

    #[test]
    fn the_allow_list_overrides_on_the_canonical_address() {
        let policy = PeerPolicy {
            allowed: vec!["127.0.0.1/32".parse().unwrap(), "fd00::/8".parse().unwrap()],
            own: vec!["1.1.1.1".parse().unwrap()],
            own_ports: None,
        };
        assert!(permits(&policy, "127.0.0.1") && permits(&policy, "::ffff:127.0.0.1"));
        assert!(!permits(&policy, "127.0.0.2"));
        assert!(permits(&policy, "fd12::1") && !permits(&policy, "fc00::1"));
        assert!(!permits(&policy, "1.1.1.1") && !permits(&policy, "::ffff:1.1.1.1"));
    }

    #[test]
    fn of_an_own_address_that_is_allowed_only_some_ports_are() {
        let policy = PeerPolicy {
            allowed: vec!["127.0.0.0/8".parse().unwrap(), "1.1.1.1".parse().unwrap()],
            own: vec!["1.1.1.1".parse().unwrap()],
            own_ports: Some(50000..=59999),
        };
        let permits = |peer: &str| policy.permits_at(peer.parse().unwrap());
        for host in ["127.0.0.1", "127.0.0.9", "1.1.1.1", "[::ffff:1.1.1.1]"] {
            assert!(permits(&format!("{host}:50000")), "{host}");
            assert!(!permits(&format!("{host}:3478")), "{host}");
        }
        assert!(permits("8.8.8.8:53") && !permits("10.0.0.1:50000"));
    }

    #[test]
    fn networks_are_checked() {
        for text in [
            "",
            "1.2.3.4/33",
            "::/129",
            "1.2.3/8",
            "::/x",
            "::/4294967295",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("10.0.0.0/8".parse::<Network>().is_ok());
    }
}
