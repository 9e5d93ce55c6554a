//! Request lines and status lines (RFC 3261 sections 7.1 and 7.2).

use memchr::{memchr, memrchr};

use crate::cursor::{Span, is_whole_token, number};
use crate::refusal::Refusal;
use crate::uri::is_request_uri;

/// What a message begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StartLine {
    Request { method: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// Whether a start line is a status line, however broken: such a message must not be answered.
pub(crate) fn is_status_line(line: &[u8]) -> bool {
    line.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

pub(crate) fn start_line(bytes: &[u8], span: Span) -> Result<StartLine, Refusal> {
    let line = span.of(bytes);
    if is_status_line(line) {
        status_line(line, span.start as usize)
    } else {
        request_line(line, span.start as usize)
    }
}

fn request_line(line: &[u8], base: usize) -> Result<StartLine, Refusal> {
    let first = memchr(b' ', line).ok_or(Refusal::StartLine)?;
    let last = memrchr(b' ', line).ok_or(Refusal::StartLine)?;
    if first >= last {
        return Err(Refusal::StartLine);
    }
    check_version(&line[last + 1..])?;
    if !is_whole_token(&line[..first]) {
        return Err(Refusal::Method);
    }
    if !is_request_uri(&line[first + 1..last]) {
        return Err(Refusal::RequestUri);
    }
    Ok(StartLine::Request {
        method: Span::new(base, base + first),
        uri: Span::new(base + first + 1, base + last),
    })
}

fn status_line(line: &[u8], base: usize) -> Result<StartLine, Refusal> {
    let first = memchr(b' ', line).ok_or(Refusal::StartLine)?;
    check_version(&line[..first])?;
    let rest = &line[first + 1..];
    let digits = memchr(b' ', rest).unwrap_or(rest.len());
    let status = number(&rest[..digits], 699).filter(|&status| digits == 3 && status >= 100);
    let reason = (first + 1 + digits + 1).min(line.len());
    Ok(StartLine::Response {
        status: status.ok_or(Refusal::StatusCode)? as u16,
        reason: Span::new(base + reason, base + line.len()),
    })
}

fn check_version(version: &[u8]) -> Result<(), Refusal> {
    if version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    let number = if is_status_line(version) {
        &version[4..]
    } else {
        &[]
    };
    let dot = memchr(b'.', number).unwrap_or(0);
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if digits(&number[..dot]) && digits(&number[(dot + 1).min(number.len())..]) {
        return Err(Refusal::Version);
    }
    Err(Refusal::StartLine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<StartLine, Refusal> {
        start_line(line.as_bytes(), Span::new(0, line.len()))
    }

    #[test]
    fn single_spaces_part_a_request_line() {
        assert!(read("INVITE sip:a@b SIP/2.0").is_ok());
        assert!(read("INVITE sip:a@b sip/2.0").is_ok());
        for (line, refusal) in [
            ("INVITE  sip:a@b  SIP/2.0", Refusal::RequestUri),
            ("INVITE sip:a@b SIP/2.0  ", Refusal::StartLine),
            ("INVITE sip:a@b; lr SIP/2.0", Refusal::RequestUri),
            ("INV,ITE sip:a@b SIP/2.0", Refusal::Method),
            ("INVITE sip:a@b", Refusal::StartLine),
            ("INVITE sip:a@b SIP/7.0", Refusal::Version),
            ("GET / HTTP/1.1", Refusal::StartLine),
            ("INVITE sip:a@b SIP/.", Refusal::StartLine),
            ("", Refusal::StartLine),
        ] {
            assert_eq!(read(line).unwrap_err(), refusal, "{line:?}");
        }
    }

    #[test]
    fn status_lines_have_three_digits_and_perhaps_a_reason() {
        for line in ["SIP/2.0 100 ", "SIP/2.0 100", "SIP/2.0 699 a b"] {
            assert!(read(line).is_ok(), "{line:?}");
        }
        for line in [
            "SIP/2.0 4294967301 x",
            "SIP/2.0 099 x",
            "SIP/2.0 700 x",
            "SIP/2.0  200 x",
        ] {
            assert_eq!(read(line).unwrap_err(), Refusal::StatusCode, "{line:?}");
        }
        assert_eq!(read("SIP/3.0 200 OK").unwrap_err(), Refusal::Version);
    }
}
