//! Why bytes are no message that we take, and what the wire should say.

use bytes::Bytes;
use thiserror::Error;

/// What is wrong with a message. The text is the reason phrase of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's phrase says it")]
pub enum Refusal {
    // The bytes are not lines of text.
    #[error("Message Not Terminated")]
    Unterminated,
    #[error("Bare CR Or LF")]
    BareLineBreak,
    #[error("Control Character")]
    ControlCharacter,
    #[error("Not UTF-8")]
    NotUtf8,
    // The message is too large.
    #[error("Request-URI Too Long")]
    StartLineTooLong,
    #[error("Header Line Too Long")]
    HeaderLineTooLong,
    #[error("Too Many Headers")]
    TooManyHeaders,
    #[error("Message Too Large")]
    MessageTooLarge,
    // The start line.
    #[error("Malformed Start Line")]
    StartLine,
    #[error("Malformed Method")]
    Method,
    #[error("Malformed Request-URI")]
    RequestUri,
    #[error("Malformed Status Code")]
    StatusCode,
    #[error("Version Not Supported")]
    Version,
    // The lines are not headers.
    #[error("Malformed Header Line")]
    HeaderLine,
    // How long is it?
    #[error("Missing Content-Length")]
    MissingContentLength,
    #[error("Malformed Content-Length")]
    ContentLength,
    #[error("More Than One Content-Length")]
    RepeatedContentLength,
    #[error("Body Shorter Than Content-Length")]
    ShortBody,
    // Headers that every message has, and those that it has once.
    #[error("Missing Via")]
    MissingVia,
    #[error("Missing From")]
    MissingFrom,
    #[error("Missing To")]
    MissingTo,
    #[error("Missing Call-ID")]
    MissingCallId,
    #[error("Missing CSeq")]
    MissingCSeq,
    #[error("Single Header Repeated")]
    Repeated,
    #[error("Malformed Via")]
    Via,
    #[error("Malformed From")]
    From,
    #[error("Malformed To")]
    To,
    #[error("Malformed Contact")]
    Contact,
    #[error("Malformed Call-ID")]
    CallId,
    #[error("Malformed CSeq")]
    CSeq,
    #[error("CSeq Method Mismatch")]
    CSeqMethod,
    #[error("Malformed Max-Forwards")]
    MaxForwards,
}

impl Refusal {
    /// The status code to answer with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::StartLineTooLong => 414,
            Self::Version => 505,
            Self::MessageTooLarge => 513,
            _ => 400,
        }
    }

    /// The reason phrase to answer with.
    #[must_use]
    pub fn reason(self) -> String {
        self.to_string()
    }
}

/// A message that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub refusal: Refusal,
    /// The response to send: `None` for a response or an ACK, which are never answered, and where not
    /// even a Via could be read.
    pub response: Option<Bytes>,
    /// Where the next message begins can't be told: the connection must be closed.
    pub framing_lost: bool,
}
