//! This host's own addresses, which the relay must not reach by default.

use std::fs::read_to_string;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every local address that the kernel's tables under `/proc/net` name; those that can't be read are
/// missing, so callers add the ones they know.
pub(super) fn own_addresses() -> Vec<IpAddr> {
    let v4 = read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let v6 = read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let mut found: Vec<IpAddr> = local_v4(&v4).map(IpAddr::V4).collect();
    found.extend(v6.lines().filter_map(interface_v6).map(IpAddr::V6));
    found.sort_unstable();
    found.dedup();
    found
}

/// Addresses are leaves (`|-- 192.0.2.1`) followed by `/32 host LOCAL`.
fn local_v4(table: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut leaf = None;
    table.lines().filter_map(move |line| {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
            return None;
        }
        line.starts_with("/32 host LOCAL").then_some(leaf).flatten()
    })
}

/// The first column is the address in 32 digits.
fn interface_v6(line: &str) -> Option<Ipv6Addr> {
    let digits = line.get(..32)?;
    u128::from_str_radix(digits, 16)
        .ok()
        .map(Ipv6Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        let table = "Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 127.0.0.1\n        \
            /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n";
        assert_eq!(local_v4(table).collect::<Vec<_>>(), [Ipv4Addr::LOCALHOST]);
        let line = "00000000000000000000000000000001 01 80 10 80       lo";
        assert_eq!(interface_v6(line), Some(Ipv6Addr::LOCALHOST));
        assert_eq!(interface_v6("x"), None);
    }

    #[test]
    fn this_host_has_loopback() {
        assert!(own_addresses().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
