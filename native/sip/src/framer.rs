//! A byte stream cut into messages (RFC 3261 section 18.3, RFC 5626 section 3.5.1).

use bytes::{Buf, BytesMut};
use memchr::memmem;

use crate::checks::{Head, read_head};
use crate::limits::Limits;
use crate::message::Message;
use crate::refusal::{Refusal, Refused};
use crate::turn_down::turn_down;

/// What to answer a [`Frame::Ping`] with.
pub const PONG: &[u8] = b"\r\n";

/// What a stream holds.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A message.
    Message(Box<Message>),
    /// A keep-alive to be answered with [`PONG`].
    Ping,
    /// Something else. If its framing is lost, nothing more comes out of this framer.
    Refused(Refused),
}

/// What the next octets are.
#[derive(Debug)]
enum Expecting {
    /// A head, of which that many octets hold no end.
    Head { searched: usize },
    /// The rest of a message of that length.
    Body { head: Box<Head>, length: usize },
    /// That many octets of a refused message's body.
    Rest(usize),
    /// Nothing: the stream can't be read any further.
    Nothing,
}

/// Cuts one connection's bytes into frames, in whatever pieces they arrive.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    expecting: Expecting,
}

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            expecting: Expecting::Head { searched: 0 },
        }
    }

    /// Take bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.expecting, Expecting::Nothing) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The buffer, to read from a socket straight into its end. Nothing else of it may be changed.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a message has begun and not ended, as opposed to a quiet stream.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        !self.buffer.is_empty() || !matches!(self.expecting, Expecting::Head { .. })
    }

    /// The next whole frame, if it has arrived.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            match &mut self.expecting {
                Expecting::Nothing => {
                    self.buffer.clear();
                    return None;
                }
                Expecting::Rest(left) => {
                    let here = (*left).min(self.buffer.len());
                    self.buffer.advance(here);
                    *left -= here;
                    if *left > 0 {
                        return None;
                    }
                    self.expecting = Expecting::Head { searched: 0 };
                }
                Expecting::Body { length, .. } => {
                    if self.buffer.len() < *length {
                        return None;
                    }
                    return self.message();
                }
                Expecting::Head { searched } => {
                    let searched = *searched;
                    if let Some(frame) = self.head(searched)? {
                        return Some(frame);
                    }
                }
            }
        }
    }

    fn message(&mut self) -> Option<Frame> {
        let next = Expecting::Head { searched: 0 };
        match std::mem::replace(&mut self.expecting, next) {
            Expecting::Body { head, length } => {
                let raw = self.buffer.split_to(length).freeze();
                Some(Frame::Message(Box::new(Message::new(raw, *head))))
            }
            _ => None,
        }
    }

    /// Look for a head. Outer `None`: more bytes are needed; inner `None`: go on with what comes next.
    fn head(&mut self, searched: usize) -> Option<Option<Frame>> {
        if searched == 0 {
            match self.buffer.as_ref() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.buffer.advance(4);
                    return Some(Some(Frame::Ping));
                }
                // Perhaps the first half of a ping, perhaps a single empty line.
                [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return None,
                [b'\r', b'\n', ..] => {
                    self.buffer.advance(2);
                    return Some(None);
                }
                [b'\r' | b'\n', ..] => return Some(Some(self.lost(Refusal::BareLineBreak))),
                _ => {}
            }
        }
        let from = searched.saturating_sub(3);
        let within = self.buffer.len().min(self.limits.message);
        let end = memmem::find(&self.buffer[from..within], b"\r\n\r\n").map(|at| from + at);
        // An empty line that no CR leads comes before the end: no head of ours has one, nor may it ever end.
        // What is answered depends on the octets before it only, however they arrived.
        let head = &self.buffer[from..end.unwrap_or(within)];
        if let Some(at) = memmem::find(head, b"\n\n") {
            return Some(Some(self.lost_in(Refusal::BareLineBreak, from + at)));
        }
        match end {
            Some(end) => Some(self.begun(end + 4)),
            None if self.buffer.len() > self.limits.message => {
                Some(Some(self.lost(Refusal::MessageTooLarge)))
            }
            None => {
                self.expecting = Expecting::Head { searched: within };
                None
            }
        }
    }

    /// A whole head is there: read it and decide how far its message goes.
    fn begun(&mut self, end: usize) -> Option<Frame> {
        match read_head(&self.buffer[..end], &self.limits) {
            Ok(head) => match head.content_length {
                None => Some(self.lost(Refusal::MissingContentLength)),
                Some(body) if end + body > self.limits.message => {
                    Some(self.lost(Refusal::MessageTooLarge))
                }
                Some(body) => {
                    self.expecting = Expecting::Body {
                        length: end + body,
                        head: Box::new(head),
                    };
                    None
                }
            },
            Err(unsound) => Some(match unsound.content_length {
                Some(body) if end + body <= self.limits.message => {
                    let refused = self.refuse(unsound.refusal, end, false);
                    self.expecting = Expecting::Rest(end + body);
                    refused
                }
                _ => self.lost_in(unsound.refusal, end),
            }),
        }
    }

    fn lost(&mut self, refusal: Refusal) -> Frame {
        self.lost_in(refusal, self.buffer.len())
    }

    fn lost_in(&mut self, refusal: Refusal, head: usize) -> Frame {
        let frame = self.refuse(refusal, head, true);
        self.expecting = Expecting::Nothing;
        self.buffer = BytesMut::new();
        frame
    }

    fn refuse(&self, refusal: Refusal, head: usize, framing_lost: bool) -> Frame {
        Frame::Refused(Refused {
            refusal,
            response: turn_down(&self.buffer[..head], refusal, &self.limits),
            framing_lost,
        })
    }
}
