//! Where messages end in a stream (RFC 8489 section 6.2.2, RFC 8656 section 12.5).

use thiserror::Error;

const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// In streams, ChannelData is filled up to a multiple of this.
const FILLED_TO: usize = 4;

/// The longest message there is: a STUN header and as much as its length field can say.
pub const LONGEST: usize = STUN_HEADER + u16::MAX as usize;

/// What is no STUN message and no ChannelData, so that nothing after it can be found either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("neither a STUN message nor ChannelData")]
pub struct NotFramed;

/// The length of the message that begins here, filling included; `None` if more octets are needed to tell.
///
/// # Errors
/// [`NotFramed`]
pub fn length(octets: &[u8]) -> Result<Option<usize>, NotFramed> {
    let Some(&[kind, _, high, low]) = octets.first_chunk() else {
        return match octets.first() {
            Some(kind) if kind >> 6 > 1 => Err(NotFramed),
            _ => Ok(None),
        };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    match kind >> 6 {
        0 => {
            let cookie = octets.get(4..8).is_none_or(|found| found == MAGIC_COOKIE);
            let is_stun = cookie && length.is_multiple_of(4);
            is_stun
                .then_some(Some(STUN_HEADER + length))
                .ok_or(NotFramed)
        }
        1 => Ok(Some((CHANNEL_HEADER + length).next_multiple_of(FILLED_TO))),
        _ => Err(NotFramed),
    }
}

/// Fill up ChannelData that ends here and began so many octets ago.
pub(crate) fn fill(out: &mut Vec<u8>, length: usize) {
    let missing = length.next_multiple_of(FILLED_TO) - length;
    out.extend_from_slice(&[0; FILLED_TO][..missing]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_where_they_say() {
        let stun = b"\x00\x01\x00\x08\x21\x12\xa4\x42";
        assert_eq!(length(stun), Ok(Some(28)));
        assert_eq!(length(b"\x40\x00\x00\x05"), Ok(Some(12)));
        assert_eq!(length(b"\x40\x00\x00\x00"), Ok(Some(4)));
        assert_eq!(length(b"\x40\x00\x00"), Ok(None));
        assert_eq!(length(b""), Ok(None));
        for wrong in [
            &b"\x80"[..],
            b"\xff\x00\x00\x00",
            b"\x00\x01\x00\x03",
            b"\x00\x01\x00\x00\x21\x12\xa4\x43",
            b"GET / HTTP/1.1",
        ] {
            let is_channel = wrong[0] >> 6 == 1;
            assert_eq!(length(wrong).is_err(), !is_channel, "{wrong:?}");
        }
    }

    #[test]
    fn filling_makes_whole_words() {
        for (length, filled) in [(4, 4), (5, 8), (6, 8), (7, 8)] {
            let mut out = vec![1; length];
            fill(&mut out, length);
            assert_eq!(out.len(), filled);
        }
    }
}
