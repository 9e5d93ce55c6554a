//! VP8 in packets (RFC 7741 section 4.2), as far as we write it ourselves.

use crate::layers::descriptor_octets;
use crate::rewrite::Vp8Ids;

/// Octets of a picture in one packet.
const PART: usize = 1_100;
/// Octets of the payload descriptor that we write: flags, more flags, a picture id of 15 bits.
const DESCRIPTOR: usize = 4;

/// A frame's place among temporal layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Temporal {
    /// 0 is needed by all others; a sender without such layers has only that.
    pub layer: u8,
    /// Whether it needs frames of layer 0 only.
    pub sync: bool,
}

impl Temporal {
    /// That of a packet: the bits TID and Y of its payload descriptor.
    pub fn of(payload: &[u8]) -> Self {
        let Some(octet) = has_temporal(payload).and_then(|at| payload.get(at)) else {
            return Self::default();
        };
        Self {
            layer: octet >> 6,
            sync: octet & 0x20 != 0,
        }
    }
}

/// Where the octet with TID and Y is, if there is one.
fn has_temporal(payload: &[u8]) -> Option<usize> {
    let flags = *payload.get(1)?;
    if payload[0] & 0x80 == 0 || flags & 0x20 == 0 {
        return None;
    }
    // A 7-bit picture id can't close up over frames that are left out, so that none are.
    if flags & 0x80 != 0 && payload.get(2)? & 0x80 == 0 {
        return None;
    }
    // It is the last octet of the descriptor.
    descriptor_octets(payload)?.checked_sub(1)
}

/// The payloads of a picture of our own, with a picture id of 0.
pub(crate) fn in_packets(picture: &[u8]) -> Vec<Vec<u8>> {
    let parts = picture.chunks(PART).enumerate();
    parts
        .map(|(index, part)| {
            // Extended; the first packet starts the partition.
            let flags = if index == 0 { 0x90 } else { 0x80 };
            let mut payload = Vec::with_capacity(DESCRIPTOR + part.len());
            payload.extend_from_slice(&[flags, 0x80, 0x80, 0]);
            payload.extend_from_slice(part);
            payload
        })
        .collect()
}

/// Write a packet's ids where its payload descriptor has them (RFC 7741 section 4.2). If a 7-bit picture id
/// can't hold the new one, both stay as they are.
pub(crate) fn write_ids(payload: &mut [u8], ids: Vp8Ids) {
    let [head, flags, rest @ ..] = payload else {
        return;
    };
    if *head & 0x80 == 0 || *flags & 0x80 == 0 {
        return;
    }
    let [high, low] = (ids.picture | 0x8000).to_be_bytes();
    let after = match rest {
        [first, second, after @ ..] if *first & 0x80 != 0 => {
            (*first, *second) = (high, low);
            after
        }
        [first, after @ ..] if ids.picture <= 0x7f => {
            *first = low;
            after
        }
        _ => return,
    };
    if let (true, Some(layer), Some(octet)) = (*flags & 0x40 != 0, ids.layer, after.first_mut()) {
        *octet = layer;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use str0m::rtp::Vp8Descriptor;

    use super::*;

    #[test]
    fn ids_are_written_where_they_are() {
        let written = |payload: &[u8], picture, layer| {
            let mut payload = payload.to_vec();
            write_ids(&mut payload, Vp8Ids { picture, layer });
            payload
        };
        let long = [0x90, 0xe0, 0x80, 1, 5, 0x20, 9];
        assert_eq!(
            written(&long, 0x1234, Some(7)),
            [0x90, 0xe0, 0x92, 0x34, 7, 0x20, 9]
        );
        let short = [0x90, 0xe0, 1, 5, 0x20, 9];
        assert_eq!(
            written(&short, 0x12, Some(7)),
            [0x90, 0xe0, 0x12, 7, 0x20, 9]
        );
        assert_eq!(written(&short, 0x80, Some(7)), short);
        let bare = [0x10, 0x80, 0x80, 1];
        assert_eq!(written(&bare, 5, None), bare);
    }

    #[test]
    fn the_temporal_layer_is_the_descriptors_last_octet() {
        let of = |layer, sync| Temporal { layer, sync };
        assert_eq!(
            Temporal::of(&[0x90, 0xe0, 0x80, 1, 5, 0x60, 9]),
            of(1, true)
        );
        assert_eq!(Temporal::of(&[0x90, 0x20, 0x80, 9]), of(2, false));
        assert_eq!(
            Temporal::of(&[0x90, 0xa0, 0x01, 0x80, 9]),
            of(0, false),
            "a short id"
        );
        assert_eq!(Temporal::of(&[0x90, 0x80, 0x80, 0xc0, 9]), of(0, false));
        assert_eq!(Temporal::of(&[0x10, 0x20, 0x80]), of(0, false));
        assert_eq!(Temporal::of(&[0x90, 0x20]), of(0, false));
        assert_eq!(Temporal::of(&[]), of(0, false));
    }

    #[test]
    fn a_picture_in_packets_is_whole_and_starts_once() {
        let picture: Vec<u8> = (0..PART + 9).map(|octet| octet as u8).collect();
        let packets = in_packets(&picture);
        let bodies = packets.iter().flat_map(|packet| &packet[DESCRIPTOR..]);
        assert!(bodies.eq(&picture));
        let starts = packets.iter().map(|packet| packet[0] & 0x10 != 0);
        assert_eq!(starts.collect::<Vec<_>>(), [true, false]);
        let read = packets.iter().map(|packet| Vp8Descriptor::parse(packet));
        assert!(
            read.into_iter()
                .all(|read| read.unwrap().picture_id() == Some(0))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            payload in prop::collection::vec(any::<u8>(), 0..12), picture in 0_u16..0x8000, layer: u8
        ) {
            let before = Vp8Descriptor::parse(&payload);
            let mut after = payload.clone();
            write_ids(&mut after, Vp8Ids { picture, layer: Some(layer) });
            if let Ok(before) = before {
                let read = Vp8Descriptor::parse(&after).unwrap();
                let has_room = picture <= 0x7f || payload.get(2).is_some_and(|o| o & 0x80 != 0);
                if before.picture_id().is_some() && has_room {
                    prop_assert_eq!(read.picture_id(), Some(picture));
                    prop_assert_eq!(read.tl0_pic_idx(), before.tl0_pic_idx().map(|_| layer));
                } else {
                    prop_assert_eq!(&after, &payload);
                }
            }
        }
    }
}
