//! The stream from a phone, made continuous when it begins anew under another SSRC.

use std::time::Instant;

use crate::rewrite::Rewriter;
use crate::rtcp::Reception;
use crate::rtp::Header;

/// See the module.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// What is to be reported of it, once something has come.
    pub(crate) reception: Option<Reception>,
    clock_rate: u32,
    sequence: u64,
    rewriter: Rewriter,
}

impl Incoming {
    /// Nothing has come; the numbers that it is given begin at random ones.
    pub(crate) fn new(clock_rate: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            reception: None,
            clock_rate,
            sequence: 0,
            rewriter: Rewriter::new(clock_rate, sequence, timestamp),
        }
    }

    /// The SSRC that it has now.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.reception.as_ref().map(Reception::ssrc)
    }

    /// Extended sequence number and continuous timestamp of a packet; `None` if it is too old.
    pub(crate) fn place(&mut self, now: Instant, header: &Header) -> Option<(u64, u32)> {
        let known = self.reception.take_if(|r| r.ssrc() == header.ssrc);
        let is_new = known.is_none();
        let reception =
            self.reception.insert(known.unwrap_or_else(|| {
                Reception::new(now, header.ssrc, self.clock_rate, header.sequence)
            }));
        reception.receive(now, header.sequence, header.timestamp);
        if is_new {
            // One cycle up, so that a packet before the first one has a number too.
            self.sequence = 0x1_0000 + u64::from(header.sequence);
            self.rewriter.switch();
        }
        let ahead = header.sequence.wrapping_sub(self.sequence as u16) as i16;
        let sequence = self.sequence.checked_add_signed(i64::from(ahead))?;
        self.sequence = self.sequence.max(sequence);
        self.rewriter.map(now, sequence, header.timestamp)
    }
}
