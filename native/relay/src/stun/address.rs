//! XOR-MAPPED-ADDRESS and its kin (RFC 8489 section 14.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

/// IPv4 in an address or REQUESTED-ADDRESS-FAMILY.
pub const IPV4: u8 = 1;
/// IPv6 there.
pub const IPV6: u8 = 2;

/// The family's number.
#[must_use]
pub fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { IPV4 } else { IPV6 }
}

fn mask(transaction: &TransactionId) -> u128 {
    let tail = transaction
        .iter()
        .fold(0, |sum, &octet| sum << 8 | u128::from(octet));
    u128::from(MAGIC_COOKIE) << 96 | tail
}

/// The attribute's value.
#[must_use]
pub fn encode(address: SocketAddr, transaction: &TransactionId) -> Vec<u8> {
    let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
    let mut value = vec![0, family(address.ip())];
    value.extend_from_slice(&port.to_be_bytes());
    match address.ip() {
        IpAddr::V4(v4) => value.extend_from_slice(&(v4.to_bits() ^ MAGIC_COOKIE).to_be_bytes()),
        IpAddr::V6(v6) => {
            value.extend_from_slice(&(v6.to_bits() ^ mask(transaction)).to_be_bytes())
        }
    }
    value
}

/// The address in an attribute's value.
#[must_use]
pub fn decode(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let (&[_, family, high, low], rest) = value.split_first_chunk()?;
    let port = u16::from_be_bytes([high, low]) ^ (MAGIC_COOKIE >> 16) as u16;
    let ip = match family {
        IPV4 => {
            let bits = u32::from_be_bytes(rest.try_into().ok()?);
            IpAddr::V4(Ipv4Addr::from_bits(bits ^ MAGIC_COOKIE))
        }
        IPV6 => {
            let bits = u128::from_be_bytes(rest.try_into().ok()?);
            IpAddr::V6(Ipv6Addr::from_bits(bits ^ mask(transaction)))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}
