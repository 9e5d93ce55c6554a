//! `name-addr` and `addr-spec` with parameters: From, To, Contact (RFC 3261 section 20.10).

use crate::cursor::{Cursor, Span, is_lws, is_token};
use crate::uri::split_scheme;

/// The parts of an address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Address {
    /// With quotes, if it has them.
    pub(crate) display: Span,
    /// Between the angle brackets.
    pub(crate) uri: Span,
    pub(crate) tag: Span,
}

/// Read a value that is one address and nothing else; `None` if it isn't.
pub(crate) fn address(bytes: &[u8], value: Span) -> Option<Address> {
    let mut cursor = Cursor::new(bytes, value);
    cursor.skip_lws();
    let (display, uri) = match named(bytes, &mut cursor)? {
        Some(found) => found,
        // Without brackets a semicolon begins the header's parameters, and a question mark or comma would
        // belong to nobody knows what.
        None => {
            let uri = cursor.take_while(|byte| !is_lws(byte) && byte != b';');
            let stray = |byte: &u8| matches!(byte, b'?' | b',' | b'>' | b'"');
            if uri.of(bytes).iter().any(stray) {
                return None;
            }
            (Span::default(), uri)
        }
    };
    split_scheme(uri.of(bytes))?;
    let mut tag = Span::default();
    cursor.parameters(|name, value| {
        if name.of(bytes).eq_ignore_ascii_case(b"tag") {
            // Two tags would be two dialogs; a tag is a token.
            let sound = tag.is_empty() && value.of(bytes).iter().copied().all(is_token);
            (sound && !value.is_empty()).then_some(())?;
            tag = value;
        }
        Some(())
    })?;
    cursor.is_done().then_some(Address { display, uri, tag })
}

/// Display name and URI of the form with angle brackets; `Some(None)` if it is the other form.
fn named(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<Option<(Span, Span)>> {
    let display = if cursor.peek() == Some(b'"') {
        let quoted = cursor.quoted()?;
        cursor.skip_lws();
        quoted
    } else {
        let mut ahead = cursor.clone();
        // Unquoted names are tokens; UTF-8 without quotes is common and harms nobody.
        let words = ahead.take_while(|b| is_token(b) || is_lws(b) || !b.is_ascii());
        if ahead.peek() != Some(b'<') {
            return Some(None);
        }
        *cursor = ahead;
        crate::cursor::trim(bytes, words)
    };
    if !cursor.eat(b'<') {
        return None;
    }
    let uri = cursor.take_while(|byte| !is_lws(byte) && !matches!(byte, b'<' | b'>' | b'"'));
    cursor.eat(b'>').then_some(Some((display, uri)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<[&str; 3]> {
        let bytes = text.as_bytes();
        let found = address(bytes, Span::new(0, bytes.len()))?;
        let part = |span: Span| std::str::from_utf8(span.of(bytes)).unwrap();
        Some([part(found.display), part(found.uri), part(found.tag)])
    }

    #[test]
    fn the_forms_of_an_address() {
        assert_eq!(read("sip:a@b;tag=1"), Some(["", "sip:a@b", "1"]));
        assert_eq!(
            read("caller<sip:a@b;x=y?z>"),
            Some(["caller", "sip:a@b;x=y?z", ""])
        );
        assert_eq!(
            read("\"J \\\\\\\"\"  <sip:j@e>\r\n  ;\r\n tag = 98"),
            Some(["\"J \\\\\\\"\"", "sip:j@e", "98"])
        );
        assert_eq!(
            read("<http://x>;a=\"q;,\";TAG=z"),
            Some(["", "http://x", "z"])
        );
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "Bell, A <sip:a@b>",
            "< sip:a@b >",
            "\"open <sip:a@b>",
            "sip:a@b?x=y",
            "<sip:a@b>;;",
            "<sip:a@b>;tag=1;tag=2",
            "<sip:a@b>;tag=",
            "<sip:a@b>;tag=\"x\"",
            "<sip:a@b>, <sip:c@d>",
            "<sip:a@b",
            "<>",
            "a@b",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
