//! Header names: compact forms, comparison, and the few that the parser itself must know.

/// Headers that the parser treats specially.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Via,
    From,
    To,
    CallId,
    CSeq,
    MaxForwards,
    ContentLength,
    ContentType,
    Contact,
    Route,
    RecordRoute,
    Timestamp,
    /// A header that may come once only, by its place in [`SINGLE`].
    Single(u8),
    Other,
}

/// Headers besides the mandatory ones whose second occurrence would let two readers differ.
const SINGLE: [&[u8]; 9] = [
    b"Event",
    b"Expires",
    b"Subscription-State",
    b"Refer-To",
    b"Referred-By",
    b"Replaces",
    b"Session-Expires",
    b"SIP-If-Match",
    b"RAck",
];

/// The long form of a compact name (RFC 3261 section 7.3.3 and the IANA registry), else the name itself.
pub(crate) fn long_form(name: &[u8]) -> &[u8] {
    let [letter] = name else { return name };
    match letter.to_ascii_lowercase() {
        b'a' => b"Accept-Contact",
        b'b' => b"Referred-By",
        b'c' => b"Content-Type",
        b'd' => b"Request-Disposition",
        b'e' => b"Content-Encoding",
        b'f' => b"From",
        b'i' => b"Call-ID",
        b'j' => b"Reject-Contact",
        b'k' => b"Supported",
        b'l' => b"Content-Length",
        b'm' => b"Contact",
        b'n' => b"Identity-Info",
        b'o' => b"Event",
        b'r' => b"Refer-To",
        b's' => b"Subject",
        b't' => b"To",
        b'u' => b"Allow-Events",
        b'v' => b"Via",
        b'x' => b"Session-Expires",
        b'y' => b"Identity",
        _ => name,
    }
}

/// Whether two names are the same header, whatever their case and form.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    long_form(one).eq_ignore_ascii_case(long_form(other))
}

/// What the parser knows of a name.
pub(crate) fn classify(name: &[u8]) -> Known {
    let name = long_form(name);
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    let known = match name.len() {
        2 if is(b"To") => Known::To,
        3 if is(b"Via") => Known::Via,
        4 if is(b"From") => Known::From,
        4 if is(b"CSeq") => Known::CSeq,
        5 if is(b"Route") => Known::Route,
        7 if is(b"Call-ID") => Known::CallId,
        7 if is(b"Contact") => Known::Contact,
        9 if is(b"Timestamp") => Known::Timestamp,
        12 if is(b"Max-Forwards") => Known::MaxForwards,
        12 if is(b"Content-Type") => Known::ContentType,
        12 if is(b"Record-Route") => Known::RecordRoute,
        14 if is(b"Content-Length") => Known::ContentLength,
        _ => Known::Other,
    };
    if known != Known::Other {
        return known;
    }
    match SINGLE.iter().position(|single| is(single)) {
        Some(place) => Known::Single(place as u8),
        None => Known::Other,
    }
}

impl Known {
    /// A bit for each header that may come only once; 0 for the others.
    pub(crate) fn single_bit(self) -> u32 {
        match self {
            Self::From => 1,
            Self::To => 1 << 1,
            Self::CallId => 1 << 2,
            Self::CSeq => 1 << 3,
            Self::MaxForwards => 1 << 4,
            Self::ContentLength => 1 << 5,
            Self::ContentType => 1 << 6,
            Self::Single(place) => 1 << (7 + place),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_are_the_same_header_in_any_case() {
        assert!(same(b"v", b"VIA"));
        assert!(same(b"From", b"F"));
        assert!(!same(b"f", b"t"));
        assert_eq!(classify(b"L"), Known::ContentLength);
        assert_eq!(classify(b"o"), classify(b"EVENT"));
    }
}
