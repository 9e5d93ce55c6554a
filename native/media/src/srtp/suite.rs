//! The protection profiles we speak, and what each one measures.

use thiserror::Error;

/// A master key that can't serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefused {
    /// The key material has not the length that the suite lays down.
    #[error("master key and salt are {actual} octets, not {expected}")]
    Length {
        /// Octets of key and salt together that the suite needs.
        expected: usize,
        /// Octets given.
        actual: usize,
    },
    /// The cryptographic library turned the key down.
    #[error("the cryptographic library refused the key")]
    Library,
}

/// An SRTP protection profile, named as in SDES (RFC 4568 section 6.2, RFC 7714 section 14.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 tags of 80 bits (RFC 3711 sections 4 and 8.2).
    AesCm128HmacSha1_80,
    /// AES-128 in Galois counter mode, tags of 128 bits (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in Galois counter mode, tags of 128 bits (RFC 7714).
    AeadAes256Gcm,
}

impl Suite {
    /// Every suite, the one to prefer first.
    pub const ALL: [Self; 3] = [
        Self::AeadAes256Gcm,
        Self::AeadAes128Gcm,
        Self::AesCm128HmacSha1_80,
    ];

    /// The suite of that SDES name; names are case-sensitive.
    #[must_use]
    pub fn from_sdes_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.sdes_name() == name)
    }

    /// The name in `a=crypto`.
    #[must_use]
    pub const fn sdes_name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Octets of the master (and session) encryption key.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Octets of the master (and session) salt.
    #[must_use]
    pub const fn salt_length(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Octets of key and salt together, as SDES carries them in one piece: 30, 28 or 44.
    #[must_use]
    pub const fn master_length(self) -> usize {
        self.key_length() + self.salt_length()
    }

    /// Octets of the authentication tag.
    #[must_use]
    pub const fn tag_length(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_crypto_attribute() {
        assert_eq!(Suite::AesCm128HmacSha1_80.master_length(), 30);
        assert_eq!(Suite::AeadAes128Gcm.master_length(), 28);
        assert_eq!(Suite::AeadAes256Gcm.master_length(), 44);
    }

    #[test]
    fn names_lead_back_to_their_suites() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_sdes_name(suite.sdes_name()), Some(suite));
        }
        assert_eq!(Suite::from_sdes_name("AES_CM_128_HMAC_SHA1_32"), None);
        assert_eq!(Suite::from_sdes_name("aead_aes_128_gcm"), None);
    }
}
