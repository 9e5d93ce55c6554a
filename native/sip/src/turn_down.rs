//! The response to a request that can't be parsed, made of whatever of it could be read.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use memchr::memmem;

use crate::address::address;
use crate::compose::{write_body, write_status_line};
use crate::cursor::{Span, is_whole_token, trim};
use crate::limits::Limits;
use crate::name::{Known, classify};
use crate::refusal::Refusal;
use crate::start_line::is_status_line;

/// Copied from the request, in this order.
const COPIED: [Known; 5] = [
    Known::Via,
    Known::From,
    Known::To,
    Known::CallId,
    Known::CSeq,
];

/// Compose the response to the request that `bytes` begin with. `None` if that is a response or an ACK, or
/// has no Via that could lead the answer back.
pub(crate) fn turn_down(bytes: &[u8], refusal: Refusal, limits: &Limits) -> Option<Bytes> {
    let bytes = &bytes[..bytes.len().min(limits.message)];
    // The last line may have been cut off: only whole ones count.
    let whole = memmem::find(bytes, b"\r\n\r\n").or_else(|| memmem::rfind(bytes, b"\r\n"))?;
    let head = &bytes[..whole + 2];
    let (start, rest) = head.split_at(memmem::find(head, b"\r\n")?);
    let method = start.split(|&byte| byte == b' ').next()?;
    if is_status_line(start) || !is_whole_token(method) || method == b"ACK" {
        return None;
    }
    let lines = readable_lines(rest, limits);
    let mut out = Vec::with_capacity(512);
    write_status_line(&mut out, refusal.status(), &refusal.reason());
    for known in COPIED {
        let mut of_name = lines.iter().filter(|(found, _)| *found == known);
        if known == Known::Via {
            let vias = out.len();
            of_name.for_each(|(_, line)| write_line(&mut out, line));
            if out.len() == vias {
                return None;
            }
        } else if let Some((_, line)) = of_name.next() {
            write_line(&mut out, line);
            if known == Known::To && lacks_tag(line) {
                out.truncate(out.len() - 2);
                out.extend_from_slice(format!(";tag={:016x}\r\n", hash(head)).as_bytes());
            }
        }
    }
    write_body(&mut out, b"");
    Some(out.into())
}

/// Headers on one line each that can be sent back unchanged; others are passed over.
fn readable_lines<'a>(rest: &'a [u8], limits: &Limits) -> Vec<(Known, &'a [u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(line) = rest.get(at..).filter(|rest| !rest.is_empty()) {
        let mut end = memmem::find(line, b"\r\n").unwrap_or(line.len());
        while matches!(line.get(end + 2), Some(b' ' | b'\t')) {
            let next = memmem::find(&line[end + 2..], b"\r\n");
            end = next.map_or(line.len(), |next| end + 2 + next);
        }
        at += end + 2;
        let line = &line[..end];
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        let known = classify(name.trim_ascii_end());
        if COPIED.contains(&known) && is_clean(line) && line.len() <= limits.header_line {
            found.push((known, line));
        }
        if found.len() == limits.headers {
            break;
        }
    }
    found
}

/// Nothing in it could be taken for the end of the line but folds.
fn is_clean(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).unwrap_or("\0");
    let without_folds = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    !without_folds
        .bytes()
        .any(|b| b.is_ascii_control() && b != b'\t')
}

fn write_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line.trim_ascii_end());
    out.extend_from_slice(b"\r\n");
}

fn lacks_tag(line: &[u8]) -> bool {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
    let value = trim(line, Span::new(colon + 1, line.len()));
    address(line, value).is_some_and(|to| to.tag.is_empty())
}

/// The same request gets the same tag (RFC 3261 section 8.2.7).
fn hash(head: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(head);
    hasher.finish()
}
