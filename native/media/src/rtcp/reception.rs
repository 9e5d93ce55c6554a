//! What is to be reported of a received stream (RFC 3550 appendices A.3 and A.8).

use std::time::{Duration, Instant};

use super::{ReportBlock, SenderInfo};

/// Statistics of one received stream.
#[derive(Debug)]
pub struct Reception {
    ssrc: u32,
    clock_rate: u32,
    base: u16,
    cycles: u32,
    newest: u16,
    received: u32,
    /// Expected and received when the last report was made.
    reported: (u32, u32),
    epoch: Instant,
    last_transit: Option<u32>,
    /// In sixteenths of a tick.
    jitter: u32,
    last_report: Option<(u32, Instant)>,
}

impl Reception {
    /// A stream whose first packet, with this sequence number, has just come. That packet is
    /// counted by [`Self::receive`] like every other.
    #[must_use]
    pub fn new(now: Instant, ssrc: u32, clock_rate: u32, first_sequence: u16) -> Self {
        Self {
            ssrc,
            clock_rate,
            base: first_sequence,
            cycles: 0,
            newest: first_sequence,
            received: 0,
            reported: (0, 0),
            epoch: now,
            last_transit: None,
            jitter: 0,
            last_report: None,
        }
    }

    /// The stream's SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// An authentic packet has come.
    pub fn receive(&mut self, now: Instant, sequence: u16, timestamp: u32) {
        self.received = self.received.wrapping_add(1);
        let ahead = sequence.wrapping_sub(self.newest);
        if ahead != 0 && ahead < 0x8000 {
            if sequence < self.newest {
                self.cycles = self.cycles.wrapping_add(1);
            }
            self.newest = sequence;
        }
        let arrival = self.ticks(now.saturating_duration_since(self.epoch));
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.last_transit.replace(transit) {
            let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            // Someone who leaps with timestamps must not overflow the estimate.
            let difference = difference.min(u32::MAX >> 5);
            self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "RTP time wraps at 32 bits by design"
    )]
    fn ticks(&self, span: Duration) -> u32 {
        (span.as_micros() * u128::from(self.clock_rate) / 1_000_000) as u32
    }

    /// The peer's sender report has come.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the middle 32 bits are meant"
    )]
    pub fn sender_report(&mut self, now: Instant, sender: &SenderInfo) {
        self.last_report = Some(((sender.ntp >> 16) as u32, now));
    }

    /// The block for the next report; the loss fraction is counted from the last one made.
    pub fn report(&mut self, now: Instant) -> ReportBlock {
        let highest_sequence = self.cycles << 16 | u32::from(self.newest);
        let expected = highest_sequence
            .wrapping_sub(u32::from(self.base))
            .wrapping_add(1);
        let (expected_before, received_before) =
            std::mem::replace(&mut self.reported, (expected, self.received));
        let due = expected.wrapping_sub(expected_before);
        let lost = i64::from(due) - i64::from(self.received.wrapping_sub(received_before));
        let fraction = if due == 0 {
            0
        } else {
            (lost.max(0) * 256 / i64::from(due)).min(255)
        };
        let total_lost = i64::from(expected) - i64::from(self.received);
        let (last_report, delay) = self
            .last_report
            .map_or((0, 0), |(middle, at)| (middle, fractions(now, at)));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            total_lost: i32::try_from(total_lost.clamp(-0x80_0000, 0x7F_FFFF)).unwrap_or(0),
            highest_sequence,
            jitter: self.jitter >> 4,
            last_report,
            delay,
        }
    }
}

/// The time from `at` to `now` in 65536ths of a second.
fn fractions(now: Instant, at: Instant) -> u32 {
    let span = now.saturating_duration_since(at);
    u32::try_from(span.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn loss_is_counted_in_all_and_since_the_last_report() {
        let start = Instant::now();
        let mut reception = Reception::new(start, 9, 8_000, 65_530);
        for n in (0..20u16).filter(|n| n % 4 != 3) {
            reception.receive(
                at(start, u64::from(n) * 20),
                n.wrapping_add(65_530),
                u32::from(n) * 160,
            );
        }
        let block = reception.report(at(start, 400));
        // The last of the twenty never came, so nineteen were expected.
        assert_eq!((block.ssrc, block.total_lost), (9, 4));
        assert_eq!(u32::from(block.fraction_lost), 4 * 256 / 19);
        assert_eq!(block.highest_sequence, 65_530 + 18);
        assert_eq!(block.jitter, 0);
        let block = reception.report(at(start, 500));
        assert_eq!((block.total_lost, block.fraction_lost), (4, 0));
    }

    #[test]
    fn jitter_approaches_the_mean_deviation() {
        let start = Instant::now();
        let mut reception = Reception::new(start, 9, 8_000, 0);
        for n in 0..500u16 {
            let wobble = u64::from(n % 2) * 10;
            reception.receive(at(start, u64::from(n) * 20 + wobble), n, u32::from(n) * 160);
        }
        let jitter = reception.report(at(start, 10_000)).jitter;
        assert!(
            (75..=80).contains(&jitter),
            "{jitter} ticks for 10 ms at 8 kHz"
        );
    }

    #[test]
    fn the_last_sender_report_is_answered() {
        let start = Instant::now();
        let mut reception = Reception::new(start, 9, 8_000, 0);
        assert_eq!(reception.report(start).last_report, 0);
        let sender = SenderInfo {
            ntp: 0x1122_3344_5566_7788,
            rtp_timestamp: 0,
            packets: 0,
            octets: 0,
        };
        reception.sender_report(start, &sender);
        let block = reception.report(at(start, 1_500));
        assert_eq!((block.last_report, block.delay), (0x3344_5566, 98_304));
    }

    proptest! {
        #[test]
        fn any_numbers_are_taken(
            packets in prop::collection::vec((any::<u16>(), any::<u32>(), 0u64..10_000), 0..100)
        ) {
            let start = Instant::now();
            let mut reception = Reception::new(start, 9, 48_000, 7);
            for (sequence, timestamp, millis) in packets {
                reception.receive(at(start, millis), sequence, timestamp);
                reception.report(at(start, millis));
            }
        }
    }
}
