//! Making one continuous stream of what many senders sent.
//!
//! A receiver sees one SSRC per slot. When the slot is given to another sender, sequence numbers go
//! on by one, timestamps by the time that has passed, and VP8 picture ids by one, so that its jitter
//! buffer and decoder notice nothing but a keyframe (RFC 3550 section 5.1, RFC 7741 section 4.2).

use std::collections::VecDeque;
use std::time::Instant;

use str0m::rtp::Vp8Descriptor;

/// VP8 picture ids have 15 bits.
const PICTURE_ID_MASK: u16 = 0x7fff;
/// Of what was left out so much is remembered, for what comes late.
const REMEMBERED: usize = 64;

/// Sequence numbers and timestamps of one outgoing stream.
#[derive(Debug)]
pub struct Rewriter {
    clock: u64,
    last_sequence: u64,
    last_timestamp: u32,
    last_sent: Option<Instant>,
    base: Option<Base>,
}

#[derive(Debug)]
struct Base {
    first_in: u64,
    first_out: u64,
    timestamp_offset: u32,
    skipped: u64,
    /// The newest of what was skipped.
    recent: VecDeque<u64>,
}

impl Base {
    /// Where a packet is in what goes out; `None` if it is older than the first, or than what is remembered.
    fn place(&self, sequence: u64) -> Option<u64> {
        let after = self.recent.iter().filter(|s| **s > sequence).count() as u64;
        if after > 0 && after == REMEMBERED as u64 {
            return None;
        }
        let out = self.first_out + sequence.checked_sub(self.first_in)?;
        out.checked_sub(self.skipped - after)
    }
}

impl Rewriter {
    /// A stream of this clock rate whose first packet has `sequence` + 1. Keep `sequence` in the
    /// lower half of 16 bits: a receiver that misses the first packets must not see a rollover.
    pub fn new(clock: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            clock: u64::from(clock),
            last_sequence: u64::from(sequence & 0x7fff),
            last_timestamp: timestamp,
            last_sent: None,
            base: None,
        }
    }

    /// The next packet comes from another sender.
    pub fn switch(&mut self) {
        self.base = None;
    }

    /// A packet, newer than all that were sent, is left out: those after it take its place.
    pub fn skip(&mut self, sequence: u64) {
        let Some(base) = &mut self.base else {
            return;
        };
        if base.recent.contains(&sequence) {
            return;
        }
        base.skipped += 1;
        if base.recent.len() == REMEMBERED {
            base.recent.pop_front();
        }
        base.recent.push_back(sequence);
    }

    /// Sequence number and timestamp to send a packet with; `None` if it is older than the first one
    /// that was sent of this sender.
    pub fn map(&mut self, now: Instant, sequence: u64, timestamp: u32) -> Option<(u64, u32)> {
        let base = match &self.base {
            Some(base) => base,
            None => {
                let at = self.timestamp_at(now);
                self.base.insert(Base {
                    first_in: sequence,
                    first_out: self.last_sequence + 1,
                    timestamp_offset: at.wrapping_sub(timestamp),
                    skipped: 0,
                    recent: VecDeque::new(),
                })
            }
        };
        let out = base.place(sequence)?;
        let time = timestamp.wrapping_add(base.timestamp_offset);
        if out > self.last_sequence {
            self.last_sequence = out;
            self.last_timestamp = time;
            self.last_sent = Some(now);
        }
        Some((out, time))
    }

    /// Numbers for packets of our own, which all sent so far come before: the first sequence number, and the
    /// timestamp. After them the next packet comes from another sender.
    pub fn insert(&mut self, now: Instant, count: u64) -> (u64, u32) {
        let (first, timestamp) = (self.last_sequence + 1, self.timestamp_at(now));
        self.last_sequence += count;
        self.last_timestamp = timestamp;
        self.last_sent = Some(now);
        self.base = None;
        (first, timestamp)
    }

    /// Where the stream's clock is now, one unit after the last packet at least.
    pub fn timestamp_at(&self, now: Instant) -> u32 {
        let Some(last) = self.last_sent else {
            return self.last_timestamp;
        };
        let micros = now.saturating_duration_since(last).as_micros() as u64;
        let units = (micros.saturating_mul(self.clock) / 1_000_000).max(1);
        self.last_timestamp.wrapping_add(units as u32)
    }
}

/// The ids of one packet as its receiver is to see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Ids {
    /// 15 bits.
    pub picture: u16,
    /// TL0PICIDX, if the packet has one.
    pub layer: Option<u8>,
}

/// VP8 picture ids and TL0PICIDX of one outgoing stream.
#[derive(Debug, Default)]
pub struct Vp8Rewriter {
    last: Option<(u16, u8)>,
    offset: Option<(u16, u8)>,
    /// The newest pictures that were left out, and went by these ids.
    skipped: VecDeque<u16>,
}

impl Vp8Rewriter {
    /// The next packet comes from another sender.
    pub fn switch(&mut self) {
        self.offset = None;
        self.skipped.clear();
    }

    /// A picture, newer than all that were sent, is left out: those after it take its id. Each of its packets may
    /// say so.
    pub fn skip(&mut self, descriptor: &Vp8Descriptor) {
        let Some((picture, (offset, _))) = descriptor.picture_id().zip(self.offset.as_mut()) else {
            return;
        };
        if self.skipped.contains(&picture) {
            return;
        }
        *offset = offset.wrapping_sub(1) & PICTURE_ID_MASK;
        if self.skipped.len() == REMEMBERED {
            self.skipped.pop_front();
        }
        self.skipped.push_back(picture);
    }

    /// Ids come round again: what was left out long before a picture is forgotten.
    fn forget_skipped_long_before(&mut self, picture: u16) {
        self.skipped.retain(|other| {
            let behind = picture.wrapping_sub(*other) & PICTURE_ID_MASK;
            usize::from(behind) <= 4 * REMEMBERED || behind > PICTURE_ID_MASK / 2
        });
    }

    /// How many pictures were left out after one.
    fn skipped_after(&self, picture: u16) -> u16 {
        let is_after = |other: &&u16| {
            let ahead = other.wrapping_sub(picture) & PICTURE_ID_MASK;
            ahead != 0 && ahead <= PICTURE_ID_MASK / 2
        };
        self.skipped.iter().filter(is_after).count() as u16
    }

    /// The ids that a packet is to have, if it has any.
    pub fn ids(&mut self, descriptor: &Vp8Descriptor) -> Option<Vp8Ids> {
        let picture = descriptor.picture_id()?;
        let layer = descriptor.tl0_pic_idx();
        let (picture_offset, layer_offset) = *self.offset.get_or_insert(match self.last {
            None => (0, 0),
            Some((last_picture, last_layer)) => (
                last_picture.wrapping_add(1).wrapping_sub(picture) & PICTURE_ID_MASK,
                last_layer
                    .wrapping_add(1)
                    .wrapping_sub(layer.unwrap_or_default()),
            ),
        });
        self.forget_skipped_long_before(picture);
        let late = self.skipped_after(picture);
        let picture = picture.wrapping_add(picture_offset).wrapping_add(late) & PICTURE_ID_MASK;
        let layer_out = layer.unwrap_or_default().wrapping_add(layer_offset);
        self.remember(picture, layer_out);
        Some(Vp8Ids {
            picture,
            layer: layer.map(|_| layer_out),
        })
    }

    /// The id of a picture of our own that comes after all others.
    pub fn next_picture(&mut self) -> u16 {
        let (picture, layer) = self.last.unwrap_or_default();
        let next = picture.wrapping_add(1) & PICTURE_ID_MASK;
        self.last = Some((next, layer));
        self.switch();
        next
    }

    /// Reordered packets must not take the newest id back.
    fn remember(&mut self, picture: u16, layer: u8) {
        let newer = self.last.is_none_or(|(last, _)| {
            picture.wrapping_sub(last) & PICTURE_ID_MASK <= PICTURE_ID_MASK / 2
        });
        if newer {
            self.last = Some((picture, layer));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_switch_continues_the_sequence_and_the_clock() {
        let start = Instant::now();
        let mut stream = Rewriter::new(48_000, 99, 1_000);
        assert_eq!(stream.map(start, 5_000, 70), Some((100, 1_000)));
        assert_eq!(stream.map(start, 5_002, 2_000), Some((102, 2_930)));
        assert_eq!(stream.map(start, 5_001, 1_030), Some((101, 1_960)));
        stream.switch();
        let later = start + Duration::from_millis(20);
        assert_eq!(stream.map(later, 9, 4_000_000_000), Some((103, 3_890)));
        assert_eq!(stream.map(later, 8, 3_999_999_040), None);
        assert_eq!(stream.map(later, 10, 4_000_000_960), Some((104, 4_850)));
    }

    #[test]
    fn timestamps_wrap() {
        let start = Instant::now();
        let mut stream = Rewriter::new(90_000, 0, u32::MAX);
        assert_eq!(stream.map(start, 1, 10), Some((1, u32::MAX)));
        assert_eq!(stream.map(start, 2, 11), Some((2, 0)));
    }

    fn vp8(picture: u16, layer: u8) -> [u8; 6] {
        let [high, low] = (picture | 0x8000).to_be_bytes();
        [0x90, 0xe0, high, low, layer, 0x00]
    }

    fn patched(stream: &mut Vp8Rewriter, picture: u16, layer: u8) -> Option<(u16, u8)> {
        let mut payload = vp8(picture, layer).to_vec();
        payload.push(0x01);
        let descriptor = Vp8Descriptor::parse(&payload).unwrap();
        stream.ids(&descriptor).map(|_| stream.last.unwrap())
    }

    #[test]
    fn picture_ids_go_on_by_one() {
        let mut stream = Vp8Rewriter::default();
        assert_eq!(patched(&mut stream, 7, 1), Some((7, 1)));
        assert_eq!(patched(&mut stream, 8, 2), Some((8, 2)));
        stream.switch();
        assert_eq!(patched(&mut stream, 30_000, 200), Some((9, 3)));
        assert_eq!(patched(&mut stream, 30_001, 201), Some((10, 4)));
        // A late packet of the picture before does not turn the newest back.
        assert_eq!(patched(&mut stream, 30_000, 200), Some((10, 4)));
    }

    #[test]
    fn what_comes_after_a_skipped_packet_takes_its_number() {
        let now = Instant::now();
        let mut stream = Rewriter::new(90_000, 99, 0);
        let out = |stream: &mut Rewriter, sequence| stream.map(now, sequence, 0).unwrap().0;
        assert_eq!(out(&mut stream, 500), 100);
        stream.skip(501);
        stream.skip(501);
        stream.skip(503);
        assert_eq!(out(&mut stream, 504), 102);
        assert_eq!(out(&mut stream, 502), 101, "it was overtaken");
        assert_eq!(out(&mut stream, 500), 100);
        assert_eq!(out(&mut stream, 505), 103);
    }

    #[test]
    fn what_comes_after_a_skipped_picture_takes_its_id() {
        let mut stream = Vp8Rewriter::default();
        let ids = |stream: &mut Vp8Rewriter, picture| {
            let payload = [&vp8(picture, 1)[..], &[1]].concat();
            let descriptor = Vp8Descriptor::parse(&payload).unwrap();
            stream.ids(&descriptor).unwrap().picture
        };
        let skip = |stream: &mut Vp8Rewriter, picture| {
            let payload = [&vp8(picture, 1)[..], &[1]].concat();
            stream.skip(&Vp8Descriptor::parse(&payload).unwrap());
        };
        assert_eq!(ids(&mut stream, 0x7ffe), 0x7ffe);
        skip(&mut stream, 0x7fff);
        skip(&mut stream, 0x7fff);
        skip(&mut stream, 1);
        assert_eq!(ids(&mut stream, 2), 0);
        assert_eq!(ids(&mut stream, 0), 0x7fff, "it was overtaken");
        assert_eq!(ids(&mut stream, 3), 1);
        for picture in 4..40_000_u16 {
            let picture = picture & PICTURE_ID_MASK;
            assert_eq!(
                ids(&mut stream, picture),
                picture.wrapping_sub(2) & PICTURE_ID_MASK
            );
        }
    }

    proptest! {
        /// Whatever is left out, numbers are each given once and have no gap, as long as nothing is lost.
        #[test]
        fn nothing_is_missing(skipped in prop::collection::vec(any::<bool>(), 1..300), turned in 0_usize..20) {
            let now = Instant::now();
            let mut stream = Rewriter::new(90_000, 99, 0);
            prop_assert_eq!(stream.map(now, 1_000, 0), Some((100, 0)));
            let mut order: Vec<u64> = (1_001..).take(skipped.len()).collect();
            if turned > 0 {
                order.chunks_mut(turned).for_each(<[u64]>::reverse);
            }
            let (mut out, mut newest) = (Vec::new(), 1_000);
            for sequence in order {
                // As `FrameRate` does: what was overtaken goes out.
                if skipped[(sequence - 1_001) as usize] && sequence > newest {
                    stream.skip(sequence);
                } else {
                    newest = newest.max(sequence);
                    out.extend(stream.map(now, sequence, 0).map(|(number, _)| number));
                }
            }
            out.sort_unstable();
            prop_assert!(out.iter().copied().eq((101..).take(out.len())), "{:?}", out);
        }
    }
}
