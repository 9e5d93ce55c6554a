//! What a phone may ask for once more: the newest packets as they went out (RFC 4585 section 6.2.1).
//!
//! They go out again octet for octet: under the same index a packet may only be sent as it was, and
//! whoever has had it takes it for a replay.

use std::time::{Duration, Instant};

/// Packets that are kept, half a second of a large picture.
const KEPT: usize = 128;
/// A packet is sent again at most so often ...
const MOST_TIMES: u8 = 2;
/// ... and after so long, for a wish is repeated before what it asked for can have come.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Kept {
    sequence: u16,
    packet: Vec<u8>,
    times: u8,
    last: Instant,
}

/// See the module. A packet's place follows from its number: a wish may name thousands.
#[derive(Debug)]
pub(crate) struct Repairs([Option<Kept>; KEPT]);

impl Repairs {
    /// Nothing is kept.
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| None))
    }

    /// A packet goes out.
    pub(crate) fn keep(&mut self, now: Instant, sequence: u16, packet: &[u8]) {
        self.0[usize::from(sequence) % KEPT] = Some(Kept {
            sequence,
            packet: packet.to_vec(),
            times: 0,
            last: now,
        });
    }

    /// The packet to send again; `None` if it is gone, or was sent again too often or just now.
    pub(crate) fn take(&mut self, now: Instant, sequence: u16) -> Option<Vec<u8>> {
        let place = self.0[usize::from(sequence) % KEPT].as_mut();
        let kept = place.filter(|kept| kept.sequence == sequence)?;
        let is_first = kept.times == 0;
        if kept.times >= MOST_TIMES || !(is_first || now >= kept.last + PAUSE) {
            return None;
        }
        kept.times += 1;
        kept.last = now;
        Some(kept.packet.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_sent_again_seldom_and_only_the_newest_are() {
        let now = Instant::now();
        let later = |times| now + PAUSE * times;
        let mut repairs = Repairs::new();
        for sequence in 0..200_u16 {
            repairs.keep(now, sequence, &sequence.to_be_bytes());
        }
        assert_eq!(repairs.take(now, 71), None);
        assert_eq!(repairs.take(now, 72), Some(vec![0, 72]));
        assert_eq!(repairs.take(now, 72), None, "just now");
        assert_eq!(repairs.take(later(1), 72), Some(vec![0, 72]));
        assert_eq!(repairs.take(later(9), 72), None, "too often");
        assert_eq!(repairs.take(now, 200), None);
    }
}
