//! What a browser may ask for once more: the newest packets of one stream (RFC 4585 section 6.2.1).

use std::time::{Duration, Instant};

use super::stream::Plain;

/// Packets that are kept: two seconds of a large picture.
const KEPT: usize = 512;
/// Older ones are of no use any more.
const LIFE: Duration = Duration::from_secs(2);
/// A packet goes again after so long, for a wish is repeated before what it asked for can have come.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Kept {
    packet: Plain,
    last: Instant,
    again: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Resends {
    /// By sequence number; empty until the first packet.
    kept: Vec<Option<Kept>>,
    newest: Option<u64>,
}

impl Resends {
    /// A packet goes out.
    pub(super) fn keep(&mut self, now: Instant, packet: &Plain) {
        if self.kept.is_empty() {
            self.kept.resize_with(KEPT, || None);
        }
        let sequence = packet.numbers.sequence;
        self.kept[sequence as usize % KEPT] = Some(Kept {
            packet: packet.clone(),
            last: now,
            again: false,
        });
        self.newest = self.newest.max(Some(sequence));
    }

    /// The packet of a sequence number; `None` if it is gone, or was sent again just now.
    pub(super) fn take(
        &mut self,
        now: Instant,
        sequence: u16,
        round_trip: Duration,
    ) -> Option<Plain> {
        let kept = self.kept.get_mut(usize::from(sequence) % KEPT)?.as_mut()?;
        let is_it = kept.packet.numbers.sequence as u16 == sequence;
        let is_old = now > kept.packet.queued + LIFE;
        let is_soon = kept.again && now < kept.last + round_trip.max(PAUSE);
        if !is_it || is_old || is_soon {
            return None;
        }
        (kept.last, kept.again) = (now, true);
        Some(kept.packet.clone())
    }

    /// The newest packet, to fill a gap with.
    pub(super) fn newest(&self) -> Option<&Plain> {
        let place = self.newest? as usize % KEPT;
        self.kept[place].as_ref().map(|kept| &kept.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::plain;
    use super::*;

    #[test]
    fn a_packet_is_sent_again_now_and_then_and_only_the_newest_are() {
        let now = Instant::now();
        let mut resends = Resends::default();
        assert!(resends.take(now, 5, PAUSE).is_none() && resends.newest().is_none());
        for sequence in 65_000..66_000 {
            resends.keep(now, &plain(now, sequence));
        }
        let sequence = |packet: Plain| packet.numbers.sequence;
        assert_eq!(resends.newest().cloned().map(sequence), Some(65_999));
        let number = |sequence: u64| sequence as u16;
        assert!(resends.take(now, number(65_400), PAUSE).is_none(), "gone");
        let found = resends.take(now, number(65_600), PAUSE).map(sequence);
        assert_eq!(found, Some(65_600));
        assert!(
            resends
                .take(now + PAUSE / 2, number(65_600), PAUSE)
                .is_none(),
            "just now"
        );
        assert!(resends.take(now + PAUSE, number(65_600), PAUSE).is_some());
        assert!(
            resends
                .take(now + 2 * LIFE, number(65_999), PAUSE)
                .is_none(),
            "old"
        );
    }
}
