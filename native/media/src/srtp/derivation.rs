//! Session keys from a master key (RFC 3711 section 4.3; for AES-256, RFC 6188).
//!
//! The key derivation rate is zero, as SDES leaves it: each key is derived once.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::suite::{KeyRefused, Suite};

/// Octets of the HMAC-SHA1 session key (RFC 3711 section 8.2).
pub(super) const AUTHENTICATION_KEY: usize = 20;

/// Which of the two packet streams a set of session keys is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Rtp,
    Rtcp,
}

/// What a derived key is for; added to the stream's base this is RFC 3711's label.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// A master key and salt of the right length, ready to derive from.
pub(super) struct Master {
    cipher: EncryptingKey,
    /// The salt, padded on the right to the fourteen octets that the derivation works on
    /// (RFC 7714 section 11).
    salt: [u8; 14],
}

impl Master {
    /// `material` is key and salt in one piece, as SDES carries them.
    pub(super) fn new(suite: Suite, material: &[u8]) -> Result<Self, KeyRefused> {
        if material.len() != suite.master_length() {
            return Err(KeyRefused::Length {
                expected: suite.master_length(),
                actual: material.len(),
            });
        }
        let (key, given) = material.split_at(suite.key_length());
        let mut salt = [0; 14];
        salt[..given.len()].copy_from_slice(given);
        let cipher = counter_cipher(key).map_err(|Unspecified| KeyRefused::Library)?;
        Ok(Self { cipher, salt })
    }

    /// Fill `out` with the session key of that stream and purpose.
    pub(super) fn derive(
        &self,
        stream: Stream,
        purpose: Purpose,
        out: &mut [u8],
    ) -> Result<(), KeyRefused> {
        let base = match stream {
            Stream::Rtp => 0,
            Stream::Rtcp => 3,
        };
        let mut block = [0; 16];
        block[..14].copy_from_slice(&self.salt);
        block[7] ^= base + purpose as u8;
        out.fill(0);
        apply_keystream(&self.cipher, block, out).map_err(|Unspecified| KeyRefused::Library)
    }
}

/// AES in counter mode under a key of 16 or 32 octets.
pub(super) fn counter_cipher(key: &[u8]) -> Result<EncryptingKey, Unspecified> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key)?)
}

/// XOR `data` with the keystream that starts at counter block `block`.
pub(super) fn apply_keystream(
    cipher: &EncryptingKey,
    block: [u8; 16],
    data: &mut [u8],
) -> Result<(), Unspecified> {
    let context = EncryptionContext::Iv128(FixedLength::from(block));
    cipher.less_safe_encrypt(data, context).map(|_| ())
}
