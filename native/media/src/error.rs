//! Why an offer or a leg can't be served.

use thiserror::Error;

/// A join that came to nothing, and who is to blame: `status` is what signalling should answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// The body is not a session description.
    #[error("the offer is not valid SDP")]
    NotSdp,
    /// Over the limits for size or number of lines.
    #[error("the offer is too large")]
    TooLarge,
    /// Neither a DTLS fingerprint nor, so, a way to protect media.
    #[error("the offer carries no DTLS fingerprint")]
    NoKey,
    /// No line of sound that is in use.
    #[error("no audio offered")]
    NoSound,
    /// A call by WebRTC without ICE.
    #[error("media without ICE are not served here")]
    NoIce,
    /// ICE was restarted within a call.
    #[error("ICE can't be restarted within a call")]
    Restart,
    /// There is no such call, or it is a meeting.
    #[error("no such call")]
    NoCall,
    /// The m-lines are not those that a room understands.
    #[error("m-line {index} should be {expected}")]
    Order {
        /// Counted from 0.
        index: usize,
        /// What the room expects there.
        expected: &'static str,
    },
    /// More receive slots than a room serves, or none of a kind.
    #[error("{count} {kind} slots offered, {low} to {high} possible")]
    Slots {
        /// "audio" or "video".
        kind: &'static str,
        /// How many the offer has.
        count: usize,
        /// The fewest that work.
        low: usize,
        /// The most that are served.
        high: usize,
    },
    /// An m-line without a usable `a=mid`, or two with the same.
    #[error("m-line {0} has no usable mid")]
    Mid(usize),
    /// Simulcast other than up to three layers of the camera, told apart by rid.
    #[error("simulcast is served for the camera, in up to three layers with plain rids")]
    Simulcast,
    /// No codec that both sides know.
    #[error("no common codec for {0}: Opus and VP8 are required")]
    NoCodec(&'static str),
    /// The description was well-formed, yet ICE, DTLS or SCTP in it were not acceptable.
    #[error("the offer can't be answered: {0}")]
    Unanswerable(String),
    /// A phone's key does not have the length its suite asks for.
    #[error("the SRTP key has the wrong length for its suite")]
    KeyLength,
    /// A phone's address is not one that media may be sent to.
    #[error("media can't be sent to {0}")]
    Destination(String),
    /// The room is not open.
    #[error("no such room")]
    NoRoom,
    /// That endpoint is in the room already.
    #[error("the endpoint is in the room already")]
    Duplicate,
    /// A codec, a key or a random number could not be made.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Refused {
    /// SIP's word for it: 488 if another offer could succeed, 500 if the fault is ours.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoRoom | Self::NoCall | Self::Duplicate | Self::Internal(_) => 500,
            _ => 488,
        }
    }
}
