//! What the first octets of a datagram on a browser's port announce (RFC 7983, RFC 5761).

/// A datagram's protocol, with what is needed to know whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram {
    /// STUN.
    Stun,
    /// SRTP.
    Rtp {
        /// The payload type.
        payload_type: u8,
        /// The sending source.
        ssrc: u32,
    },
    /// SRTCP.
    Rtcp,
    /// DTLS, or nothing known.
    Other,
}

impl Datagram {
    /// Tell the protocols apart.
    pub fn classify(bytes: &[u8]) -> Self {
        match bytes {
            [0..=3, ..] => Self::Stun,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, second, _, _, _, _, _, _, a, b, c, d, ..] => Self::Rtp {
                payload_type: second & 0x7f,
                ssrc: u32::from_be_bytes([*a, *b, *c, *d]),
            },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_of_one_port_are_told_apart() {
        assert_eq!(Datagram::classify(&[0, 1]), Datagram::Stun);
        assert_eq!(Datagram::classify(&[22, 254]), Datagram::Other);
        assert_eq!(Datagram::classify(&[]), Datagram::Other);
        assert_eq!(Datagram::classify(&[128, 200]), Datagram::Rtcp);
        assert_eq!(Datagram::classify(&[128, 111, 0, 0]), Datagram::Other);
        let media = [0x90, 0xef, 0, 1, 0, 0, 0, 2, 0, 0, 1, 0];
        let expected = Datagram::Rtp {
            payload_type: 111,
            ssrc: 256,
        };
        assert_eq!(Datagram::classify(&media), expected);
    }
}
