//! A transport that delivers whole messages: WebSocket frames (RFC 7118).

use bytes::Bytes;
use memchr::memmem;

use crate::checks::{Unsound, read_head};
use crate::limits::Limits;
use crate::message::Message;
use crate::refusal::{Refusal, Refused};
use crate::turn_down::turn_down;

/// A keep-alive (RFC 5626 section 3.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// CRLF CRLF: answer with [`crate::PONG`].
    Ping,
    /// CRLF: the answer to ours.
    Pong,
}

/// Whether a frame is a keep-alive and no message.
#[must_use]
pub fn keep_alive(frame: &[u8]) -> Option<KeepAlive> {
    match frame {
        b"\r\n\r\n" => Some(KeepAlive::Ping),
        b"\r\n" => Some(KeepAlive::Pong),
        _ => None,
    }
}

/// Parse one whole message. Content-Length may be absent; octets beyond it are cut off and never looked at
/// (RFC 3261 section 18.3).
///
/// # Errors
/// What is wrong, with the response to send.
pub fn parse_datagram(frame: Bytes, limits: &Limits) -> Result<Message, Refused> {
    let mut frame = frame;
    while frame.starts_with(b"\r\n") {
        frame = frame.slice(2..);
    }
    match read(&frame, limits) {
        Ok(message) => Ok(message),
        Err(refusal) => Err(Refused {
            refusal,
            response: turn_down(&frame, refusal, limits),
            framing_lost: false,
        }),
    }
}

fn read(frame: &Bytes, limits: &Limits) -> Result<Message, Refusal> {
    if frame.len() > limits.message {
        return Err(Refusal::MessageTooLarge);
    }
    let end = memmem::find(frame, b"\r\n\r\n").ok_or(Refusal::Unterminated)? + 4;
    let head = read_head(&frame[..end], limits).map_err(|Unsound { refusal, .. }| refusal)?;
    let available = frame.len() - end;
    let length = head.content_length.unwrap_or(available);
    if length > available {
        return Err(Refusal::ShortBody);
    }
    Ok(Message::new(frame.slice(..end + length), head))
}
