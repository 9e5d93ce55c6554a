//! Whether a Request-URI can be one (RFC 3261 section 19.1, RFC 5118 for IPv6).

use std::net::Ipv6Addr;

/// Whether `uri` may stand in a request line. URIs of other schemes are only checked to be URIs.
pub(crate) fn is_request_uri(uri: &[u8]) -> bool {
    let forbidden = |&byte: &u8| !byte.is_ascii_graphic() || matches!(byte, b'<' | b'>' | b'"');
    if uri.iter().any(forbidden) {
        return false;
    }
    let Some((scheme, rest)) = split_scheme(uri) else {
        return false;
    };
    if !scheme.eq_ignore_ascii_case(b"sip") && !scheme.eq_ignore_ascii_case(b"sips") {
        return true;
    }
    let place = match rest.iter().rposition(|&byte| byte == b'@') {
        Some(0) => return false,
        Some(at) => &rest[at + 1..],
        None => rest,
    };
    // Headers in a Request-URI would let its sender write headers of requests made from it.
    if place.contains(&b'?') {
        return false;
    }
    let end = place.iter().position(|&byte| byte == b';');
    is_host_port(&place[..end.unwrap_or(place.len())])
}

/// Scheme and the rest of anything that has the shape of a URI.
pub(crate) fn split_scheme(uri: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = uri.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = (&uri[..colon], &uri[colon + 1..]);
    let is_scheme_byte = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let sound = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(is_scheme_byte)
        && !rest.is_empty();
    sound.then_some((scheme, rest))
}

/// `host` or `host:port`, an IPv6 address in brackets.
pub(crate) fn is_host_port(text: &[u8]) -> bool {
    let (host_fits, port) = if let Some(inner) = text.strip_prefix(b"[") {
        let Some(close) = inner.iter().position(|&byte| byte == b']') else {
            return false;
        };
        (is_ipv6(&inner[..close]), &inner[close + 1..])
    } else {
        let end = text.iter().position(|&byte| byte == b':');
        let end = end.unwrap_or(text.len());
        (is_host_name(&text[..end]), &text[end..])
    };
    host_fits
        && match port.strip_prefix(b":") {
            Some(digits) => is_port(digits),
            None => port.is_empty(),
        }
}

/// A name or an IPv4 address. Underscores are no part of the grammar, but of people's networks.
pub(crate) fn is_host_name(text: &[u8]) -> bool {
    let is_host_byte = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (1..=255).contains(&text.len()) && text.iter().all(is_host_byte)
}

pub(crate) fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

pub(crate) fn is_port(digits: &[u8]) -> bool {
    digits.len() <= 5 && crate::cursor::number(digits, 65_535).is_some()
}

#[cfg(test)]
mod tests {
    use super::is_request_uri;

    #[test]
    fn uris_that_may_stand_in_a_request_line() {
        for uri in [
            "sip:a@b",
            "SIPS:b.example:5061;transport=tls",
            "sip:[2001:db8::10]:5070",
            "sip:a?b;c@d.example;lr",
            "tel:+15551",
            "soap.beep://192.0.2.103:3002",
        ] {
            assert!(is_request_uri(uri.as_bytes()), "{uri}");
        }
    }

    #[test]
    fn uris_that_may_not() {
        for uri in [
            "",
            "sip:",
            "a@b",
            "<sip:a@b>",
            "sip:@b",
            "sip:a@b?Route=x",
            "sip:2001:db8::10",
            "sip:a@[2001:db8:::192.0.2.1]",
            "sip:a@b:99999",
            "sip:a@b:",
            "sip:\u{e4}@b",
        ] {
            assert!(!is_request_uri(uri.as_bytes()), "{uri}");
        }
    }
}
