//! H.264 in packets (RFC 6184, packetization-mode 1): a picture's NAL units, and the payloads that carry them.

/// Octets of a payload, so that its packet passes every network.
const MOST: usize = 1_100;
/// The type in a NAL unit's first octet.
const TYPE: u8 = 0x1f;
/// Its reference bits, F and NRI.
const REFERENCE: u8 = 0xe0;
/// NAL unit types: the parameter sets that every decoder needs before a picture.
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
/// Packet types: several units in one packet, a part of a unit (sections 5.7.1 and 5.8).
const AGGREGATE: u8 = 24;
const FRAGMENT: u8 = 28;
/// Bits of a fragment's second octet.
const START: u8 = 0x80;
const END: u8 = 0x40;

/// The NAL units of a byte stream (ITU-T H.264 annex B), without their start codes.
pub(crate) fn units(stream: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut rest = stream;
    while let Some((_, after)) = split_at_code(rest) {
        let unit = split_at_code(after).map_or(after, |(unit, _)| unit);
        rest = &after[unit.len()..];
        // The longer start code's first zero, and padding, belong to no unit.
        let end = unit.iter().rposition(|octet| *octet != 0);
        units.extend(end.map(|end| &unit[..=end]));
    }
    units
}

/// What is before the next start code, and what comes after it.
fn split_at_code(stream: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = stream.windows(3).position(|three| three == [0, 0, 1])?;
    Some((&stream[..at], &stream[at + 3..]))
}

/// The payloads of one picture; the marker belongs on the last. Parameter sets share one.
pub(crate) fn in_packets(units: &[&[u8]]) -> Vec<Vec<u8>> {
    let (parameters, slices): (Vec<&[u8]>, Vec<&[u8]>) =
        units.iter().partition(|unit| is_parameters(unit));
    let mut payloads = Vec::new();
    if together(&parameters) <= MOST && parameters.len() > 1 {
        payloads.push(aggregate(&parameters));
    } else {
        payloads.extend(parameters.iter().flat_map(|unit| fragments(unit)));
    }
    payloads.extend(slices.iter().flat_map(|unit| fragments(unit)));
    payloads
}

/// Whether a decoder can begin with a picture: its parameter sets come with it.
pub(crate) fn has_parameters(units: &[&[u8]]) -> bool {
    units.iter().any(|unit| is_parameters(unit))
}

fn is_parameters(unit: &[u8]) -> bool {
    let kind = unit.first().map(|head| head & TYPE);
    matches!(kind, Some(SEQUENCE_PARAMETERS | PICTURE_PARAMETERS))
}

/// Octets of an aggregate of these units.
fn together(units: &[&[u8]]) -> usize {
    1 + units.iter().map(|unit| 2 + unit.len()).sum::<usize>()
}

/// Units that fit into one packet (STAP-A). Its head has the most important unit's bits.
fn aggregate(units: &[&[u8]]) -> Vec<u8> {
    let important = units.iter().map(|unit| unit[0] & REFERENCE).max();
    let mut payload = vec![important.unwrap_or_default() | AGGREGATE];
    for unit in units {
        payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        payload.extend_from_slice(unit);
    }
    payload
}

/// A unit as it is, or in parts (FU-A) if it is too large for one packet.
fn fragments(unit: &[u8]) -> Vec<Vec<u8>> {
    let Some((head, body)) = unit.split_first() else {
        return Vec::new();
    };
    if unit.len() <= MOST {
        return vec![unit.to_vec()];
    }
    let parts = body.chunks(MOST - 2);
    let last = parts.len() - 1;
    let marks = |index| match index {
        0 => START,
        index if index == last => END,
        _ => 0,
    };
    parts
        .enumerate()
        .map(|(index, part)| {
            let mut payload = vec![head & REFERENCE | FRAGMENT, marks(index) | head & TYPE];
            payload.extend_from_slice(part);
            payload
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The units that payloads carry, as a receiver puts them together (RFC 6184 section 5).
    fn received(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
            match payload[0] & TYPE {
                AGGREGATE => {
                    let mut rest = &payload[1..];
                    while let Some((length, after)) = rest.split_first_chunk() {
                        let (unit, after) = after.split_at(u16::from_be_bytes(*length).into());
                        units.push(unit.to_vec());
                        rest = after;
                    }
                }
                FRAGMENT => {
                    if payload[1] & START != 0 {
                        units.push(vec![payload[0] & REFERENCE | payload[1] & TYPE]);
                    }
                    units.last_mut().unwrap().extend_from_slice(&payload[2..]);
                }
                _ => units.push(payload.clone()),
            }
        }
        units
    }

    #[test]
    fn units_are_found_between_start_codes_of_either_length() {
        let stream = [
            0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 2, 0, 0, 0, 1, 0x65, 3, 0,
        ];
        let expected: [&[u8]; 3] = [&[0x67, 1], &[0x68, 0, 2], &[0x65, 3]];
        assert_eq!(units(&stream), expected);
        assert_eq!(units(&[0, 0, 1]), Vec::<&[u8]>::new());
        assert_eq!(units(&[1, 2, 3]), Vec::<&[u8]>::new());
    }

    #[test]
    fn parameter_sets_share_a_packet_and_a_large_slice_is_in_parts() {
        let slice = [vec![0x65], vec![7; 2_500]].concat();
        let payloads = in_packets(&[&[0x67, 1, 2], &[0x68, 3], &slice]);
        assert_eq!(payloads[0], [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3]);
        let heads: Vec<_> = payloads[1..]
            .iter()
            .map(|part| [part[0], part[1]])
            .collect();
        assert_eq!(heads, [[0x7c, 0x85], [0x7c, 0x05], [0x7c, 0x45]]);
        assert!(payloads.iter().all(|payload| payload.len() <= MOST));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_received(
            drawn in prop::collection::vec(
                (prop::sample::select(vec![0x67_u8, 0x68, 0x65, 0x41, 0x01, 0x06]), 0_usize..4_000), 0..8),
        ) {
            let whole: Vec<Vec<u8>> = drawn
                .iter()
                .map(|(head, length)| (0..=*length).map(|n| if n == 0 { *head } else { n as u8 | 1 }).collect())
                .collect();
            let stream: Vec<u8> = whole.iter().flat_map(|unit| [vec![0, 0, 0, 1], unit.clone()].concat()).collect();
            let units = units(&stream);
            prop_assert_eq!(&units, &whole);
            let payloads = in_packets(&units);
            prop_assert!(payloads.iter().all(|payload| payload.len() <= MOST));
            let mut sorted = whole.clone();
            sorted.sort_by_key(|unit| !is_parameters(unit));
            prop_assert_eq!(received(&payloads), sorted);
        }

        #[test]
        fn any_stream_is_taken(stream in prop::collection::vec(0_u8..3, 0..60)) {
            let units = units(&stream);
            prop_assert!(units.iter().all(|unit| !unit.is_empty() && unit.last() != Some(&0)));
            in_packets(&units);
        }
    }
}
