//! Attribute types (RFC 8489 section 18.3, RFC 8656 section 18).
#![allow(missing_docs, reason = "the names are the RFCs'")]

pub const USERNAME: u16 = 0x0006;
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
pub const ERROR_CODE: u16 = 0x0009;
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
pub const CHANNEL_NUMBER: u16 = 0x000C;
pub const LIFETIME: u16 = 0x000D;
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
pub const DATA: u16 = 0x0013;
pub const REALM: u16 = 0x0014;
pub const NONCE: u16 = 0x0015;
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
pub const EVEN_PORT: u16 = 0x0018;
pub const REQUESTED_TRANSPORT: u16 = 0x0019;
pub const DONT_FRAGMENT: u16 = 0x001A;
pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
pub const PASSWORD_ALGORITHM: u16 = 0x001D;
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub const RESERVATION_TOKEN: u16 = 0x0022;
pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
pub const FINGERPRINT: u16 = 0x8028;

/// Those a request may carry and we understand. DONT-FRAGMENT is none: what we send to peers is not kept
/// whole, so RFC 8656 section 7.2 has us refuse it as unknown.
const UNDERSTOOD: [u16; 15] = [
    USERNAME,
    MESSAGE_INTEGRITY,
    CHANNEL_NUMBER,
    LIFETIME,
    XOR_PEER_ADDRESS,
    DATA,
    REALM,
    NONCE,
    REQUESTED_ADDRESS_FAMILY,
    EVEN_PORT,
    REQUESTED_TRANSPORT,
    MESSAGE_INTEGRITY_SHA256,
    PASSWORD_ALGORITHM,
    RESERVATION_TOKEN,
    ERROR_CODE,
];

/// Whether a message with this attribute may be acted on: unknown ones below 0x8000 must be understood.
pub(crate) fn is_acceptable(attribute: u16) -> bool {
    attribute >= 0x8000 || UNDERSTOOD.contains(&attribute)
}
