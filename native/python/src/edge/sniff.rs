//! The first bytes after the handshake tell the protocol (DESIGN.md section 7).
//!
//! Methods don't: OPTIONS is in both. What stands after the first space does: HTTP asks for a path, `*`
//! or an `http` URI, SIP for anything else, and a SIP response begins with its version.

/// More than any method of either protocol.
const LONGEST_METHOD: usize = 64;

/// A longer line is refused by the parser of HTTP heads.
const LONGEST_LINE: usize = 16 * 1024;

/// What STUN messages have at their fifth octet.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A SIP start line or a keep-alive of RFC 5626.
    Sip,
    /// An HTTP/1 request line.
    Http,
    /// A STUN message (RFC 8489 section 5), for the relay.
    Stun,
    /// None of them.
    Unknown,
}

/// What the bytes so far say; `None` if it takes more of them.
pub fn sniff(bytes: &[u8]) -> Option<Protocol> {
    match bytes.first()? {
        b'\r' | b'\n' => return Some(Protocol::Sip),
        0 | 1 => return stun(bytes),
        _ if bytes.starts_with(b"SIP/") => return Some(Protocol::Sip),
        _ => {}
    }
    let Some(space) = bytes.iter().position(|&byte| !is_method(byte)) else {
        let too_long = bytes.len() > LONGEST_METHOD;
        return too_long.then_some(Protocol::Unknown);
    };
    if space == 0 || space > LONGEST_METHOD || bytes[space] != b' ' {
        return Some(Protocol::Unknown);
    }
    target(&bytes[space + 1..])
}

/// A STUN message's first octets are its type, of which requests have only such, and its length.
fn stun(bytes: &[u8]) -> Option<Protocol> {
    let cookie = bytes.get(4..8)?;
    Some(if cookie == MAGIC_COOKIE {
        Protocol::Stun
    } else {
        Protocol::Unknown
    })
}

fn target(rest: &[u8]) -> Option<Protocol> {
    if matches!(rest.first()?, b'/' | b'*') {
        return Some(Protocol::Http);
    }
    let scheme_end = rest.iter().position(|&byte| byte == b':');
    match scheme_end {
        Some(end) if is_http(&rest[..end]) => versioned(rest),
        Some(_) => Some(Protocol::Sip),
        // A scheme may still come, unless this is longer than "https" already.
        None => (rest.len() > 5).then_some(Protocol::Sip),
    }
}

/// An `http` URI stands in a request of either protocol (RFC 4475 section 3.3.6): its version decides.
fn versioned(rest: &[u8]) -> Option<Protocol> {
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
        let too_long = rest.len() > LONGEST_LINE;
        return too_long.then_some(Protocol::Http);
    };
    let is_sip = rest[..end].trim_ascii_end().ends_with(b" SIP/2.0");
    Some(if is_sip {
        Protocol::Sip
    } else {
        Protocol::Http
    })
}

fn is_http(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
}

/// A character of a token, as RFC 3261 and RFC 9110 both allow it in a method.
fn is_method(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Protocol, sniff};

    #[test]
    fn tells_sip_from_http() {
        for (bytes, protocol) in [
            (&b"REGISTER sip:a@b SIP/2.0\r\n"[..], Protocol::Sip),
            (b"OPTIONS sip:b SIP/2.0", Protocol::Sip),
            (b"OPTIONS sips:b SIP/2.0", Protocol::Sip),
            (b"INVITE tel:+1 SIP/2.0", Protocol::Sip),
            (b"SIP/2.0 200 OK", Protocol::Sip),
            (b"\r\n\r\n", Protocol::Sip),
            (b"GET /sip HTTP/1.1", Protocol::Http),
            (b"OPTIONS * HTTP/1.1", Protocol::Http),
            (b"GET https://h/ HTTP/1.1\r\n", Protocol::Http),
            (b"INVITE http://h/ SIP/2.0\r\n", Protocol::Sip),
            (b"PRI * HTTP/2.0", Protocol::Http),
            (b"GET HTTP://h/ HTTP/1.1\r\n", Protocol::Http),
            (b"SSH-2.0-OpenSSH\r\n", Protocol::Unknown),
            (b" GET /", Protocol::Unknown),
            (b"\x00\x01\x00\x00\x21\x12\xa4\x42", Protocol::Stun),
            (b"\x01\x01\x00\x00\x21\x12\xa4\x43", Protocol::Unknown),
            (b"\x16\x03\x01", Protocol::Unknown),
            (&[b'A'; 70], Protocol::Unknown),
        ] {
            assert_eq!(sniff(bytes), Some(protocol), "{bytes:?}");
        }
    }

    #[test]
    fn every_split_comes_to_the_same_answer() {
        for bytes in [
            &b"REGISTER sip:a@b SIP/2.0\r\n"[..],
            b"OPTIONS https://h/ HTTP/1.1\r\n",
            b"SIP/2.0 200 OK\r\n",
            b"OPTIONS http SIP/2.0\r\n",
            b"GET / HTTP/1.1\r\n",
            b"\x00\x03\x00\x08\x21\x12\xa4\x42",
        ] {
            let whole = sniff(bytes);
            for end in 0..bytes.len() {
                let part = sniff(&bytes[..end]);
                assert!(part.is_none() || part == whole, "{:?}", &bytes[..end]);
            }
        }
    }
}
