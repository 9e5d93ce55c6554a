//! Why a request is refused (RFC 8489 section 14.8, RFC 8656 section 19).

use thiserror::Error;

/// A refusal; the text is the reason phrase.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each variant's phrase says it")]
pub enum Refusal {
    #[error("Bad Request")]
    BadRequest,
    #[error("Unauthenticated")]
    Unauthenticated,
    #[error("Forbidden")]
    Forbidden,
    #[error("Unknown Attribute")]
    UnknownAttributes(Vec<u16>),
    #[error("Allocation Mismatch")]
    AllocationMismatch,
    #[error("Stale Nonce")]
    StaleNonce,
    #[error("Address Family not Supported")]
    UnsupportedFamily,
    #[error("Wrong Credentials")]
    WrongCredentials,
    #[error("Unsupported Transport Protocol")]
    UnsupportedTransport,
    #[error("Peer Address Family Mismatch")]
    PeerFamilyMismatch,
    #[error("Allocation Quota Reached")]
    QuotaReached,
    #[error("Insufficient Capacity")]
    InsufficientCapacity,
}

impl Refusal {
    /// The error code on the wire.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::UnknownAttributes(_) => 420,
            Self::AllocationMismatch => 437,
            Self::StaleNonce => 438,
            Self::UnsupportedFamily => 440,
            Self::WrongCredentials => 441,
            Self::UnsupportedTransport => 442,
            Self::PeerFamilyMismatch => 443,
            Self::QuotaReached => 486,
            Self::InsufficientCapacity => 508,
        }
    }
}
