//! Header extensions of what goes out to browsers (RFC 8285).

use str0m::rtp::{Extension, ExtensionMap, VideoOrientation};

/// "Defined by profile" of the two forms (RFC 8285 sections 4.2 and 4.3).
const ONE_BYTE: u16 = 0xBEDE;
const TWO_BYTE: u16 = 0x1000;
/// Ids and lengths that fit the one-byte form.
const SMALL_ID: u8 = 14;
const SMALL_LENGTH: usize = 16;
const EXTENSION_BIT: u8 = 0b0001_0000;
/// Octets of all elements together, the longest mid included.
pub(super) const MAX_OCTETS: usize = 40;

/// By what ids a browser knows extensions, as its SDP has them (`a=extmap`).
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtensionIds {
    /// RFC 8843 section 15.
    mid: Option<u8>,
    /// Transport-wide sequence number.
    number: Option<u8>,
    /// RFC 6464.
    level: Option<u8>,
    /// 3GPP TS 26.114 section 7.4.5.
    orientation: Option<u8>,
}

/// What goes into a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements<'a> {
    pub(super) mid: &'a [u8],
    pub(super) level: Option<(i8, bool)>,
    pub(super) orientation: Option<VideoOrientation>,
}

impl From<&ExtensionMap> for ExtensionIds {
    fn from(map: &ExtensionMap) -> Self {
        Self {
            mid: map.id_of(Extension::RtpMid),
            number: map.id_of(Extension::TransportSequenceNumber),
            level: map.id_of(Extension::AudioLevel),
            orientation: map.id_of(Extension::VideoOrientation),
        }
    }
}

impl ExtensionIds {
    /// Numbers only, by that id.
    #[cfg(test)]
    pub(super) fn numbered(id: u8) -> Self {
        Self {
            number: Some(id),
            ..Self::default()
        }
    }

    /// Append them to the fixed header that is all of `out`. Where the two octets of the transport-wide
    /// number are that is still to be written, if it has a place.
    pub(super) fn write(&self, out: &mut Vec<u8>, elements: Elements<'_>) -> Option<usize> {
        let level = elements
            .level
            .map(|(level, voice)| u8::from(voice) << 7 | level.unsigned_abs() & 0x7f);
        let orientation = elements.orientation.map(|orientation| orientation as u8);
        let written: [(Option<u8>, &[u8]); 4] = [
            (self.mid, elements.mid),
            (self.number, &[0, 0]),
            (self.level, level.as_slice()),
            (self.orientation, orientation.as_slice()),
        ];
        let written = written
            .into_iter()
            .filter_map(|(id, data)| id.map(|id| (id, data)))
            .filter(|(_, data)| !data.is_empty());
        let is_small = written
            .clone()
            .all(|(id, data)| id <= SMALL_ID && data.len() <= SMALL_LENGTH);
        let start = out.len();
        out.extend((if is_small { ONE_BYTE } else { TWO_BYTE }).to_be_bytes());
        out.extend([0, 0]);
        let mut number = None;
        for (id, data) in written {
            if is_small {
                out.push(id << 4 | (data.len() - 1) as u8);
            } else {
                out.extend([id, data.len() as u8]);
            }
            if self.number == Some(id) {
                number = Some(out.len());
            }
            out.extend_from_slice(data);
        }
        if out.len() == start + 4 {
            out.truncate(start);
            return None;
        }
        while !(out.len() - start).is_multiple_of(4) {
            out.push(0);
        }
        out[0] |= EXTENSION_BIT;
        let words = ((out.len() - start) / 4 - 1) as u16;
        out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::{Extension as Read, Header};

    fn written(
        ids: ExtensionIds,
        mid: &str,
        level: Option<(i8, bool)>,
    ) -> (Vec<u8>, Option<usize>) {
        let mut out = Vec::new();
        let header = Header {
            marker: false,
            payload_type: 96,
            sequence: 1,
            timestamp: 2,
            ssrc: 3,
        };
        header.write(&mut out);
        let elements = Elements {
            mid: mid.as_bytes(),
            level,
            orientation: Some(VideoOrientation::Deg90),
        };
        let number = ids.write(&mut out, elements);
        (out, number)
    }

    #[test]
    fn without_ids_there_is_no_extension() {
        let (out, number) = written(ExtensionIds::default(), "4", Some((-20, true)));
        assert_eq!((out.len(), out[0], number), (12, 0x80, None));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ids in prop::array::uniform4(1_u8..=255), mid in "[a-z0-9]{1,16}", level in 0_i8..=127, voice: bool
        ) {
            let all: std::collections::BTreeSet<u8> = ids.into_iter().collect();
            prop_assume!(all.len() == 4);
            let [a, b, c, d] = ids;
            let map = ExtensionIds { mid: Some(a), number: Some(b), level: Some(c), orientation: Some(d) };
            let (mut out, number) = written(map, &mid, Some((-level, voice)));
            prop_assert!(out.len() <= 12 + MAX_OCTETS);
            let number = number.unwrap();
            out[number..number + 2].copy_from_slice(&[7, 9]);
            let (_, length) = Header::parse(&out).unwrap();
            prop_assert_eq!(length, out.len());
            let read = Read::of(&out).unwrap();
            prop_assert_eq!(read.element(a), Some(mid.as_bytes()));
            prop_assert_eq!(read.element(b), Some(&[7, 9][..]));
            prop_assert_eq!(read.element(c), Some(&[u8::from(voice) << 7 | level as u8][..]));
            prop_assert_eq!(read.element(d), Some(&[3][..]));
        }
    }
}
