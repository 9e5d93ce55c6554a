//! Writing messages: new requests, and responses to received ones (RFC 3261 section 8.2.6).

use thiserror::Error;

use crate::cursor::{is_lws, is_whole_token};
use crate::message::Message;
use crate::name::{Known, classify};
use crate::phrase::phrase;
use crate::start_line::StartLine;

/// A value that must not be written into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each variant's text says it")]
pub enum EditError {
    #[error("a value holds CR, LF or NUL")]
    ForbiddenCharacter,
    #[error("a header name is not a token")]
    HeaderName,
    #[error("the method is not a token")]
    Method,
    #[error("the Request-URI is empty or holds white space")]
    RequestUri,
    #[error("the status is not between 100 and 699")]
    Status,
    #[error("the tag is not a token")]
    Tag,
    #[error("Content-Length is written by the serialiser alone")]
    ContentLength,
    #[error("only a request has a Request-URI and can be answered")]
    NotARequest,
}

/// Serialise a new request; Content-Length is written last.
///
/// # Errors
/// If a part would make it another message than the one meant.
pub fn build_request(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Vec<u8>, EditError> {
    if !is_whole_token(method.as_bytes()) {
        return Err(EditError::Method);
    }
    let mut out = Vec::with_capacity(512 + body.len());
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(checked_uri(uri)?.as_bytes());
    out.extend_from_slice(b" SIP/2.0\r\n");
    write_headers(&mut out, headers)?;
    write_body(&mut out, body);
    Ok(out)
}

impl Message {
    /// A response to this request. Via, From, To, Call-ID, CSeq and Record-Route are copied (Timestamp too
    /// into a 100); `to_tag` is added if To has none; an empty `reason` becomes the usual phrase.
    ///
    /// # Errors
    /// If this is no request, or a part would make it another message than the one meant.
    pub fn response(
        &self,
        status: u16,
        reason: &str,
        to_tag: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<u8>, EditError> {
        if !matches!(self.head.start, StartLine::Request { .. }) {
            return Err(EditError::NotARequest);
        }
        if !(100..=699).contains(&status) {
            return Err(EditError::Status);
        }
        if to_tag.is_some_and(|tag| !is_whole_token(tag.as_bytes())) {
            return Err(EditError::Tag);
        }
        let reason = if reason.is_empty() {
            phrase(status)
        } else {
            checked(reason)?
        };
        let mut out = Vec::with_capacity(self.head.index.head + 256 + body.len());
        write_status_line(&mut out, status, reason);
        for line in &self.head.index.lines {
            let copied = match line.known {
                Known::Via
                | Known::From
                | Known::To
                | Known::CallId
                | Known::CSeq
                | Known::RecordRoute => true,
                Known::Timestamp => status == 100,
                _ => false,
            };
            if !copied {
                continue;
            }
            out.extend_from_slice(&self.raw[line.name.start as usize..line.value.end as usize]);
            if let (Known::To, true, Some(tag)) = (line.known, self.to_tag().is_empty(), to_tag) {
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(tag.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        write_headers(&mut out, headers)?;
        write_body(&mut out, body);
        Ok(out)
    }
}

pub(crate) fn write_status_line(out: &mut Vec<u8>, status: u16, reason: &str) {
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_headers(out: &mut Vec<u8>, headers: &[(&str, &str)]) -> Result<(), EditError> {
    for &(name, value) in headers {
        if !is_whole_token(name.as_bytes()) {
            return Err(EditError::HeaderName);
        }
        if classify(name.as_bytes()) == Known::ContentLength {
            return Err(EditError::ContentLength);
        }
        write_header(out, name, checked(value)?);
    }
    Ok(())
}

pub(crate) fn write_body(out: &mut Vec<u8>, body: &[u8]) {
    write_header(out, "Content-Length", &body.len().to_string());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// Text that stays within its line.
pub(crate) fn checked(text: &str) -> Result<&str, EditError> {
    match text.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        true => Err(EditError::ForbiddenCharacter),
        false => Ok(text),
    }
}

pub(crate) fn checked_uri(uri: &str) -> Result<&str, EditError> {
    if checked(uri)?.is_empty() || uri.bytes().any(is_lws) {
        return Err(EditError::RequestUri);
    }
    Ok(uri)
}
