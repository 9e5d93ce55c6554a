//! EBML elements as octets (RFC 8794): an id, a size, and what is in it.

/// Octets of a size written in full.
const FULL_SIZE: usize = 8;
/// A size that isn't known yet (RFC 8794 section 6.2): the element goes on to the end of the file.
pub const UNKNOWN_SIZE: [u8; FULL_SIZE] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/// What fills a place that something else is written to later (RFC 8794 section 11.3.2).
const VOID: u32 = 0xec;

/// Append an id, which has its length in its first octet already.
pub fn id(out: &mut Vec<u8>, id: u32) {
    let octets = id.to_be_bytes();
    let zeros = (id.leading_zeros() / 8) as usize;
    out.extend_from_slice(octets.get(zeros..).unwrap_or_default());
}

/// Append a size in as few octets as it needs.
pub fn size(out: &mut Vec<u8>, size: u64) {
    // All ones would mean that it isn't known.
    let length = (1..FULL_SIZE).find(|n| size < (1 << (7 * n)) - 1);
    let length = length.unwrap_or(FULL_SIZE);
    let marked = size | 1 << (7 * length);
    out.extend_from_slice(&marked.to_be_bytes()[FULL_SIZE - length..]);
}

/// A size in eight octets, to be written over [`UNKNOWN_SIZE`].
pub fn full_size(size: u64) -> [u8; FULL_SIZE] {
    (size | 1 << (7 * FULL_SIZE)).to_be_bytes()
}

/// Append an element of any content.
pub fn binary(out: &mut Vec<u8>, element: u32, content: &[u8]) {
    id(out, element);
    size(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Append an unsigned integer, in as few octets as it needs.
pub fn uint(out: &mut Vec<u8>, element: u32, value: u64) {
    let zeros = (value.leading_zeros() / 8).min(7) as usize;
    binary(out, element, &value.to_be_bytes()[zeros..]);
}

/// Append an unsigned integer in eight octets, whose place in the file so never depends on it.
pub fn full_uint(out: &mut Vec<u8>, element: u32, value: u64) {
    binary(out, element, &value.to_be_bytes());
}

/// Append a number with a fraction.
pub fn float(out: &mut Vec<u8>, element: u32, value: f64) {
    binary(out, element, &value.to_be_bytes());
}

/// Append a text.
pub fn text(out: &mut Vec<u8>, element: u32, value: &str) {
    binary(out, element, value.as_bytes());
}

/// Append an element that consists of others.
pub fn master(out: &mut Vec<u8>, element: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    binary(out, element, &content);
}

/// Append a filler of `octets` in all: 2 to 128.
pub fn void(out: &mut Vec<u8>, octets: usize) {
    binary(out, VOID, &vec![0; octets.saturating_sub(2)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    /// A size as RFC 8794 section 4 reads it, and the octets it took.
    fn read_size(octets: &[u8]) -> (u64, usize) {
        let length = octets[0].leading_zeros() as usize + 1;
        let all = octets[..length]
            .iter()
            .fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
        (all & ((1 << (7 * length)) - 1), length)
    }

    #[test]
    fn elements_are_as_in_the_rfc() {
        assert_eq!(written(|o| uint(o, 0x4286, 1)), [0x42, 0x86, 0x81, 1]);
        assert_eq!(written(|o| uint(o, 0xd7, 0)), [0xd7, 0x81, 0]);
        assert_eq!(written(|o| uint(o, 0xd7, 0x100)), [0xd7, 0x82, 1, 0]);
        assert_eq!(
            written(|o| text(o, 0x4282, "webm")),
            [0x42, 0x82, 0x84, b'w', b'e', b'b', b'm']
        );
        assert_eq!(
            written(|o| master(o, 0x1a45_dfa3, |o| uint(o, 0xd7, 5))),
            [0x1a, 0x45, 0xdf, 0xa3, 0x83, 0xd7, 0x81, 5]
        );
        assert_eq!(written(|o| void(o, 5)), [0xec, 0x83, 0, 0, 0]);
    }

    #[test]
    fn sizes_of_all_ones_are_kept_for_the_unknown() {
        assert_eq!(written(|o| size(o, 126)), [0xfe]);
        assert_eq!(written(|o| size(o, 127)), [0x40, 127]);
        assert_eq!(written(|o| size(o, (1 << 14) - 1)), [0x20, 0x3f, 0xff]);
    }

    proptest! {
        #[test]
        fn a_size_is_read_back_and_is_never_the_unknown(value in 0_u64..(1 << 56) - 1) {
            let short = written(|o| size(o, value));
            prop_assert_eq!(read_size(&short), (value, short.len()));
            prop_assert_eq!(read_size(&full_size(value)), (value, 8));
            let unknown = (1_u64 << (7 * short.len())) - 1;
            prop_assert!(value != unknown);
        }

        #[test]
        fn a_void_has_the_octets_that_were_asked_for(octets in 2_usize..=128) {
            prop_assert_eq!(written(|o| void(o, octets)).len(), octets);
        }
    }
}
