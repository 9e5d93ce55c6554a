//! SIP framing, parsing and byte-faithful editing (RFC 3261), without I/O.
//!
//! [`Framer`] cuts a byte stream into messages; [`parse_datagram`] reads one whole message. Both give a
//! [`Message`], which is the received bytes and an index over them, or a [`Refused`] that names what was
//! wrong and carries the response to send. [`Message::forwarded`], [`Message::response`] and
//! [`build_request`] write messages; what they aren't told to change stays byte for byte.

mod address;
mod checks;
mod compose;
mod cursor;
mod datagram;
mod forward;
mod framer;
mod index;
mod limits;
mod message;
mod name;
mod phrase;
mod refusal;
mod start_line;
mod turn_down;
mod uri;
mod via;

pub use compose::{EditError, build_request};
pub use datagram::{KeepAlive, keep_alive, parse_datagram};
pub use forward::Forward;
pub use framer::{Frame, Framer, PONG};
pub use limits::Limits;
pub use message::{Headers, Message, Values};
pub use refusal::{Refusal, Refused};
