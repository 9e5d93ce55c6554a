//! RTP packets (RFC 3550 section 5.1), read without copying and written without allocating.
//!
//! Reading is bounds-checked throughout: whatever a peer sends, the answer is a packet that lies
//! wholly inside the given bytes or a [`Malformed`] that says what was wrong with it.

use thiserror::Error;

/// Octets of the fixed header, without contributing sources and extension.
pub const FIXED_HEADER: usize = 12;
/// The only version there is, in the two topmost bits of the first octet.
const VERSION_BITS: u8 = 0b1000_0000;
const VERSION_MASK: u8 = 0b1100_0000;
const PADDING_BIT: u8 = 0b0010_0000;
const EXTENSION_BIT: u8 = 0b0001_0000;
const MARKER_BIT: u8 = 0b1000_0000;
/// "Defined by profile" value of one-byte element headers (RFC 8285 section 4.2).
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// The same for two-byte element headers; the low four bits are free (RFC 8285 section 4.3).
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Why bytes are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Fewer octets than the header says there are.
    #[error("RTP packet is cut short")]
    Truncated,
    /// The version field is not 2.
    #[error("RTP version is not 2")]
    Version,
    /// The padding count is zero or longer than what follows the header.
    #[error("RTP padding exceeds the packet")]
    Padding,
}

/// What the first octets of a datagram on a multiplexed port announce (RFC 7983, RFC 5761).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram {
    /// STUN: first octet 0 to 3.
    Stun,
    /// DTLS: first octet 20 to 63.
    Dtls,
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP: payload type octet 192 to 223.
    Rtcp,
    /// None of these.
    Unknown,
}

impl Datagram {
    /// Tell the protocols of one port apart by their first two octets.
    #[must_use]
    pub fn classify(bytes: &[u8]) -> Self {
        match bytes {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, _, ..] => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

/// The fields of the fixed header that a sender chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Marker bit: for audio, the first packet of a talk spurt.
    pub marker: bool,
    /// 0 to 127; higher bits are cut off when written.
    pub payload_type: u8,
    /// Rises by one a packet, modulo 2^16.
    pub sequence: u16,
    /// In ticks of the payload's clock.
    pub timestamp: u32,
    /// The sending source.
    pub ssrc: u32,
}

impl Header {
    /// Append the twelve octets of a header without contributing sources, extension or padding.
    pub fn write(&self, out: &mut Vec<u8>) {
        let marker = if self.marker { MARKER_BIT } else { 0 };
        out.push(VERSION_BITS);
        out.push(marker | (self.payload_type & !MARKER_BIT));
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
    }

    /// Read the fixed header and tell how many octets the whole header takes, with contributing
    /// sources and extension. Padding is not looked at, for in SRTP it is still encrypted.
    ///
    /// # Errors
    /// [`Malformed::Version`] or [`Malformed::Truncated`].
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), Malformed> {
        let fixed: &[u8; FIXED_HEADER] = bytes.first_chunk().ok_or(Malformed::Truncated)?;
        if fixed[0] & VERSION_MASK != VERSION_BITS {
            return Err(Malformed::Version);
        }
        let mut length = FIXED_HEADER + csrc_octets(fixed[0]);
        if fixed[0] & EXTENSION_BIT != 0 {
            let head = bytes.get(length..length + 4).ok_or(Malformed::Truncated)?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        }
        if bytes.len() < length {
            return Err(Malformed::Truncated);
        }
        let header = Self {
            marker: fixed[1] & MARKER_BIT != 0,
            payload_type: fixed[1] & !MARKER_BIT,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        };
        Ok((header, length))
    }
}

fn csrc_octets(first: u8) -> usize {
    4 * usize::from(first & 0x0F)
}

/// A plain (already authenticated and decrypted) packet, borrowed from its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// The header extension, if there is one.
    pub extension: Option<Extension<'a>>,
    /// The payload without padding.
    pub payload: &'a [u8],
    csrcs: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Read one packet; padding is taken off.
    ///
    /// # Errors
    /// [`Malformed`], whichever field breaks first.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, length) = Header::parse(bytes)?;
        let (head, body) = bytes.split_at(length);
        let csrcs_end = FIXED_HEADER + csrc_octets(head[0]);
        Ok(Self {
            header,
            extension: Extension::parse(head, csrcs_end),
            payload: without_padding(head[0], body)?,
            csrcs: &head[FIXED_HEADER..csrcs_end],
        })
    }

    /// The contributing sources, at most fifteen.
    pub fn csrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.csrcs
            .as_chunks()
            .0
            .iter()
            .map(|octets| u32::from_be_bytes(*octets))
    }
}

/// Append padding to a packet that has none: so many octets, one at least (RFC 3550 section 5.1).
pub fn set_padding(packet: &mut Vec<u8>, octets: u8) {
    let octets = octets.max(1);
    packet.extend(std::iter::repeat_n(0, usize::from(octets) - 1));
    packet.push(octets);
    packet[0] |= PADDING_BIT;
}

fn without_padding(first: u8, body: &[u8]) -> Result<&[u8], Malformed> {
    if first & PADDING_BIT == 0 {
        return Ok(body);
    }
    let count = usize::from(*body.last().ok_or(Malformed::Padding)?);
    if count == 0 || count > body.len() {
        return Err(Malformed::Padding);
    }
    Ok(&body[..body.len() - count])
}

/// A header extension (RFC 3550 section 5.3.1) whose elements are read as RFC 8285 lays them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The sixteen bits "defined by profile".
    pub profile: u16,
    /// All that follows the extension's length field.
    pub data: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The extension of a packet, protected or not: SRTP leaves headers in the clear.
    #[must_use]
    pub fn of(packet: &'a [u8]) -> Option<Self> {
        let (_, length) = Header::parse(packet).ok()?;
        Self::parse(packet.get(..length)?, FIXED_HEADER + csrc_octets(packet[0]))
    }

    /// `head` is a whole header whose lengths were checked; the extension begins at `start` if the
    /// header has one.
    fn parse(head: &'a [u8], start: usize) -> Option<Self> {
        let extension = head.get(start..).filter(|rest| rest.len() >= 4)?;
        Some(Self {
            profile: u16::from_be_bytes([extension[0], extension[1]]),
            data: &extension[4..],
        })
    }

    /// The data of the first element with this identifier (as negotiated by `a=extmap`).
    #[must_use]
    pub fn element(&self, id: u8) -> Option<&'a [u8]> {
        self.elements()
            .find(|(found, _)| *found == id)
            .map(|(_, data)| data)
    }

    /// Every element as identifier and data. Reading ends at the first one that doesn't fit.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        let form = match self.profile {
            ONE_BYTE_PROFILE => Form::OneByte,
            profile if profile & 0xFFF0 == TWO_BYTE_PROFILE => Form::TwoByte,
            _ => Form::Foreign,
        };
        Elements {
            form,
            rest: self.data,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
    /// Not RFC 8285: no elements to be read.
    Foreign,
}

/// Iterator over the elements of an [`Extension`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    fn take(&mut self, head: usize, length: usize) -> Option<&'a [u8]> {
        let data = self.rest.get(head..head + length);
        self.rest = self.rest.get(head + length..).unwrap_or_default();
        data
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // A zero octet is padding in both forms.
        let start = self.rest.iter().position(|octet| *octet != 0)?;
        self.rest = &self.rest[start..];
        match (self.form, self.rest) {
            // Identifier 15 is reserved: processing stops there (RFC 8285 section 4.2).
            (Form::OneByte, [head, ..]) if head >> 4 != 15 => {
                let (id, length) = (head >> 4, usize::from(head & 0x0F) + 1);
                self.take(1, length).map(|data| (id, data))
            }
            (Form::TwoByte, [id, length, ..]) => {
                let (id, length) = (*id, usize::from(*length));
                self.take(2, length).map(|data| (id, data))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            marker: true,
            payload_type: 111,
            sequence: 65_535,
            timestamp: 7,
            ssrc: 0xDEAD_BEEF,
        }
    }

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        header().write(&mut bytes);
        bytes[0] = first;
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        header().write(&mut bytes);
        bytes.extend_from_slice(b"payload");
        let read = Packet::parse(&bytes).unwrap();
        assert_eq!(read.header, header());
        assert_eq!(read.payload, b"payload");
        assert_eq!(read.extension, None);
        assert_eq!(read.csrcs().count(), 0);
    }

    #[test]
    fn contributing_sources_and_a_one_byte_extension_are_found() {
        let rest = [
            0, 0, 0, 1, 0, 0, 0, 2, // two contributing sources
            0xBE, 0xDE, 0, 2, // eight octets of elements
            0x10, 0x85, 0, 0x31, 9, 8, 0, 0, // id 1 (one octet), padding, id 3 (two octets)
            b'x',
        ];
        let bytes = packet(0x92, &rest);
        let read = Packet::parse(&bytes).unwrap();
        assert_eq!(read.csrcs().collect::<Vec<_>>(), [1, 2]);
        let extension = read.extension.unwrap();
        assert_eq!(extension.element(1), Some(&[0x85][..]));
        assert_eq!(extension.element(3), Some(&[9, 8][..]));
        assert_eq!(extension.element(2), None);
        assert_eq!(read.payload, b"x");
    }

    #[test]
    fn a_two_byte_extension_may_hold_empty_elements() {
        let bytes = packet(0x90, &[0x10, 0x00, 0, 2, 1, 0, 2, 3, 7, 7, 7, 0]);
        let extension = Packet::parse(&bytes).unwrap().extension.unwrap();
        assert_eq!(
            extension.elements().collect::<Vec<_>>(),
            [(1, &[][..]), (2, &[7, 7, 7][..])]
        );
    }

    #[test]
    fn an_element_that_overruns_ends_the_reading() {
        let bytes = packet(0x90, &[0xBE, 0xDE, 0, 1, 0x1F, 1, 2, 3]);
        assert_eq!(
            Packet::parse(&bytes)
                .unwrap()
                .extension
                .unwrap()
                .elements()
                .count(),
            0
        );
    }

    #[test]
    fn padding_is_taken_off() {
        let bytes = packet(0xA0, &[1, 2, 0, 0, 3]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload, [1, 2]);
    }

    #[test]
    fn impossible_padding_is_refused() {
        for rest in [&[][..], &[0][..], &[1, 4][..]] {
            assert_eq!(Packet::parse(&packet(0xA0, rest)), Err(Malformed::Padding));
        }
    }

    #[test]
    fn short_and_foreign_packets_are_refused() {
        assert_eq!(Packet::parse(&[]), Err(Malformed::Truncated));
        assert_eq!(Packet::parse(&packet(0x00, &[])), Err(Malformed::Version));
        assert_eq!(
            Packet::parse(&packet(0x81, &[1, 2, 3])),
            Err(Malformed::Truncated)
        );
        assert_eq!(
            Packet::parse(&packet(0x90, &[0, 0, 0, 1])),
            Err(Malformed::Truncated)
        );
    }

    #[test]
    fn protocols_of_one_port_are_told_apart() {
        assert_eq!(Datagram::classify(&[0, 1]), Datagram::Stun);
        assert_eq!(Datagram::classify(&[22, 254]), Datagram::Dtls);
        assert_eq!(Datagram::classify(&[128, 111]), Datagram::Rtp);
        assert_eq!(Datagram::classify(&[128, 200]), Datagram::Rtcp);
        assert_eq!(Datagram::classify(&[128]), Datagram::Unknown);
        assert_eq!(Datagram::classify(&[]), Datagram::Unknown);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_a_refusal(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + FIXED_HEADER <= bytes.len());
                if let Some(extension) = packet.extension {
                    prop_assert!(extension.elements().count() <= bytes.len());
                }
            }
        }

        #[test]
        fn likely_bytes_are_a_packet_or_a_refusal(
            first in 0x80u8..0xC0, rest in prop::collection::vec(any::<u8>(), 0..128)
        ) {
            let bytes = packet(first, &rest);
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert_eq!(packet.header, header());
                prop_assert_eq!(packet.csrcs().count(), usize::from(first & 15));
            }
        }
    }
}
