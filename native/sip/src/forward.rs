//! A message as a proxy sends it on (RFC 3261 section 16.6).

use crate::compose::{EditError, checked, checked_uri, write_header, write_headers};
use crate::cursor::Cursor;
use crate::index::Line;
use crate::message::Message;
use crate::name::{Known, classify, same};
use crate::start_line::StartLine;

/// What to change; everything else stays byte for byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forward<'a> {
    /// Another Request-URI.
    pub uri: Option<&'a str>,
    /// Take the topmost Via value away.
    pub pop_via: bool,
    /// Put a Via value on top.
    pub push_via: Option<&'a str>,
    /// Take that many topmost Route values away.
    pub pop_routes: usize,
    /// Put a Record-Route value on top.
    pub push_record_route: Option<&'a str>,
    /// Set Max-Forwards, adding the header if there is none.
    pub max_forwards: Option<u8>,
    /// Remove every header of these names.
    pub drop: &'a [&'a str],
    /// Append these headers.
    pub add: &'a [(&'a str, &'a str)],
    /// Another body; Content-Length is renewed.
    pub body: Option<&'a [u8]>,
}

/// What happens to one line.
enum Fate {
    Keep,
    Drop,
    /// Keep what is left from this octet of the value on.
    CutTo(usize),
    Value(String),
}

impl Message {
    /// The message as `forward` says. A message that came without Content-Length (over WebSocket) gets one,
    /// for it may leave on a stream.
    ///
    /// # Errors
    /// If a given value would make it another message than the one meant.
    pub fn forwarded(&self, forward: &Forward<'_>) -> Result<Vec<u8>, EditError> {
        let is_length = |name: &&str| classify(name.as_bytes()) == Known::ContentLength;
        if forward.drop.iter().any(is_length) {
            return Err(EditError::ContentLength);
        }
        let body = forward.body.unwrap_or(self.body());
        let mut out = Vec::with_capacity(self.head.index.head + 512 + body.len());
        self.write_top(&mut out, forward)?;
        self.write_lines(&mut out, forward, body.len());
        if forward.max_forwards.is_some() && self.head.max_forwards.is_none() {
            let hops = forward.max_forwards.unwrap_or_default();
            write_header(&mut out, "Max-Forwards", &hops.to_string());
        }
        write_headers(&mut out, forward.add)?;
        if self.head.content_length.is_none() {
            write_header(&mut out, "Content-Length", &body.len().to_string());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        Ok(out)
    }

    /// The start line and what is put on top.
    fn write_top(&self, out: &mut Vec<u8>, forward: &Forward<'_>) -> Result<(), EditError> {
        let end = self.head.index.start_line.end as usize;
        match (self.head.start, forward.uri) {
            (_, None) => out.extend_from_slice(&self.raw[..end]),
            (StartLine::Request { uri, .. }, Some(new)) => {
                out.extend_from_slice(&self.raw[..uri.start as usize]);
                out.extend_from_slice(checked_uri(new)?.as_bytes());
                out.extend_from_slice(&self.raw[uri.end as usize..end]);
            }
            (StartLine::Response { .. }, Some(_)) => return Err(EditError::NotARequest),
        }
        out.extend_from_slice(b"\r\n");
        if let Some(via) = forward.push_via {
            write_header(out, "Via", checked(via)?);
        }
        if let Some(route) = forward.push_record_route {
            write_header(out, "Record-Route", checked(route)?);
        }
        Ok(())
    }

    /// The received lines; those that stay are copied in runs.
    fn write_lines(&self, out: &mut Vec<u8>, forward: &Forward<'_>, body: usize) {
        let mut vias = usize::from(forward.pop_via);
        let mut routes = forward.pop_routes;
        let mut run = self.head.index.start_line.end as usize + 2;
        for line in &self.head.index.lines {
            let (start, end) = (line.name.start as usize, line.end as usize);
            let fate = match line.known {
                _ if self.is_named(line, forward.drop) => Fate::Drop,
                Known::Via => self.popped(line, &mut vias),
                Known::Route => self.popped(line, &mut routes),
                Known::MaxForwards => match forward.max_forwards {
                    Some(hops) => Fate::Value(hops.to_string()),
                    None => Fate::Keep,
                },
                Known::ContentLength if forward.body.is_some() => Fate::Value(body.to_string()),
                _ => Fate::Keep,
            };
            if matches!(fate, Fate::Keep) {
                continue;
            }
            out.extend_from_slice(&self.raw[run..start]);
            run = end;
            let name_and_colon = start..line.value.start as usize;
            match fate {
                Fate::CutTo(value) => {
                    out.extend_from_slice(&self.raw[name_and_colon]);
                    run = value;
                }
                Fate::Value(value) => {
                    out.extend_from_slice(&self.raw[name_and_colon]);
                    out.extend_from_slice(value.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
                Fate::Keep | Fate::Drop => {}
            }
        }
        out.extend_from_slice(&self.raw[run..self.head.index.head - 2]);
    }

    fn is_named(&self, line: &Line, names: &[&str]) -> bool {
        let name = line.name.of(&self.raw);
        names.iter().any(|wanted| same(name, wanted.as_bytes()))
    }

    /// Take `left` values (or as many as there are) off the front of a line and count them down.
    fn popped(&self, line: &Line, left: &mut usize) -> Fate {
        if *left == 0 {
            return Fate::Keep;
        }
        let mut cursor = Cursor::new(&self.raw, line.value);
        while let Some(value) = cursor.list_value() {
            if value.is_empty() {
                continue;
            }
            if *left == 0 {
                return Fate::CutTo(value.start as usize);
            }
            *left -= 1;
        }
        Fate::Drop
    }
}
