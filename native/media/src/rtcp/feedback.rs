//! What a receiver asks for or tells: keyframes (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1, and
//! RFC 2032 section 5.2.1 of old phones) and packets that it lost (RFC 4585 section 6.2.1).

use super::{Part, begin, finish, word};

/// RFC 2032's request for a keyframe; its type is one of its own.
pub(super) const OLD_KEYFRAME_REQUEST: u8 = 192;
pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
const LOST_PACKETS: u8 = 1;
/// draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
const ARRIVALS: u8 = 15;
const PICTURE_LOST: u8 = 1;
const KEYFRAME_COMMAND: u8 = 4;
/// Where the items begin, after the SSRCs of who asks and of what is asked about.
const ITEMS: usize = 8;

/// One wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback<'a> {
    /// A keyframe of that stream. A command has a number, by which the same one is known again.
    Keyframe {
        /// Of the stream.
        ssrc: u32,
        /// Its number, if it has one.
        command: Option<u8>,
    },
    /// Packets of that stream once more.
    Lost {
        /// Of the stream.
        ssrc: u32,
        /// Which.
        packets: Lost<'a>,
    },
    /// When packets of the whole connection arrived; see `bandwidth`.
    Arrivals(&'a [u8]),
}

/// Packets that were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<'a>(&'a [[u8; 4]]);

impl<'a> Lost<'a> {
    /// Their sequence numbers.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.0.iter().flat_map(|[high, low, after @ ..]| {
            let first = u16::from_be_bytes([*high, *low]);
            let mask = u16::from_be_bytes(*after);
            let others = (0..16).filter(move |bit| mask & (1 << bit) != 0);
            std::iter::once(first).chain(others.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

impl<'a> Part<'a> {
    /// What a part asks for; nothing if it is something else, or is cut short.
    pub fn feedback(&self) -> impl Iterator<Item = Feedback<'a>> + use<'a> {
        let (single, commands) = match *self {
            Part::Feedback { kind, format, body } => read(kind, format, body),
            _ => (None, &[][..]),
        };
        let commands = commands.iter().map(|command: &[u8; 8]| Feedback::Keyframe {
            ssrc: word(command, 0),
            command: Some(command[4]),
        });
        single.into_iter().chain(commands)
    }
}

fn read(kind: u8, format: u8, body: &[u8]) -> (Option<Feedback<'_>>, &[[u8; 8]]) {
    let items = body.get(ITEMS..);
    match (kind, format, items) {
        (OLD_KEYFRAME_REQUEST, _, _) if body.len() >= 4 => (Some(keyframe(word(body, 0))), &[]),
        (PAYLOAD_FEEDBACK, PICTURE_LOST, Some(_)) => (Some(keyframe(word(body, 4))), &[]),
        (PAYLOAD_FEEDBACK, KEYFRAME_COMMAND, Some(items)) => (None, items.as_chunks().0),
        (TRANSPORT_FEEDBACK, LOST_PACKETS, Some(items)) => {
            let ssrc = word(body, 4);
            let packets = Lost(items.as_chunks().0);
            (Some(Feedback::Lost { ssrc, packets }), &[])
        }
        (TRANSPORT_FEEDBACK, ARRIVALS, Some(items)) => (Some(Feedback::Arrivals(items)), &[]),
        _ => (None, &[]),
    }
}

fn keyframe<'a>(ssrc: u32) -> Feedback<'a> {
    Feedback::Keyframe {
        ssrc,
        command: None,
    }
}

/// Append a request for a keyframe of the stream `of`; a compound packet has a report before it.
pub fn write_keyframe_request(out: &mut Vec<u8>, ssrc: u32, of: u32) {
    let start = begin(out, PAYLOAD_FEEDBACK, usize::from(PICTURE_LOST), ssrc);
    out.extend_from_slice(&of.to_be_bytes());
    finish(out, start);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse_reduced;
    use super::*;

    fn read_all(bytes: &[u8]) -> Vec<Feedback<'_>> {
        let parts: Vec<Part<'_>> = parse_reduced(bytes).into_iter().flatten().collect();
        parts.iter().flat_map(Part::feedback).collect()
    }

    #[test]
    fn keyframes_are_asked_for_in_three_ways() {
        let mut lost = Vec::new();
        write_keyframe_request(&mut lost, 7, 9);
        assert_eq!(lost, [0x81, 206, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9]);
        assert_eq!(read_all(&lost), [keyframe(9)]);
        let old = [0x80, 192, 0, 1, 0, 0, 0, 9];
        assert_eq!(read_all(&old), [keyframe(9)]);
        let command = [
            0x84, 206, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0, // to whom is said in each item
            0, 0, 0, 9, 5, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0,
        ];
        let numbered = |ssrc, number| Feedback::Keyframe {
            ssrc,
            command: Some(number),
        };
        assert_eq!(read_all(&command), [numbered(9, 5), numbered(8, 1)]);
    }

    #[test]
    fn lost_packets_are_named_one_by_one() {
        let bytes = [
            0x81, 205, 0, 4, 0, 0, 0, 7, 0, 0, 0, 9, 0xff, 0xff, 0x80, 0x01, 0, 5, 0, 0,
        ];
        let [Feedback::Lost { ssrc: 9, packets }] = read_all(&bytes)[..] else {
            panic!("no such wish");
        };
        assert_eq!(packets.iter().collect::<Vec<_>>(), [65_535, 0, 15, 5]);
    }

    #[test]
    fn what_is_cut_short_asks_for_nothing() {
        assert_eq!(read_all(&[0x81, 206, 0, 1, 0, 0, 0, 7]), []);
        assert_eq!(read_all(&[0x80, 192, 0, 0]), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(
            kind in prop::sample::select(vec![192_u8, 205, 206]), format in 0x80_u8..0xc0,
            body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let body = &body[..body.len() / 4 * 4];
            let bytes = [&[format, kind, 0, (body.len() / 4) as u8][..], body].concat();
            for wish in read_all(&bytes) {
                if let Feedback::Lost { packets, .. } = wish {
                    prop_assert!(packets.iter().count() <= 17 * body.len() / 4);
                }
            }
        }
    }
}
