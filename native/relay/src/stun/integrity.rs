//! MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5 and 14.6), and long-term keys.

use aws_lc_rs::{digest, hmac};
use md5::{Digest, Md5};

/// How a password becomes a key (RFC 8489 section 18.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordAlgorithm {
    /// For old clients.
    Md5,
    /// For the others.
    Sha256,
}

/// The value of PASSWORD-ALGORITHMS, the better first.
pub const PASSWORD_ALGORITHMS: [u8; 8] = [0, 2, 0, 0, 0, 1, 0, 0];

/// The same without MD5.
pub const APPROVED_PASSWORD_ALGORITHMS: [u8; 4] = [0, 2, 0, 0];

impl PasswordAlgorithm {
    /// Read PASSWORD-ALGORITHM. None of ours has parameters.
    #[must_use]
    pub fn from_value(value: &[u8]) -> Option<Self> {
        match value {
            [0, 1, 0, 0] => Some(Self::Md5),
            [0, 2, 0, 0] => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The long-term key (RFC 8489 section 9.2.2).
    #[must_use]
    pub fn key(self, username: &str, realm: &str, password: &str) -> Vec<u8> {
        let text = format!("{username}:{realm}:{password}");
        match self {
            Self::Md5 => Md5::digest(text.as_bytes()).to_vec(),
            Self::Sha256 => digest::digest(&digest::SHA256, text.as_bytes())
                .as_ref()
                .to_vec(),
        }
    }
}

/// Which of the two attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY: HMAC-SHA1.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256.
    Sha256,
}

impl Integrity {
    /// Length of the attribute's value. RFC 8656 allows no truncation.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn key(self, key: &[u8]) -> hmac::Key {
        match self {
            Self::Sha1 => hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key),
            Self::Sha256 => hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// The tag over a message up to the attribute, in two parts: its first four octets, whose length field
    /// counts the attribute, and the rest.
    #[must_use]
    pub fn sign(self, key: &[u8], start: [u8; 4], rest: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key(key));
        context.update(&start);
        context.update(rest);
        context.sign().as_ref().to_vec()
    }

    /// Whether a tag is right, told in constant time.
    #[must_use]
    pub fn verify(self, key: &[u8], start: [u8; 4], rest: &[u8], tag: &[u8]) -> bool {
        let expected = self.sign(key, start, rest);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected, tag).is_ok()
    }
}
