//! The STUN codec (RFC 8489): reading, writing, and the three ways a message is protected.

pub mod address;
pub mod attribute;
pub mod fingerprint;
pub mod integrity;
mod reader;
mod writer;

pub use reader::{Malformed, Message};
pub use writer::Writer;

/// The fixed value that tells STUN from everything else.
pub const MAGIC_COOKIE: u32 = 0x2112_A442;
/// Octets before the attributes.
pub const HEADER: usize = 20;

/// What pairs a response with its request.
pub type TransactionId = [u8; 12];

/// The class of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers that it was done.
    Success,
    /// Answers why it was not.
    Error,
}

/// Methods of RFC 8489 and RFC 8656.
pub mod method {
    #![allow(missing_docs, reason = "the names are the RFCs'")]
    pub const BINDING: u16 = 0x001;
    pub const ALLOCATE: u16 = 0x003;
    pub const REFRESH: u16 = 0x004;
    pub const SEND: u16 = 0x006;
    pub const DATA: u16 = 0x007;
    pub const CREATE_PERMISSION: u16 = 0x008;
    pub const CHANNEL_BIND: u16 = 0x009;
}

/// The first two octets: the class's bits lie between the method's (RFC 8489 section 5).
pub(crate) fn message_type(class: Class, method: u16) -> u16 {
    let bits = match class {
        Class::Request => 0,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    (method & 0x00f) | (method & 0x070) << 1 | (method & 0xf80) << 2 | bits
}

pub(crate) fn split_type(message_type: u16) -> (Class, u16) {
    let class = match message_type & 0x110 {
        0 => Class::Request,
        0x010 => Class::Indication,
        0x100 => Class::Success,
        _ => Class::Error,
    };
    let low = message_type & 0x00f;
    let middle = message_type >> 1 & 0x070;
    let high = message_type >> 2 & 0xf80;
    (class, low | middle | high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_apart_as_they_were_put_together() {
        for class in [
            Class::Request,
            Class::Indication,
            Class::Success,
            Class::Error,
        ] {
            for method in 0..0x1000 {
                assert_eq!(split_type(message_type(class, method)), (class, method));
            }
        }
        assert_eq!(message_type(Class::Error, method::ALLOCATE), 0x0113);
    }
}
