//! The PROXY protocol's binary header, version 2: who is at the other end, for a backend behind us.

use std::net::{IpAddr, SocketAddr};

/// Begins every header of version 2.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_2_PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
/// First of the types kept for applications; ours: the DER of the verified client certificate.
pub const TLV_CLIENT_CERTIFICATE: u8 = 0xe0;

/// The header for a connection from `peer` to `local`. `None` if the certificate is too long for its
/// length fields.
pub fn header(
    peer: SocketAddr,
    local: SocketAddr,
    client_certificate: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let (family, mut rest) = addresses(peer, local);
    if let Some(certificate) = client_certificate {
        rest.push(TLV_CLIENT_CERTIFICATE);
        rest.extend(u16::try_from(certificate.len()).ok()?.to_be_bytes());
        rest.extend(certificate);
    }
    let mut out = Vec::with_capacity(16 + rest.len());
    out.extend(SIGNATURE);
    out.extend([VERSION_2_PROXY, family]);
    out.extend(u16::try_from(rest.len()).ok()?.to_be_bytes());
    out.extend(rest);
    Some(out)
}

fn addresses(peer: SocketAddr, local: SocketAddr) -> (u8, Vec<u8>) {
    let mut out = Vec::with_capacity(36);
    let family = match (peer.ip().to_canonical(), local.ip().to_canonical()) {
        (IpAddr::V4(peer), IpAddr::V4(local)) => {
            out.extend(peer.octets());
            out.extend(local.octets());
            TCP_OVER_IPV4
        }
        (peer, local) => {
            out.extend(as_v6(peer));
            out.extend(as_v6(local));
            TCP_OVER_IPV6
        }
    };
    out.extend(peer.port().to_be_bytes());
    out.extend(local.port().to_be_bytes());
    (family, out)
}

fn as_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::header;

    const SIGNATURE: &[u8] = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a";

    #[test]
    fn ipv4_with_a_certificate() {
        let peer = "192.0.2.7:50000".parse().unwrap();
        let local = "198.51.100.1:443".parse().unwrap();
        let mut expected = SIGNATURE.to_vec();
        expected.extend(b"\x21\x11\x00\x12");
        expected.extend([192, 0, 2, 7, 198, 51, 100, 1, 0xc3, 0x50, 0x01, 0xbb]);
        expected.extend(b"\xe0\x00\x03DER");
        assert_eq!(header(peer, local, Some(b"DER")), Some(expected));
    }

    #[test]
    fn ipv6_without_one() {
        let peer = "[2001:db8::7]:50000".parse().unwrap();
        let local = "[2001:db8::1]:443".parse().unwrap();
        let made = header(peer, local, None).unwrap();
        assert_eq!(&made[12..16], b"\x21\x21\x00\x24");
        assert_eq!(made.len(), 16 + 36);
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        let peer = "[::ffff:192.0.2.7]:50000".parse().unwrap();
        let local = "[::ffff:198.51.100.1]:443".parse().unwrap();
        let made = header(peer, local, None).unwrap();
        assert_eq!(&made[12..20], b"\x21\x11\x00\x0c\xc0\x00\x02\x07");
    }

    #[test]
    fn a_certificate_too_long_for_the_header_makes_none() {
        let address = "192.0.2.7:50000".parse().unwrap();
        assert_eq!(header(address, address, Some(&[0; 65_536])), None);
        assert_eq!(header(address, address, Some(&[0; 65_530])), None);
    }
}
