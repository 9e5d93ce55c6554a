//! Encrypting, decrypting and authenticating one packet whose index is known.
//!
//! ```text
//! SRTP,  counter mode:  header | ciphertext | tag             tag over all before it and the ROC
//! SRTP,  GCM:           header | ciphertext | tag             associated: header
//! SRTCP, counter mode:  8 octets | ciphertext | E+index | tag    tag over all before it
//! SRTCP, GCM:           8 octets | ciphertext | tag | E+index    associated: 8 octets, E+index
//! ```

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;

use super::derivation::{
    AUTHENTICATION_KEY, Master, Purpose, Stream, apply_keystream, counter_cipher,
};
use super::suite::{KeyRefused, Suite};

/// Octets at the head of an SRTCP packet that stay readable: the first header and the SSRC.
pub(super) const RTCP_CLEAR: usize = 8;
/// Octets of the word with the E flag and the SRTCP index.
pub(super) const RTCP_WORD: usize = 4;
/// The flag in that word: this packet is encrypted.
pub(super) const ENCRYPTED: u32 = 1 << 31;

const COUNTER_TAG: usize = 10;
const GCM_TAG: usize = 16;

/// The session keys of one stream (RTP or RTCP) and what is done with them.
#[expect(
    clippy::large_enum_variant,
    reason = "four per phone: a few hundred octets weigh less than a pointer to follow per packet"
)]
pub(super) enum Transform {
    Counter(CounterMode),
    Galois(GaloisMode),
}

impl Transform {
    pub(super) fn derive(
        suite: Suite,
        master: &Master,
        stream: Stream,
    ) -> Result<Self, KeyRefused> {
        let mut key = [0; 32];
        let key = &mut key[..suite.key_length()];
        let mut salt = [0; 14];
        let salt = &mut salt[..suite.salt_length()];
        let mut authentication = [0; AUTHENTICATION_KEY];
        master.derive(stream, Purpose::Encryption, key)?;
        master.derive(stream, Purpose::Salt, salt)?;
        master.derive(stream, Purpose::Authentication, &mut authentication)?;
        Self::from_session(suite, key, salt, &authentication)
            .map_err(|Unspecified| KeyRefused::Library)
    }

    /// From session keys; GCM has no use for the authentication key.
    pub(super) fn from_session(
        suite: Suite,
        key: &[u8],
        salt: &[u8],
        authentication: &[u8],
    ) -> Result<Self, Unspecified> {
        let algorithm = match suite {
            Suite::AesCm128HmacSha1_80 => {
                return Ok(Self::Counter(CounterMode {
                    cipher: counter_cipher(key)?,
                    salt: salt.try_into().map_err(|_| Unspecified)?,
                    authentication: hmac::Key::new(
                        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                        authentication,
                    ),
                }));
            }
            Suite::AeadAes128Gcm => &AES_128_GCM,
            Suite::AeadAes256Gcm => &AES_256_GCM,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
        let salt = salt.try_into().map_err(|_| Unspecified)?;
        Ok(Self::Galois(GaloisMode { key, salt }))
    }

    /// Octets of the tag.
    pub(super) const fn tag_length(&self) -> usize {
        match self {
            Self::Counter(_) => COUNTER_TAG,
            Self::Galois(_) => GCM_TAG,
        }
    }

    /// Protect an RTP packet whose header takes `header` octets.
    pub(super) fn seal_rtp(
        &self,
        packet: &mut Vec<u8>,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        match self {
            Self::Counter(mode) => {
                let payload = packet.get_mut(header..).ok_or(Unspecified)?;
                mode.crypt(payload, ssrc, index)?;
                let tag = mode.tag(packet, &rollover(index));
                packet.extend_from_slice(&tag);
            }
            Self::Galois(mode) => {
                let (clear, payload) = packet.split_at_mut_checked(header).ok_or(Unspecified)?;
                let tag = mode.seal(mode.rtp_nonce(ssrc, index), clear, payload)?;
                packet.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Check and decrypt an SRTP packet; tells how many octets are left of it.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, Unspecified> {
        let length = packet
            .len()
            .checked_sub(self.tag_length())
            .ok_or(Unspecified)?;
        match self {
            Self::Counter(mode) => {
                let (body, tag) = packet.split_at_mut(length);
                verify_slices_are_equal(&mode.tag(body, &rollover(index)), tag)?;
                mode.crypt(body.get_mut(header..).ok_or(Unspecified)?, ssrc, index)?;
            }
            Self::Galois(mode) => {
                let (clear, sealed) = packet.split_at_mut_checked(header).ok_or(Unspecified)?;
                mode.open(mode.rtp_nonce(ssrc, index), clear, sealed)?;
            }
        }
        Ok(length)
    }

    /// Protect a compound RTCP packet, always encrypted.
    pub(super) fn seal_rtcp(
        &self,
        packet: &mut Vec<u8>,
        ssrc: u32,
        index: u32,
    ) -> Result<(), Unspecified> {
        let word = (ENCRYPTED | index).to_be_bytes();
        let (clear, body) = packet.split_at_mut_checked(RTCP_CLEAR).ok_or(Unspecified)?;
        match self {
            Self::Counter(mode) => {
                mode.crypt(body, ssrc, u64::from(index))?;
                packet.extend_from_slice(&word);
                let tag = mode.tag(packet, &[]);
                packet.extend_from_slice(&tag);
            }
            Self::Galois(mode) => {
                let associated = rtcp_associated(clear, word);
                let tag = mode.seal(mode.rtcp_nonce(ssrc, index), &associated, body)?;
                packet.extend_from_slice(&tag);
                packet.extend_from_slice(&word);
            }
        }
        Ok(())
    }

    /// The word with E flag and index of an SRTCP packet, not yet proven.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let end = match self {
            Self::Counter(_) => packet.len().checked_sub(COUNTER_TAG)?,
            Self::Galois(_) => packet.len(),
        };
        packet
            .get(..end)?
            .last_chunk()
            .map(|word| u32::from_be_bytes(*word))
    }

    /// Check and decrypt an encrypted SRTCP packet; tells how many octets are left of it.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: u32,
    ) -> Result<usize, Unspecified> {
        let index = word & !ENCRYPTED;
        let trailer = self.tag_length() + RTCP_WORD;
        let length = packet.len().checked_sub(trailer).ok_or(Unspecified)?;
        match self {
            Self::Counter(mode) => {
                let (body, tag) = packet.split_at_mut(length + RTCP_WORD);
                verify_slices_are_equal(&mode.tag(body, &[]), tag)?;
                let payload = body.get_mut(RTCP_CLEAR..length).ok_or(Unspecified)?;
                mode.crypt(payload, ssrc, u64::from(index))?;
            }
            Self::Galois(mode) => {
                let (clear, rest) = packet.split_at_mut_checked(RTCP_CLEAR).ok_or(Unspecified)?;
                let associated = rtcp_associated(clear, word.to_be_bytes());
                let end = rest.len().checked_sub(RTCP_WORD).ok_or(Unspecified)?;
                mode.open(mode.rtcp_nonce(ssrc, index), &associated, &mut rest[..end])?;
            }
        }
        Ok(length)
    }
}

/// The 32-bit rollover counter of a packet index, as it goes under the tag.
fn rollover(index: u64) -> [u8; 4] {
    let [_, _, roc @ .., _, _] = index.to_be_bytes();
    roc
}

fn rtcp_associated(clear: &[u8], word: [u8; 4]) -> [u8; RTCP_CLEAR + RTCP_WORD] {
    let mut associated = [0; RTCP_CLEAR + RTCP_WORD];
    associated[..RTCP_CLEAR].copy_from_slice(clear);
    associated[RTCP_CLEAR..].copy_from_slice(&word);
    associated
}

fn xor(into: &mut [u8], octets: &[u8]) {
    for (target, octet) in into.iter_mut().zip(octets) {
        *target ^= octet;
    }
}

/// AES in counter mode with HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1).
pub(super) struct CounterMode {
    cipher: EncryptingKey,
    salt: [u8; 14],
    authentication: hmac::Key,
}

impl CounterMode {
    fn crypt(&self, data: &mut [u8], ssrc: u32, index: u64) -> Result<(), Unspecified> {
        let mut block = [0; 16];
        block[..14].copy_from_slice(&self.salt);
        xor(&mut block[4..8], &ssrc.to_be_bytes());
        xor(&mut block[8..14], &index.to_be_bytes()[2..]);
        apply_keystream(&self.cipher, block, data)
    }

    fn tag(&self, octets: &[u8], suffix: &[u8]) -> [u8; COUNTER_TAG] {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(octets);
        context.update(suffix);
        let mut tag = [0; COUNTER_TAG];
        tag.copy_from_slice(&context.sign().as_ref()[..COUNTER_TAG]);
        tag
    }
}

/// AES in Galois counter mode (RFC 7714 sections 8 and 9).
pub(super) struct GaloisMode {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl GaloisMode {
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(nonce)
    }

    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[8..], &index.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    pub(super) fn seal(
        &self,
        nonce: Nonce,
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; GCM_TAG], Unspecified> {
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(associated), data)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    pub(super) fn open(
        &self,
        nonce: Nonce,
        associated: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Unspecified> {
        self.key
            .open_in_place(nonce, Aad::from(associated), sealed)
            .map(|_| ())
    }
}
