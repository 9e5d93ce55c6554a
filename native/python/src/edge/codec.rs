//! Bytes of a flow to SIP messages, for a plain stream and for a WebSocket alike. No I/O here.

use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{
    Message as WsMessage, Role, WebSocketConfig, WebSocketContext,
};
use vestibule_sip::{
    Frame, Framer, KeepAlive, Limits, Message, PONG, Refused, keep_alive, parse_datagram,
};

use super::outbox::{Encoding, encode};

/// Largest WebSocket frame; one message is one frame with browsers.
const MAX_FRAME: usize = 64 * 1024;

/// tungstenite allocates this at once, for each connection, and grows it when needed.
const READ_BUFFER: usize = 2 * 1024;

/// Something that arrived whole.
#[derive(Debug)]
pub enum Arrival {
    /// A sound message.
    Message(Box<Message>),
    /// Not one; it has been answered, if it could be.
    Refused {
        /// What was answered.
        status: u16,
        /// In words.
        reason: String,
    },
}

/// Why nothing more can be read.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// For the log.
    pub reason: String,
    /// What a WebSocket peer is told; `None` if close frames have been exchanged.
    pub close: Option<CloseCode>,
}

/// What came out of some bytes.
#[derive(Debug, Default)]
pub struct Received {
    /// In order.
    pub arrivals: Vec<Arrival>,
    /// Answers that need nobody's decision, encoded: refusals, keep-alives, pongs.
    pub answers: BytesMut,
    /// How many keep-alives there were, which cost as much as a message.
    pub keep_alives: usize,
    /// Set if it ends here.
    pub end: Option<End>,
}

impl Received {
    fn refuse(&mut self, refused: &Refused, encoding: Encoding) {
        self.arrivals.push(Arrival::Refused {
            status: refused.refusal.status(),
            reason: refused.refusal.reason(),
        });
        if let Some(response) = &refused.response {
            encode(encoding, response, &mut self.answers);
        }
    }

    fn end(&mut self, reason: impl Into<String>, close: Option<CloseCode>) {
        self.end = Some(End {
            reason: reason.into(),
            close,
        });
    }
}

/// The reading side of one flow.
#[derive(Debug)]
pub enum Codec {
    /// SIP on a byte stream.
    Stream(Framer),
    /// SIP in WebSocket frames.
    WebSocket(Box<WebSocketCodec>),
}

impl Codec {
    /// For a flow of that kind, whose messages have at most `max_message` octets.
    pub fn new(encoding: Encoding, max_message: usize) -> Self {
        let limits = Limits::with_message(max_message);
        match encoding {
            Encoding::Stream => Self::Stream(Framer::new(limits)),
            Encoding::WebSocket => Self::WebSocket(Box::new(WebSocketCodec::new(limits))),
        }
    }

    /// Take bytes that arrived and say what they came to.
    pub fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        match self {
            Self::Stream(framer) => from_stream(framer, bytes, &mut received),
            Self::WebSocket(codec) => codec.receive(bytes, &mut received),
        }
        received
    }

    /// Whether a message has begun and must be finished soon. A WebSocket never says so: one that drips
    /// holds no more than one that pings.
    pub fn is_within_message(&self) -> bool {
        match self {
            Self::Stream(framer) => framer.is_within_message(),
            Self::WebSocket(_) => false,
        }
    }
}

fn from_stream(framer: &mut Framer, bytes: &[u8], received: &mut Received) {
    framer.push(bytes);
    while let Some(frame) = framer.next_frame() {
        match frame {
            Frame::Message(message) => received.arrivals.push(Arrival::Message(message)),
            Frame::Ping => {
                received.keep_alives += 1;
                received.answers.extend_from_slice(PONG);
            }
            Frame::Refused(refused) => {
                received.refuse(&refused, Encoding::Stream);
                if refused.framing_lost {
                    received.end(format!("framing lost: {}", refused.refusal), None);
                }
            }
        }
    }
}

/// RFC 6455 by tungstenite, fed from memory; RFC 7118 on top.
#[derive(Debug)]
pub struct WebSocketCodec {
    context: WebSocketContext,
    limits: Limits,
}

impl WebSocketCodec {
    fn new(limits: Limits) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_frame_size(Some(MAX_FRAME))
            .max_message_size(Some(limits.message))
            .write_buffer_size(0);
        Self {
            context: WebSocketContext::new(Role::Server, Some(config)),
            limits,
        }
    }

    fn receive(&mut self, bytes: &[u8], received: &mut Received) {
        let mut memory = Memory {
            input: bytes,
            output: BytesMut::new(),
        };
        loop {
            let outcome = self.context.read(&mut memory);
            // Pongs and close answers come before what this message brings about.
            received.answers.unsplit(memory.output.split());
            match outcome {
                Ok(WsMessage::Text(text)) => self.message(text.into(), received),
                Ok(WsMessage::Binary(bytes)) => self.message(bytes, received),
                Ok(_) => received.keep_alives += 1,
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return failed(&error, received),
            }
        }
    }

    fn message(&self, frame: Bytes, received: &mut Received) {
        match keep_alive(&frame) {
            Some(KeepAlive::Ping) => {
                received.keep_alives += 1;
                encode(Encoding::WebSocket, PONG, &mut received.answers);
            }
            Some(KeepAlive::Pong) => received.keep_alives += 1,
            None => match parse_datagram(frame, &self.limits) {
                Ok(message) => received.arrivals.push(Arrival::Message(Box::new(message))),
                Err(refused) => received.refuse(&refused, Encoding::WebSocket),
            },
        }
    }
}

fn failed(error: &WsError, received: &mut Received) {
    let close = match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => {
            return received.end("closed by peer", None);
        }
        WsError::Capacity(_) => {
            received.arrivals.push(Arrival::Refused {
                status: 513,
                reason: "Message Too Large".into(),
            });
            CloseCode::Size
        }
        WsError::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    };
    received.end(format!("WebSocket: {error}"), Some(close));
}

/// The two ends that tungstenite reads from and writes to.
struct Memory<'a> {
    input: &'a [u8],
    output: BytesMut,
}

impl Read for Memory<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(into)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Codec, Received};
    use crate::edge::outbox::Encoding;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    const OPTIONS: &str = "OPTIONS sip:example.org SIP/2.0\r\n\
        Via: SIP/2.0/TLS client.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@example.org>;tag=1\r\n\
        To: <sip:example.org>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(payload.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend((payload.len() as u16).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(
            payload
                .iter()
                .enumerate()
                .map(|(n, b)| b ^ (n as u8 % 4 + 1)),
        );
        frame
    }

    fn methods(received: &Received) -> Vec<String> {
        let arrivals = received.arrivals.iter();
        arrivals
            .map(|arrival| match arrival {
                Arrival::Message(message) => message.method().to_owned(),
                Arrival::Refused { status, .. } => status.to_string(),
            })
            .collect()
    }

    #[test]
    fn a_stream_gives_pipelined_messages_and_answers_pings() {
        let mut codec = Codec::new(Encoding::Stream, 65536);
        let received = codec.receive(format!("{OPTIONS}\r\n\r\n{OPTIONS}").as_bytes());
        assert_eq!(methods(&received), ["OPTIONS", "OPTIONS"]);
        assert_eq!(&received.answers[..], b"\r\n");
        assert_eq!(received.keep_alives, 1);
        assert_eq!(received.end, None);
        assert!(!codec.is_within_message());
        codec.receive(b"OPT");
        assert!(codec.is_within_message());
    }

    #[test]
    fn a_websocket_gives_the_same_in_any_split() {
        let mut wire = masked(1, OPTIONS.as_bytes());
        wire.extend(masked(2, OPTIONS.as_bytes()));
        wire.extend(masked(1, b"\r\n\r\n"));
        for piece in [1, 2, 7, 100, wire.len()] {
            let mut codec = Codec::new(Encoding::WebSocket, 65536);
            let mut seen = Vec::new();
            let mut answers = Vec::new();
            for bytes in wire.chunks(piece) {
                let received = codec.receive(bytes);
                seen.extend(methods(&received));
                answers.extend_from_slice(&received.answers);
            }
            assert_eq!(seen, ["OPTIONS", "OPTIONS"]);
            assert_eq!(answers, b"\x81\x02\r\n");
        }
    }

    #[test]
    fn a_websocket_answers_ping_and_close() {
        let mut codec = Codec::new(Encoding::WebSocket, 65536);
        let received = codec.receive(&masked(9, b"hi"));
        assert_eq!(received.keep_alives, 1);
        let received_next = codec.receive(&masked(8, b"\x03\xe8"));
        let answers = [&received.answers[..], &received_next.answers[..]].concat();
        assert_eq!(answers, b"\x8a\x02hi\x88\x02\x03\xe8");
        let end = received_next.end.unwrap();
        assert_eq!((end.reason.as_str(), end.close), ("closed by peer", None));
    }

    #[test]
    fn an_oversized_or_unmasked_frame_ends_a_websocket() {
        let mut codec = Codec::new(Encoding::WebSocket, 1000);
        let received = codec.receive(&masked(1, &[b'a'; 2000]));
        assert_eq!(methods(&received), ["513"]);
        assert_eq!(received.end.unwrap().close, Some(CloseCode::Size));
        let mut codec = Codec::new(Encoding::WebSocket, 1000);
        let received = codec.receive(b"\x81\x02hi");
        assert_eq!(received.end.unwrap().close, Some(CloseCode::Protocol));
    }

    #[test]
    fn a_malformed_message_is_refused_and_answered() {
        let broken = OPTIONS.replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE");
        for (encoding, wire) in [
            (Encoding::Stream, broken.as_bytes().to_vec()),
            (Encoding::WebSocket, masked(1, broken.as_bytes())),
        ] {
            let received = Codec::new(encoding, 65536).receive(&wire);
            assert_eq!(methods(&received), ["400"]);
            let answer = String::from_utf8_lossy(&received.answers).into_owned();
            assert!(answer.contains("SIP/2.0 400 "), "{answer}");
            assert_eq!(received.end, None);
        }
    }
}
