//! What every message must have (RFC 3261 section 8.1.1), read once.

use crate::address::{Address, address};
use crate::cursor::{Cursor, Span, is_lws, is_whole_token, number};
use crate::index::{Index, Line};
use crate::limits::Limits;
use crate::name::Known;
use crate::refusal::Refusal;
use crate::start_line::{StartLine, start_line};
use crate::via::via_line;

const LARGEST_CSEQ: u32 = (1 << 31) - 1;

/// A head that holds everything a message needs.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) index: Index,
    pub(crate) start: StartLine,
    pub(crate) via_count: u32,
    pub(crate) branch: Span,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) call_id: Span,
    pub(crate) cseq: u32,
    pub(crate) cseq_method: Span,
    pub(crate) max_forwards: Option<u8>,
    pub(crate) content_length: Option<usize>,
}

/// A head that doesn't, and its Content-Length if one could be told.
#[derive(Debug)]
pub(crate) struct Unsound {
    pub(crate) refusal: Refusal,
    pub(crate) content_length: Option<usize>,
}

impl From<Refusal> for Unsound {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            content_length: None,
        }
    }
}

/// Read a head that ends in an empty line.
pub(crate) fn read_head(bytes: &[u8], limits: &Limits) -> Result<Head, Unsound> {
    let index = crate::index::index(bytes, limits)?;
    let content_length = content_length(bytes, &index)?;
    check(bytes, index, content_length).map_err(|refusal| Unsound {
        refusal,
        content_length,
    })
}

/// The one Content-Length. A second one, even of the same value, leaves no way to tell the message's end.
fn content_length(bytes: &[u8], index: &Index) -> Result<Option<usize>, Refusal> {
    let mut lines = index.of(Known::ContentLength);
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() {
        return Err(Refusal::RepeatedContentLength);
    }
    match number(line.value.of(bytes), u32::MAX) {
        Some(length) => Ok(Some(length as usize)),
        None => Err(Refusal::ContentLength),
    }
}

fn check(bytes: &[u8], index: Index, content_length: Option<usize>) -> Result<Head, Refusal> {
    let start = start_line(bytes, index.start_line)?;
    let mut seen = 0;
    let mut vias = None;
    let (mut from, mut to, mut call_id, mut cseq, mut max_forwards) =
        (None, None, None, None, None);
    for line in &index.lines {
        let bit = line.known.single_bit();
        if seen & bit != 0 {
            return Err(Refusal::Repeated);
        }
        seen |= bit;
        let value = line.value;
        match line.known {
            Known::Via => {
                let (count, branch) = via_line(bytes, value).ok_or(Refusal::Via)?;
                let (total, _) = vias.get_or_insert((0, branch));
                *total += count;
            }
            Known::From => from = Some(address(bytes, value).ok_or(Refusal::From)?),
            Known::To => to = Some(address(bytes, value).ok_or(Refusal::To)?),
            Known::CallId => call_id = Some(checked_call_id(bytes, value)?),
            Known::CSeq => cseq = Some(read_cseq(bytes, value).ok_or(Refusal::CSeq)?),
            Known::MaxForwards => {
                let hops = number(value.of(bytes), 255).ok_or(Refusal::MaxForwards)?;
                max_forwards = Some(hops as u8);
            }
            Known::Contact => check_contact(bytes, line)?,
            _ => {}
        }
    }
    let (via_count, branch) = vias.ok_or(Refusal::MissingVia)?;
    let (cseq, cseq_method) = cseq.ok_or(Refusal::MissingCSeq)?;
    if let StartLine::Request { method, .. } = start
        && method.of(bytes) != cseq_method.of(bytes)
    {
        return Err(Refusal::CSeqMethod);
    }
    Ok(Head {
        start,
        via_count,
        branch,
        from: from.ok_or(Refusal::MissingFrom)?,
        to: to.ok_or(Refusal::MissingTo)?,
        call_id: call_id.ok_or(Refusal::MissingCallId)?,
        cseq,
        cseq_method,
        max_forwards,
        content_length,
        index,
    })
}

fn checked_call_id(bytes: &[u8], value: Span) -> Result<Span, Refusal> {
    let text = value.of(bytes);
    if text.is_empty() || text.iter().copied().any(is_lws) {
        return Err(Refusal::CallId);
    }
    Ok(value)
}

fn read_cseq(bytes: &[u8], value: Span) -> Option<(u32, Span)> {
    let mut cursor = Cursor::new(bytes, value);
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let gap = cursor.skip_lws();
    let method = Span::new(cursor.at(), value.end as usize);
    let sound = !gap.is_empty() && is_whole_token(method.of(bytes));
    let number = number(digits.of(bytes), LARGEST_CSEQ)?;
    sound.then_some((number, method))
}

fn check_contact(bytes: &[u8], line: &Line) -> Result<(), Refusal> {
    if line.value.of(bytes) == b"*" {
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes, line.value);
    let mut any = false;
    while let Some(value) = cursor.list_value() {
        address(bytes, value).ok_or(Refusal::Contact)?;
        any = true;
    }
    if any { Ok(()) } else { Err(Refusal::Contact) }
}
