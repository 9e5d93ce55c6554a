//! The packet index of one source: how it is guessed from a sequence number, and which indexes
//! have been used already (RFC 3711 sections 3.3.1 and 3.3.2).

/// Packets behind the newest that are still told apart; older ones count as replays. RFC 3711
/// asks for 64 at least.
pub(super) const WINDOW: u64 = 128;
/// The first index that a key may not be used for: 2^48 packets are all it is good for.
const INDEX_END: u64 = 1 << 48;

/// A replay window over packet indexes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    highest: u64,
    /// Bit n: index `highest - n` has been used. Zero only before the first packet.
    used: u128,
}

impl Window {
    /// The index that a packet of this sequence number most likely has: the one nearest to the
    /// newest. `None` if that lies before the first index or beyond the last.
    pub(super) fn estimate(&self, sequence: u16) -> Option<u64> {
        let rollover = self.highest >> 16;
        let sequence = u64::from(sequence);
        if self.used == 0 {
            return Some(sequence);
        }
        let newest = self.highest & 0xFFFF;
        let rollover = if newest < 0x8000 {
            if sequence > newest + 0x8000 {
                rollover.checked_sub(1)?
            } else {
                rollover
            }
        } else if newest > sequence + 0x8000 {
            rollover + 1
        } else {
            rollover
        };
        Some((rollover << 16) | sequence).filter(|index| *index < INDEX_END)
    }

    /// Whether this index was never used, and is not too old to tell.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        if self.used == 0 || index > self.highest {
            return true;
        }
        let age = self.highest - index;
        age < WINDOW && self.used & (1 << age) == 0
    }

    /// Remember that an index is used; only for packets that proved themselves.
    pub(super) fn mark(&mut self, index: u64) {
        if self.used == 0 {
            *self = Self {
                highest: index,
                used: 1,
            };
        } else if index > self.highest {
            let step = index - self.highest;
            let kept = u32::try_from(step)
                .ok()
                .and_then(|step| self.used.checked_shl(step));
            *self = Self {
                highest: index,
                used: kept.unwrap_or(0) | 1,
            };
        } else if self.highest - index < WINDOW {
            self.used |= 1 << (self.highest - index);
        }
    }

    /// A window whose newest packet had this index.
    #[cfg(test)]
    pub(super) fn at(index: u64) -> Self {
        Self {
            highest: index,
            used: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_packet_sets_the_pace() {
        assert_eq!(Window::default().estimate(40_000), Some(40_000));
        assert!(Window::default().is_fresh(0));
    }

    #[test]
    fn the_index_rolls_over_and_back() {
        let window = Window::at(0xFFFF);
        assert_eq!(window.estimate(0), Some(0x1_0000));
        assert_eq!(window.estimate(0xFFFE), Some(0xFFFE));
        let window = Window::at(0x1_0000);
        assert_eq!(window.estimate(0xFFFF), Some(0xFFFF));
        assert_eq!(window.estimate(1), Some(0x1_0001));
    }

    #[test]
    fn nothing_comes_before_the_first_index_or_after_the_last() {
        assert_eq!(Window::at(3).estimate(0xFFFF), None);
        assert_eq!(Window::at(INDEX_END - 1).estimate(0), None);
        assert_eq!(
            Window::at(INDEX_END - 2).estimate(0xFFFF),
            Some(INDEX_END - 1)
        );
    }

    #[test]
    fn the_edges_of_the_window_hold() {
        let mut window = Window::at(1000);
        assert!(!window.is_fresh(1000));
        assert!(window.is_fresh(1000 - WINDOW + 1));
        assert!(!window.is_fresh(1000 - WINDOW));
        window.mark(1000 - WINDOW + 1);
        assert!(!window.is_fresh(1000 - WINDOW + 1));
        window.mark(1001);
        assert!(!window.is_fresh(1001 - WINDOW));
    }

    #[test]
    fn a_leap_clears_the_window() {
        for leap in [WINDOW, WINDOW + 1, 1 << 32, 1 << 40] {
            let mut window = Window::at(5);
            window.mark(5 + leap);
            assert!(window.is_fresh(4 + leap));
            assert!(!window.is_fresh(5));
        }
    }

    proptest! {
        /// Against the plain model: a set of all that was marked.
        #[test]
        fn no_index_is_fresh_twice(steps in prop::collection::vec(0u64..400, 1..300)) {
            let mut window = Window::default();
            let mut marked = std::collections::BTreeSet::new();
            for index in steps {
                let too_old = marked.last().is_some_and(|newest| index + WINDOW <= *newest);
                prop_assert_eq!(window.is_fresh(index), !too_old && !marked.contains(&index));
                if window.is_fresh(index) {
                    window.mark(index);
                    marked.insert(index);
                }
            }
        }

        #[test]
        fn an_index_within_half_a_cycle_is_guessed_right(newest in 0u64..(1 << 40), step in -0x7FFFi64..0x7FFF) {
            if let Some(index) = newest.checked_add_signed(step) {
                let sequence = u16::try_from(index & 0xFFFF).unwrap();
                prop_assert_eq!(Window::at(newest).estimate(sequence), Some(index));
            }
        }
    }
}
