//! RTCP (RFC 3550 section 6) as a phone's leg needs it: reports both ways, what receivers ask for, and goodbye.

mod feedback;
mod reception;

pub use feedback::{Feedback, Lost, write_keyframe_request};
pub use reception::Reception;

use std::time::Duration;

use thiserror::Error;

const VERSION_BITS: u8 = 0b1000_0000;
const VERSION_MASK: u8 = 0b1100_0000;
const PADDING_BIT: u8 = 0b0010_0000;
const COUNT_MASK: u8 = 0b0001_1111;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// Item type of the canonical name.
const CNAME: u8 = 1;
/// Octets of a report block.
const BLOCK: usize = 24;
/// Octets of a sender report's own part, after the SSRC.
const SENDER_INFO: usize = 20;
/// Blocks and sources that fit the five bits of their count.
const MAX_COUNT: usize = 31;

/// Why bytes are no compound RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtcpMalformed {
    /// Fewer octets than a length field says.
    #[error("RTCP packet is cut short")]
    Truncated,
    /// A part's version field is not 2.
    #[error("RTCP version is not 2")]
    Version,
    /// The first part is no report (RFC 3550 appendix A.2; we don't agree to RFC 5506).
    #[error("RTCP packet does not begin with a report")]
    Beginning,
}

/// What a sender says of its own stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// Time of the report: seconds since 1900 in the upper 32 bits, fractions in the lower. Any
    /// clock will do that is common to the sender's streams.
    pub ntp: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload octets sent so far.
    pub octets: u32,
}

/// What a receiver says of a stream (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost so far; negative if packets came twice. 24 bits.
    pub total_lost: i32,
    /// Extended highest sequence number.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp ticks.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub last_report: u32,
    /// Time since that report came, in 65536ths of a second.
    pub delay: u32,
}

impl ReportBlock {
    /// The share that was lost since the last report, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f32 {
        f32::from(self.fraction_lost) / 256.0
    }

    fn write(&self, out: &mut Vec<u8>) {
        let lost = self.total_lost.clamp(-0x80_0000, 0x7F_FFFF).to_be_bytes();
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&[self.fraction_lost, lost[1], lost[2], lost[3]]);
        for word in [
            self.highest_sequence,
            self.jitter,
            self.last_report,
            self.delay,
        ] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    fn parse(octets: &[u8; BLOCK]) -> Self {
        let lost = word(octets, 4);
        Self {
            ssrc: word(octets, 0),
            fraction_lost: octets[4],
            // Shifted up and down again to carry the sign of 24 bits.
            total_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: word(octets, 8),
            jitter: word(octets, 12),
            last_report: word(octets, 16),
            delay: word(octets, 20),
        }
    }
}

/// A time span as RTCP has it: seconds in the upper 32 bits, fractions in the lower. Reports need one
/// clock for all streams of a sender, not the time of day (RFC 3550 section 6.4.1).
#[must_use]
pub fn fixed_point(span: Duration) -> u64 {
    let fraction = (u64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
    span.as_secs() << 32 | fraction
}

/// The big-endian word at `at`; octets beyond the end are zero.
fn word(octets: &[u8], at: usize) -> u32 {
    let chunk = octets.get(at..).and_then(<[u8]>::first_chunk);
    chunk.map_or(0, |chunk| u32::from_be_bytes(*chunk))
}

/// Append a compound packet: a sender report if `sender` is given, else a receiver report, with up
/// to 31 blocks, and the canonical name (at most 255 octets of it).
pub fn write_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    sender: Option<&SenderInfo>,
    blocks: &[ReportBlock],
    cname: &str,
) {
    let blocks = &blocks[..blocks.len().min(MAX_COUNT)];
    let kind = if sender.is_some() {
        SENDER_REPORT
    } else {
        RECEIVER_REPORT
    };
    let start = begin(out, kind, blocks.len(), ssrc);
    if let Some(sender) = sender {
        out.extend_from_slice(&sender.ntp.to_be_bytes());
        for word in [sender.rtp_timestamp, sender.packets, sender.octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
    for block in blocks {
        block.write(out);
    }
    finish(out, start);
    write_description(out, ssrc, cname);
}

fn write_description(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let start = begin(out, SOURCE_DESCRIPTION, 1, ssrc);
    let name = &cname.as_bytes()[..cname.len().min(255)];
    out.push(CNAME);
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name);
    // At least one zero octet ends the list of items.
    out.push(0);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    finish(out, start);
}

/// Append a goodbye; a compound packet has a report before it.
pub fn write_goodbye(out: &mut Vec<u8>, ssrc: u32) {
    let start = begin(out, GOODBYE, 1, ssrc);
    finish(out, start);
}

/// Start a part; its length is written by `finish`.
fn begin(out: &mut Vec<u8>, kind: u8, count: usize, ssrc: u32) -> usize {
    let start = out.len();
    let count = u8::try_from(count).unwrap_or(COUNT_MASK) & COUNT_MASK;
    out.extend_from_slice(&[VERSION_BITS | count, kind, 0, 0]);
    out.extend_from_slice(&ssrc.to_be_bytes());
    start
}

fn finish(out: &mut [u8], start: usize) {
    let words = (out.len() - start) / 4 - 1;
    let length = u16::try_from(words).unwrap_or(u16::MAX).to_be_bytes();
    out[start + 2..start + 4].copy_from_slice(&length);
}

/// One part of a compound packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A sender report.
    SenderReport {
        /// Whose.
        ssrc: u32,
        /// Of its own stream.
        sender: SenderInfo,
        /// Of the streams it receives.
        blocks: Blocks<'a>,
    },
    /// A receiver report.
    ReceiverReport {
        /// Whose.
        ssrc: u32,
        /// Of the streams it receives.
        blocks: Blocks<'a>,
    },
    /// Sources that have ended.
    Goodbye(Sources<'a>),
    /// What a receiver asks for, by packet type and format; see [`Part::feedback`].
    Feedback {
        /// Its packet type.
        kind: u8,
        /// Its format, which is where other parts have a count.
        format: u8,
        /// All after its length.
        body: &'a [u8],
    },
    /// Anything else, by its packet type.
    Other(u8),
}

/// The blocks of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [[u8; BLOCK]]);

impl<'a> Blocks<'a> {
    /// Each block.
    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.0.iter().map(ReportBlock::parse)
    }
}

/// The sources of a goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources<'a>(&'a [[u8; 4]]);

impl<'a> Sources<'a> {
    /// Each SSRC.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.0.iter().map(|octets| u32::from_be_bytes(*octets))
    }
}

/// Read a plain (already authenticated and decrypted) compound packet. Every part is checked
/// before the first is given out.
///
/// # Errors
/// [`RtcpMalformed`].
pub fn parse(bytes: &[u8]) -> Result<impl Iterator<Item = Part<'_>>, RtcpMalformed> {
    if !matches!(bytes, [_, SENDER_REPORT | RECEIVER_REPORT, ..]) {
        return Err(if bytes.len() < 2 {
            RtcpMalformed::Truncated
        } else {
            RtcpMalformed::Beginning
        });
    }
    parse_reduced(bytes)
}

/// As [`parse`], of a packet that need not begin with a report: phones send what they ask for alone
/// (RFC 5506), agreed or not.
///
/// # Errors
/// [`RtcpMalformed`].
pub fn parse_reduced(bytes: &[u8]) -> Result<impl Iterator<Item = Part<'_>>, RtcpMalformed> {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = split_part(rest)?.1;
    }
    let mut rest = bytes;
    Ok(std::iter::from_fn(move || {
        let (part, after) = split_part(rest).ok()?;
        rest = after;
        Some(part)
    }))
}

fn split_part(bytes: &[u8]) -> Result<(Part<'_>, &[u8]), RtcpMalformed> {
    let head: &[u8; 4] = bytes.first_chunk().ok_or(RtcpMalformed::Truncated)?;
    if head[0] & VERSION_MASK != VERSION_BITS {
        return Err(RtcpMalformed::Version);
    }
    let length = 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (part, rest) = bytes
        .split_at_checked(length)
        .ok_or(RtcpMalformed::Truncated)?;
    let padding = match part.last() {
        Some(count) if head[0] & PADDING_BIT != 0 => usize::from(*count),
        _ => 0,
    };
    let end = part
        .len()
        .checked_sub(padding)
        .ok_or(RtcpMalformed::Truncated)?;
    let body = part.get(4..end).ok_or(RtcpMalformed::Truncated)?;
    Ok((
        read_part(head[1], usize::from(head[0] & COUNT_MASK), body)?,
        rest,
    ))
}

fn read_part(kind: u8, count: usize, body: &[u8]) -> Result<Part<'_>, RtcpMalformed> {
    let ssrc = || body.first_chunk().map(|ssrc| u32::from_be_bytes(*ssrc));
    match kind {
        SENDER_REPORT => {
            let info: &[u8; SENDER_INFO] = body
                .get(4..)
                .and_then(<[u8]>::first_chunk)
                .ok_or(RtcpMalformed::Truncated)?;
            Ok(Part::SenderReport {
                ssrc: ssrc().ok_or(RtcpMalformed::Truncated)?,
                sender: SenderInfo {
                    ntp: u64::from(word(info, 0)) << 32 | u64::from(word(info, 4)),
                    rtp_timestamp: word(info, 8),
                    packets: word(info, 12),
                    octets: word(info, 16),
                },
                blocks: Blocks(items(&body[4 + SENDER_INFO..], count)?),
            })
        }
        RECEIVER_REPORT => Ok(Part::ReceiverReport {
            ssrc: ssrc().ok_or(RtcpMalformed::Truncated)?,
            blocks: Blocks(items(&body[4..], count)?),
        }),
        GOODBYE => Ok(Part::Goodbye(Sources(items(body, count)?))),
        feedback::OLD_KEYFRAME_REQUEST
        | feedback::TRANSPORT_FEEDBACK
        | feedback::PAYLOAD_FEEDBACK => Ok(Part::Feedback {
            kind,
            format: count as u8,
            body,
        }),
        other => Ok(Part::Other(other)),
    }
}

/// The first `count` items of equal size.
fn items<const SIZE: usize>(body: &[u8], count: usize) -> Result<&[[u8; SIZE]], RtcpMalformed> {
    body.as_chunks()
        .0
        .get(..count)
        .ok_or(RtcpMalformed::Truncated)
}

#[cfg(test)]
mod tests;
