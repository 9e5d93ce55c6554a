//! One received message: its bytes and what is where in them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::checks::Head;
use crate::cursor::{Cursor, Span, is_lws};
use crate::name::{Known, same};
use crate::start_line::StartLine;

/// A SIP message that has been checked (RFC 3261 section 7). Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Message {
    pub(crate) raw: Bytes,
    pub(crate) head: Head,
}

impl Message {
    /// `raw` must be exactly the message that `head` was read from.
    pub(crate) fn new(raw: Bytes, head: Head) -> Self {
        Self { raw, head }
    }

    /// The message as it was received.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.head.start, StartLine::Request { .. })
    }

    /// The method; of a response, the one in CSeq.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(self.head.cseq_method)
    }

    /// The Request-URI; "" of a response.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self.head.start {
            StartLine::Request { uri, .. } => self.text(uri),
            StartLine::Response { .. } => "",
        }
    }

    /// The status code; 0 of a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.head.start {
            StartLine::Request { .. } => 0,
            StartLine::Response { status, .. } => status,
        }
    }

    /// The reason phrase; "" of a request.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self.head.start {
            StartLine::Request { .. } => "",
            StartLine::Response { reason, .. } => self.text(reason),
        }
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.text(self.head.call_id)
    }

    /// The number in CSeq, below 2^31.
    #[must_use]
    pub fn cseq(&self) -> u32 {
        self.head.cseq
    }

    /// Branch of the topmost Via; "" if it has none.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.text(self.head.branch)
    }

    /// How many Via values there are.
    #[must_use]
    pub fn via_count(&self) -> u32 {
        self.head.via_count
    }

    /// URI of From, as sent.
    #[must_use]
    pub fn from_uri(&self) -> &str {
        self.text(self.head.from.uri)
    }

    /// Tag of From; "" if absent.
    #[must_use]
    pub fn from_tag(&self) -> &str {
        self.text(self.head.from.tag)
    }

    /// Display name of From, without quotes, escapes and folds; "" if absent.
    #[must_use]
    pub fn from_display(&self) -> Cow<'_, str> {
        plain_display(self.text(self.head.from.display))
    }

    /// URI of To, as sent.
    #[must_use]
    pub fn to_uri(&self) -> &str {
        self.text(self.head.to.uri)
    }

    /// Tag of To; "" if absent.
    #[must_use]
    pub fn to_tag(&self) -> &str {
        self.text(self.head.to.tag)
    }

    /// Max-Forwards, if there.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u8> {
        self.head.max_forwards
    }

    /// Media type of the body in lower case without parameters; "" if there is no Content-Type.
    #[must_use]
    pub fn content_type(&self) -> String {
        let Some(line) = self.head.index.of(Known::ContentType).next() else {
            return String::new();
        };
        let media_type = self.text(line.value).split(';').next().unwrap_or_default();
        let visible = media_type.chars().filter(|c| !c.is_ascii_whitespace());
        visible.map(|c| c.to_ascii_lowercase()).collect()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.raw[self.head.index.head..]
    }

    /// Every line of that header (case and compact form don't matter), unfolded and trimmed.
    #[must_use]
    pub fn headers<'a>(&'a self, name: &'a str) -> Headers<'a> {
        Headers {
            message: self,
            name,
            next: 0,
        }
    }

    /// Every value of that header: lines parted at commas outside quotes and angle brackets; empty ones
    /// are left out.
    #[must_use]
    pub fn values<'a>(&'a self, name: &'a str) -> Values<'a> {
        Values {
            lines: self.headers(name),
            current: None,
        }
    }

    /// Heads were checked to be UTF-8, and spans begin and end at ASCII characters.
    pub(crate) fn text(&self, span: Span) -> &str {
        std::str::from_utf8(span.of(&self.raw)).unwrap_or_default()
    }
}

/// Lines of one header; see [`Message::headers`].
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    message: &'a Message,
    name: &'a str,
    next: usize,
}

impl Headers<'_> {
    fn next_span(&mut self) -> Option<Span> {
        let raw = &self.message.raw;
        let lines = self.message.head.index.lines.get(self.next..)?;
        let is_wanted = |name: Span| same(name.of(raw), self.name.as_bytes());
        let offset = lines.iter().position(|line| is_wanted(line.name))?;
        self.next += offset + 1;
        lines.get(offset).map(|line| line.value)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        let span = self.next_span()?;
        Some(unfold(self.message.text(span)))
    }
}

/// Values of one header; see [`Message::values`].
#[derive(Clone)]
pub struct Values<'a> {
    lines: Headers<'a>,
    current: Option<Cursor<'a>>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.lines.message;
        loop {
            let Some(cursor) = &mut self.current else {
                let span = self.lines.next_span()?;
                self.current = Some(Cursor::new(&message.raw, span));
                continue;
            };
            match cursor.list_value() {
                Some(value) if value.is_empty() => {}
                Some(value) => return Some(unfold(message.text(value))),
                None => self.current = None,
            }
        }
    }
}

/// A fold and the blanks around it are one space (RFC 3261 section 7.3.1).
fn unfold(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for part in text.split("\r\n") {
        let part = if plain.is_empty() {
            part
        } else {
            part.trim_start_matches([' ', '\t'])
        };
        if !plain.is_empty() {
            plain.truncate(plain.trim_end_matches([' ', '\t']).len());
            plain.push(' ');
        }
        plain.push_str(part);
    }
    Cow::Owned(plain)
}

fn plain_display(display: &str) -> Cow<'_, str> {
    let display_of = |text: &str| {
        let mut plain = String::with_capacity(text.len());
        let mut escaped = false;
        for c in text.chars() {
            if c == '\\' && !escaped {
                escaped = true;
                continue;
            }
            escaped = false;
            plain.push(c);
        }
        plain
    };
    let folded = unfold(display);
    let quoted = folded
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(text) => Cow::Owned(display_of(text)),
        None if folded.bytes().any(is_lws) => Cow::Owned(
            folded
                .split_ascii_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        ),
        None => folded,
    }
}
