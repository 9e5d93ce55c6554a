//! From the bytes of a head to its lines: where each header's name and value are.

use memchr::{memchr, memchr2};

use crate::cursor::{Span, is_whole_token, trim};
use crate::limits::Limits;
use crate::name::{Known, classify};
use crate::refusal::Refusal;

/// One header with all its folded lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) known: Known,
    pub(crate) name: Span,
    /// Trimmed; may hold folds.
    pub(crate) value: Span,
    /// Behind the line break.
    pub(crate) end: u32,
}

/// Where everything is in a head.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) start_line: Span,
    pub(crate) lines: Vec<Line>,
    /// Length of the head with its empty line.
    pub(crate) head: usize,
}

/// Most messages have fewer headers, so their index is allocated once.
const USUAL_HEADERS: usize = 24;

/// Index a head that ends in an empty line; what follows it is not looked at.
pub(crate) fn index(bytes: &[u8], limits: &Limits) -> Result<Index, Refusal> {
    let first = line_break(bytes, 0)?;
    if first > limits.start_line {
        return Err(Refusal::StartLineTooLong);
    }
    let mut lines = Vec::with_capacity(USUAL_HEADERS);
    let mut at = first + 2;
    loop {
        let mut end = line_break(bytes, at)?;
        if end == at {
            break;
        }
        while matches!(bytes.get(end + 2), Some(b' ' | b'\t')) {
            end = line_break(bytes, end + 2)?;
        }
        if end + 2 - at > limits.header_line {
            return Err(Refusal::HeaderLineTooLong);
        }
        if lines.len() == limits.headers {
            return Err(Refusal::TooManyHeaders);
        }
        lines.push(header(bytes, at, end)?);
        at = end + 2;
    }
    let index = Index {
        start_line: Span::new(0, first),
        lines,
        head: at + 2,
    };
    index.check_characters(bytes)?;
    Ok(index)
}

/// The place of the next CRLF. CR and LF may stand nowhere else.
fn line_break(bytes: &[u8], from: usize) -> Result<usize, Refusal> {
    let rest = bytes.get(from..).ok_or(Refusal::Unterminated)?;
    let at = from + memchr2(b'\r', b'\n', rest).ok_or(Refusal::Unterminated)?;
    match (bytes[at], bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => Ok(at),
        _ => Err(Refusal::BareLineBreak),
    }
}

fn header(bytes: &[u8], start: usize, end: usize) -> Result<Line, Refusal> {
    let line = &bytes[start..end];
    let colon = memchr(b':', line).ok_or(Refusal::HeaderLine)?;
    // Space before the colon is allowed, so a name with it is the same header (ATTACKS #1).
    let blanks = line[..colon]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let name = Span::new(start, start + colon - blanks);
    if !is_whole_token(name.of(bytes)) {
        return Err(Refusal::HeaderLine);
    }
    Ok(Line {
        known: classify(name.of(bytes)),
        name,
        value: trim(bytes, Span::new(start + colon + 1, end)),
        end: (end + 2) as u32,
    })
}

impl Index {
    /// Text must be UTF-8 without control characters; but RFC 3261 allows them after a backslash in a
    /// quoted string (RFC 4475 section 3.1.1.2 sends a NUL so).
    fn check_characters(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let head = &bytes[..self.head];
        if std::str::from_utf8(head).is_err() {
            return Err(Refusal::NotUtf8);
        }
        // No early exit: the compiler makes vector instructions of this.
        if !head
            .iter()
            .fold(false, |seen, &byte| seen | is_control(byte))
        {
            return Ok(());
        }
        let in_start_line = self.start_line.of(bytes).iter().any(|&b| is_control(b));
        let unescaped = |line: &Line| has_unescaped_control(line.value.of(bytes));
        if in_start_line || self.lines.iter().any(unescaped) {
            return Err(Refusal::ControlCharacter);
        }
        Ok(())
    }

    /// The lines of one header, by the parser's own knowledge of it.
    pub(crate) fn of(&self, known: Known) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.known == known)
    }
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n')) || byte == 0x7f
}

fn has_unescaped_control(value: &[u8]) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for &byte in value {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => escaped = true,
            _ if is_control(byte) => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<(Known, String)>, Refusal> {
        let bytes = text.as_bytes();
        let index = index(bytes, &Limits::default())?;
        let pair = |line: &Line| {
            let value = String::from_utf8_lossy(line.value.of(bytes)).into_owned();
            (line.known, value)
        };
        Ok(index.lines.iter().map(pair).collect())
    }

    #[test]
    fn blanks_before_the_colon_make_no_other_header() {
        let found = names("X y\r\nFrom \t : a\r\nf:b\r\n\r\n").unwrap();
        assert_eq!(
            found,
            [(Known::From, "a".into()), (Known::From, "b".into())]
        );
    }

    #[test]
    fn folded_lines_belong_to_their_header() {
        let found = names("X y\r\nTo:\r\n a\r\n\tb\r\nxy: \r\n\r\n").unwrap();
        assert_eq!(found[0], (Known::To, "a\r\n\tb".into()));
        assert_eq!(found[1], (Known::Other, String::new()));
    }

    #[test]
    fn line_breaks_must_be_whole() {
        for text in [
            "X y\nTo: a\r\n\r\n",
            "X y\r\nTo: a\rb\r\n\r\n",
            "X y\r\nTo: a\n\r\n\r\n",
        ] {
            assert_eq!(names(text), Err(Refusal::BareLineBreak), "{text:?}");
        }
        assert_eq!(names("X y\r\nTo: a\r\n"), Err(Refusal::Unterminated));
        assert_eq!(names("X y\r\n To: a\r\n\r\n"), Err(Refusal::HeaderLine));
    }

    #[test]
    fn control_characters_only_as_quoted_pairs() {
        assert!(names("X y\r\nTo: \"\\\0\" <a:b>\r\n\r\n").is_ok());
        for text in [
            "X y\r\nTo: \"\0\"\r\n\r\n",
            "X y\r\nTo: \\\0\r\n\r\n",
            "X\x07y\r\nTo: a\r\n\r\n",
        ] {
            assert_eq!(names(text), Err(Refusal::ControlCharacter), "{text:?}");
        }
    }

    #[test]
    fn headers_are_counted() {
        let many = format!("X y\r\n{}\r\n", "a: b\r\n".repeat(257));
        assert_eq!(names(&many), Err(Refusal::TooManyHeaders));
        let long = format!("X y\r\na: {}\r\n\r\n", "b".repeat(8192));
        assert_eq!(names(&long), Err(Refusal::HeaderLineTooLong));
    }
}
