//! Writing a STUN message.

use std::net::SocketAddr;

use super::attribute::{ERROR_CODE, FINGERPRINT, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256};
use super::fingerprint::fingerprint;
use super::integrity::Integrity;
use super::{Class, HEADER, MAGIC_COOKIE, TransactionId, address, message_type};

/// A message being written; padding is always zero.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    transaction: TransactionId,
}

impl Writer {
    /// Begin a message.
    #[must_use]
    pub fn new(class: Class, method: u16, transaction: TransactionId) -> Self {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&message_type(class, method).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction);
        Self { bytes, transaction }
    }

    /// Append an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: u16, value: &[u8]) -> Self {
        self.bytes.extend_from_slice(&attribute.to_be_bytes());
        self.bytes
            .extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_length(0);
        self
    }

    /// Append an address.
    #[must_use]
    pub fn address(self, attribute: u16, address: SocketAddr) -> Self {
        let value = address::encode(address, &self.transaction);
        self.attribute(attribute, &value)
    }

    /// Append ERROR-CODE.
    #[must_use]
    pub fn error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        self.attribute(ERROR_CODE, &value)
    }

    /// Append the integrity attribute.
    #[must_use]
    pub fn protect(mut self, integrity: Integrity, key: &[u8]) -> Self {
        let attribute = match integrity {
            Integrity::Sha1 => MESSAGE_INTEGRITY,
            Integrity::Sha256 => MESSAGE_INTEGRITY_SHA256,
        };
        self.set_length(4 + integrity.length());
        let start = [self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]];
        let tag = integrity.sign(key, start, &self.bytes[4..]);
        self.attribute(attribute, &tag)
    }

    /// Append FINGERPRINT, which must be last.
    #[must_use]
    pub fn fingerprint(mut self) -> Self {
        self.set_length(8);
        let value = fingerprint(&self.bytes);
        self.attribute(FINGERPRINT, &value.to_be_bytes())
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = (self.bytes.len() - HEADER + more) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}
