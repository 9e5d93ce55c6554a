//! A place in the bytes of a head, and the lexical rules of RFC 3261 section 25.1.

/// A range of octets in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        // Messages are limited far below 4 GiB before anything is indexed.
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Space, tab, or part of a folded line's break (the index has seen to it that no other CR or LF is there).
pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

/// One or more token characters.
pub(crate) fn is_whole_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token)
}

/// A decimal number of digits only, not above `most`.
pub(crate) fn number(bytes: &[u8], most: u32) -> Option<u32> {
    if bytes.is_empty() {
        return None;
    }
    let mut sum: u32 = 0;
    for &byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        sum = sum.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
        if sum > most {
            return None;
        }
    }
    Some(sum)
}

/// Reads forward through one header's value.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], span: Span) -> Self {
        let end = (span.end as usize).min(bytes.len());
        Self {
            bytes,
            at: (span.start as usize).min(end),
            end,
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied().filter(|_| !self.is_done())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.end
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Span {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        Span::new(start, self.at)
    }

    pub(crate) fn skip_lws(&mut self) -> Span {
        self.take_while(is_lws)
    }

    /// A quoted string with its quotes; `None` if it isn't closed.
    pub(crate) fn quoted(&mut self) -> Option<Span> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return Some(Span::new(start, self.at)),
                b'\\' => self.at = (self.at + 1).min(self.end),
                _ => {}
            }
        }
        None
    }

    /// `;name` or `;name=value` up to the first octet that is neither; each is told to `each`, which may
    /// refuse it. The value of a quoted one has its quotes.
    pub(crate) fn parameters(
        &mut self,
        mut each: impl FnMut(Span, Span) -> Option<()>,
    ) -> Option<()> {
        loop {
            self.skip_lws();
            if !self.eat(b';') {
                return Some(());
            }
            self.skip_lws();
            let name = self.take_while(is_token);
            if name.is_empty() {
                return None;
            }
            self.skip_lws();
            let mut value = Span::default();
            if self.eat(b'=') {
                self.skip_lws();
                value = match self.peek() {
                    Some(b'"') => self.quoted()?,
                    _ => self.take_while(is_parameter_value),
                };
                if value.is_empty() {
                    return None;
                }
            }
            each(name, value)?;
        }
    }

    /// The next value of a list, up to a comma outside quotes and angle brackets, trimmed; the comma is
    /// eaten. `None` at the end.
    pub(crate) fn list_value(&mut self) -> Option<Span> {
        if self.is_done() {
            return None;
        }
        self.skip_lws();
        let start = self.at;
        let mut angle = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' if !angle => {
                    // An unclosed quote runs to the end of the header.
                    if self.quoted().is_none() {
                        self.at = self.end;
                    }
                    continue;
                }
                b'<' => angle = true,
                b'>' => angle = false,
                b',' if !angle => break,
                _ => {}
            }
            self.at += 1;
        }
        let span = trim(self.bytes, Span::new(start, self.at));
        self.eat(b',');
        Some(span)
    }
}

fn is_parameter_value(byte: u8) -> bool {
    !is_lws(byte) && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>')
}

/// The span without white space at its ends.
pub(crate) fn trim(bytes: &[u8], span: Span) -> Span {
    let text = span.of(bytes);
    let front = text.iter().take_while(|&&byte| is_lws(byte)).count();
    let rest = &text[front..];
    let back = rest.iter().rev().take_while(|&&byte| is_lws(byte)).count();
    let start = span.start as usize + front;
    Span::new(start, start + rest.len() - back)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<&str> {
        let bytes = text.as_bytes();
        let mut cursor = Cursor::new(bytes, Span::new(0, bytes.len()));
        let mut found = Vec::new();
        while let Some(span) = cursor.list_value() {
            found.push(std::str::from_utf8(span.of(bytes)).unwrap());
        }
        found
    }

    #[test]
    fn commas_in_quotes_and_angle_brackets_part_nothing() {
        assert_eq!(
            list(r#" "a, \"b" <sip:x,y@z>;q=1 , <sip:c> "#),
            [r#""a, \"b" <sip:x,y@z>;q=1"#, "<sip:c>"]
        );
        assert_eq!(list("\"open, <sip:c>"), ["\"open, <sip:c>"]);
        assert_eq!(list("a,,b"), ["a", "", "b"]);
    }

    #[test]
    fn numbers_are_digits_within_a_bound() {
        assert_eq!(number(b"0068", 255), Some(68));
        assert_eq!(number(b"256", 255), None);
        assert_eq!(number(b"+1", 255), None);
        assert_eq!(number(b"", 255), None);
        assert_eq!(number(b"99999999999999999999", u32::MAX), None);
    }
}
