//! What waits to be written to one flow, already as it goes on the wire.
//!
//! Messages gather in one buffer; the flow's task takes all of it at a time, so that a burst becomes one
//! write. The bound holds for what waits and what is being written together.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

/// How much may wait.
const CAPACITY: usize = 1024 * 1024;

/// How a message looks on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Stream,
    /// In a frame of its own (RFC 7118).
    WebSocket,
}

/// Put one message on the wire.
pub fn encode(encoding: Encoding, message: &[u8], out: &mut BytesMut) {
    match encoding {
        Encoding::Stream => out.extend_from_slice(message),
        Encoding::WebSocket => {
            let is_text = std::str::from_utf8(message).is_ok();
            let kind = if is_text { Data::Text } else { Data::Binary };
            let payload = Bytes::copy_from_slice(message);
            write_frame(Frame::message(payload, OpCode::Data(kind), true), out);
        }
    }
}

/// A WebSocket close frame.
pub fn encode_close(code: CloseCode, out: &mut BytesMut) {
    let close = CloseFrame {
        code,
        reason: "".into(),
    };
    write_frame(Frame::close(Some(close)), out);
}

fn write_frame(frame: Frame, out: &mut BytesMut) {
    // Writing to memory can't fail.
    let _ = frame.format(&mut out.writer());
}

/// What the flow's task does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Write this, then call [`Outbox::written`].
    Write(BytesMut),
    /// Everything is written: close the connection, for that reason.
    End(String),
}

/// The queue of one flow.
#[derive(Debug)]
pub struct Outbox {
    encoding: Encoding,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: BytesMut,
    writing: usize,
    /// Nothing more comes in; this is how the flow will end once what came has been answered.
    winding_up: Option<(String, Option<CloseCode>)>,
    ending: Option<String>,
}

impl Outbox {
    /// An empty queue.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// How messages of this flow look on the wire.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Queue one message; false if there is no room or the flow is ending.
    pub fn send(&self, message: &[u8]) -> bool {
        self.queue(message.len(), |waiting| {
            encode(self.encoding, message, waiting);
        })
    }

    /// Queue bytes that are encoded already.
    pub fn send_encoded(&self, bytes: &[u8]) -> bool {
        self.queue(bytes.len(), |waiting| waiting.extend_from_slice(bytes))
    }

    /// Nothing more comes in. Whoever calls [`Self::end`] now ends the flow for this reason.
    pub fn wind_up(&self, reason: impl Into<String>, close: Option<CloseCode>) {
        self.lock()
            .winding_up
            .get_or_insert_with(|| (reason.into(), close));
    }

    /// Close the flow once everything queued is written. The first reason counts.
    pub fn end(&self, reason: impl Into<String>) {
        self.end_with(reason, Some(CloseCode::Normal));
    }

    /// As [`Self::end`]; a WebSocket says `close` first, unless it has been said already.
    pub fn end_with(&self, reason: impl Into<String>, close: Option<CloseCode>) {
        let mut state = self.lock();
        if state.ending.is_none() {
            let given = (reason.into(), close);
            let (reason, close) = state.winding_up.take().unwrap_or(given);
            if let (Encoding::WebSocket, Some(code)) = (self.encoding, close) {
                encode_close(code, &mut state.waiting);
            }
            state.ending = Some(reason);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Whether the flow is ending.
    pub fn is_ending(&self) -> bool {
        self.lock().ending.is_some()
    }

    /// Wait for something to do.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.changed.notified().await;
        }
    }

    /// What [`Self::next`] gave has been written.
    pub fn written(&self) {
        self.lock().writing = 0;
    }

    fn try_next(&self) -> Option<Next> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            return state.ending.clone().map(Next::End);
        }
        let batch = mem::take(&mut state.waiting);
        state.writing = batch.len();
        Some(Next::Write(batch))
    }

    fn queue(&self, length: usize, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut state = self.lock();
        if state.ending.is_some() || state.waiting.len() + state.writing + length > CAPACITY {
            return false;
        }
        let was_empty = state.waiting.is_empty();
        write(&mut state.waiting);
        drop(state);
        if was_empty {
            self.changed.notify_one();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Encoding, Next, Outbox};

    #[test]
    fn a_burst_is_one_write() {
        let outbox = Outbox::new(Encoding::Stream);
        assert!(outbox.send(b"one") && outbox.send(b"two"));
        assert_eq!(outbox.try_next(), Some(Next::Write(b"onetwo"[..].into())));
        assert_eq!(outbox.try_next(), None);
    }

    #[test]
    fn what_is_being_written_counts_as_waiting() {
        let outbox = Outbox::new(Encoding::Stream);
        assert!(outbox.send(&vec![0; CAPACITY]));
        assert!(!outbox.send(b"x"));
        assert!(outbox.try_next().is_some());
        assert!(!outbox.send(b"x"));
        outbox.written();
        assert!(outbox.send(b"x"));
    }

    #[test]
    fn the_end_comes_after_what_was_queued_and_nothing_after_it() {
        let outbox = Outbox::new(Encoding::Stream);
        assert!(outbox.send(b"last"));
        outbox.end("enough");
        outbox.end("too late");
        assert!(!outbox.send(b"never"));
        assert_eq!(outbox.try_next(), Some(Next::Write(b"last"[..].into())));
        assert_eq!(outbox.try_next(), Some(Next::End("enough".into())));
    }

    #[test]
    fn a_flow_that_winds_up_can_be_answered_on_and_ends_for_its_first_reason() {
        let outbox = Outbox::new(Encoding::Stream);
        outbox.wind_up("closed by peer", None);
        assert!(!outbox.is_ending() && outbox.send(b"answer"));
        outbox.end("answered");
        assert_eq!(outbox.try_next(), Some(Next::Write(b"answer"[..].into())));
        assert_eq!(outbox.try_next(), Some(Next::End("closed by peer".into())));
    }

    #[test]
    fn a_websocket_message_is_one_unmasked_frame_and_the_end_is_a_close() {
        let outbox = Outbox::new(Encoding::WebSocket);
        assert!(outbox.send(b"hey") && outbox.send(b"\xff"));
        outbox.end("enough");
        let wire = b"\x81\x03hey\x82\x01\xff\x88\x02\x03\xe8";
        assert_eq!(outbox.try_next(), Some(Next::Write(wire[..].into())));
    }
}
