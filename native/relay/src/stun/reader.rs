//! Reading a STUN message. Nothing is believed: every length is checked before it is used.

use std::net::SocketAddr;
use std::ops::Range;

use thiserror::Error;

use super::attribute::{FINGERPRINT, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, is_acceptable};
use super::fingerprint::fingerprint;
use super::integrity::Integrity;
use super::{Class, HEADER, MAGIC_COOKIE, TransactionId, address, split_type};

/// More attributes than this are no honest message.
const MOST_ATTRIBUTES: usize = 64;

/// Why bytes are no STUN message. They are dropped without an answer (RFC 8489 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each variant's text says it")]
pub enum Malformed {
    #[error("no STUN header")]
    Header,
    #[error("the length is not the datagram's")]
    Length,
    #[error("an attribute reaches beyond the end")]
    Attribute,
    #[error("too many attributes")]
    TooManyAttributes,
    #[error("FINGERPRINT is wrong or not last")]
    Fingerprint,
}

/// A message over the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Its class.
    pub class: Class,
    /// Its method.
    pub method: u16,
    /// Its transaction.
    pub transaction: TransactionId,
    /// Whether it carried a FINGERPRINT (a right one, or it would be malformed).
    pub has_fingerprint: bool,
    attributes: Vec<(u16, Range<usize>)>,
}

impl<'a> Message<'a> {
    /// Read a datagram that is one message.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Malformed::Header)?;
        let message_type = u16::from_be_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if message_type & 0xc000 != 0 || cookie != MAGIC_COOKIE {
            return Err(Malformed::Header);
        }
        if length % 4 != 0 || HEADER + length != bytes.len() {
            return Err(Malformed::Length);
        }
        let (class, method) = split_type(message_type);
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&header[8..]);
        let mut message = Self {
            bytes,
            class,
            method,
            transaction,
            has_fingerprint: false,
            attributes: Vec::with_capacity(12),
        };
        message.read_attributes()?;
        Ok(message)
    }

    fn read_attributes(&mut self) -> Result<(), Malformed> {
        let mut at = HEADER;
        // What comes behind an integrity attribute isn't covered by it, so it doesn't count.
        let mut covered = 0;
        while let Some(&[t0, t1, l0, l1]) = self.bytes.get(at..).and_then(|rest| rest.first_chunk())
        {
            let attribute = u16::from_be_bytes([t0, t1]);
            let value = at + 4..at + 4 + usize::from(u16::from_be_bytes([l0, l1]));
            let next = value.end.next_multiple_of(4);
            if next > self.bytes.len() {
                return Err(Malformed::Attribute);
            }
            let rank = match attribute {
                MESSAGE_INTEGRITY => 1,
                MESSAGE_INTEGRITY_SHA256 => 2,
                FINGERPRINT => 3,
                _ => 0,
            };
            if attribute == FINGERPRINT {
                self.check_fingerprint(at, value.clone())?;
                self.has_fingerprint = true;
            } else if rank > covered || covered == 0 {
                if self.attributes.len() == MOST_ATTRIBUTES {
                    return Err(Malformed::TooManyAttributes);
                }
                self.attributes.push((attribute, value));
            }
            covered = covered.max(rank);
            at = next;
        }
        Ok(())
    }

    fn check_fingerprint(&self, at: usize, value: Range<usize>) -> Result<(), Malformed> {
        let right = fingerprint(&self.bytes[..at]).to_be_bytes();
        if value.end != self.bytes.len() || self.bytes[value] != right {
            return Err(Malformed::Fingerprint);
        }
        Ok(())
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value of the first attribute of that type.
    #[must_use]
    pub fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        self.attribute_range(wanted).map(|range| &self.bytes[range])
    }

    /// Where in the datagram that value is.
    #[must_use]
    pub fn attribute_range(&self, wanted: u16) -> Option<Range<usize>> {
        let mut found = self
            .attributes
            .iter()
            .filter(|(attribute, _)| *attribute == wanted);
        found.next().map(|(_, range)| range.clone())
    }

    /// The first attribute of that type as text.
    #[must_use]
    pub fn text(&self, wanted: u16) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(wanted)?).ok()
    }

    /// The first attribute of that type as a 32-bit number.
    #[must_use]
    pub fn number(&self, wanted: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.attribute(wanted)?.try_into().ok()?))
    }

    /// Every address of that type; `None` for one that can't be read.
    pub fn addresses(&self, wanted: u16) -> impl Iterator<Item = Option<SocketAddr>> {
        let of_type = move |&&(attribute, _): &&(u16, Range<usize>)| attribute == wanted;
        let found = self.attributes.iter().filter(of_type);
        found.map(|(_, range)| address::decode(&self.bytes[range.clone()], &self.transaction))
    }

    /// Attributes that must be understood and aren't.
    #[must_use]
    pub fn unknown(&self) -> Vec<u16> {
        let types = self.attributes.iter().map(|&(attribute, _)| attribute);
        types
            .filter(|&attribute| !is_acceptable(attribute))
            .collect()
    }

    /// The better integrity attribute that the message carries.
    #[must_use]
    pub fn integrity(&self) -> Option<Integrity> {
        if self.attribute(MESSAGE_INTEGRITY_SHA256).is_some() {
            return Some(Integrity::Sha256);
        }
        self.attribute(MESSAGE_INTEGRITY).map(|_| Integrity::Sha1)
    }

    /// Whether the message was protected with this key.
    #[must_use]
    pub fn verifies(&self, integrity: Integrity, key: &[u8]) -> bool {
        let attribute = match integrity {
            Integrity::Sha1 => MESSAGE_INTEGRITY,
            Integrity::Sha256 => MESSAGE_INTEGRITY_SHA256,
        };
        let Some(value) = self.attribute_range(attribute) else {
            return false;
        };
        if value.len() != integrity.length() {
            return false;
        }
        // The length field as it was when the tag was made.
        let [high, low] = ((value.end - HEADER) as u16).to_be_bytes();
        let start = [self.bytes[0], self.bytes[1], high, low];
        integrity.verify(
            key,
            start,
            &self.bytes[4..value.start - 4],
            &self.bytes[value],
        )
    }
}
