//! Which track is in which receive slot.
//!
//! Two ideas keep pictures and voices from jumping about. A `Ranking` changes the order of two tracks
//! only when one is clearly ahead, and `fill` moves nothing that may stay where it is.

use crate::events::Source;

/// One endpoint of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey(pub u64);

/// One stream that an endpoint sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId {
    /// Who sends it.
    pub endpoint: EndpointKey,
    /// What it shows.
    pub source: Source,
}

/// Tracks of one kind in the order in which they deserve a slot.
#[derive(Debug, Default)]
pub struct Ranking {
    order: Vec<TrackId>,
    version: u64,
}

impl Ranking {
    /// The order, the most deserving first.
    pub fn order(&self) -> &[TrackId] {
        &self.order
    }

    /// Rises with every change of the order.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A new track, after all others.
    pub fn append(&mut self, track: TrackId) {
        if !self.order.contains(&track) {
            self.order.push(track);
            self.version += 1;
        }
    }

    /// A track that is over.
    pub fn remove(&mut self, track: TrackId) {
        let before = self.order.len();
        self.order.retain(|other| *other != track);
        self.version += u64::from(self.order.len() != before);
    }

    /// Put a track first, if it is there. Whether anything changed.
    pub fn promote(&mut self, track: TrackId) -> bool {
        match self.order.iter().position(|other| *other == track) {
            None | Some(0) => false,
            Some(at) => {
                self.order[..=at].rotate_right(1);
                self.version += 1;
                true
            }
        }
    }

    /// Let a track pass those whose score it beats by more than `margin`. Whether anything changed.
    pub fn settle(&mut self, margin: f32, score: impl Fn(TrackId) -> f32) -> bool {
        let mut changed = false;
        for start in 1..self.order.len() {
            let mut at = start;
            while at > 0 && score(self.order[at]) > score(self.order[at - 1]) + margin {
                self.order.swap(at, at - 1);
                changed = true;
                at -= 1;
            }
        }
        self.version += u64::from(changed);
        changed
    }
}

/// Put the first tracks of `ranking` that are not the receiver's own into `slots`. A track that has a
/// slot and still deserves one keeps it. Returns the indices of the slots that changed.
pub fn fill(
    slots: &mut [Option<TrackId>],
    ranking: &[TrackId],
    receiver: EndpointKey,
) -> Vec<usize> {
    let deserving: Vec<TrackId> = ranking
        .iter()
        .filter(|track| track.endpoint != receiver)
        .take(slots.len())
        .copied()
        .collect();
    let mut waiting = deserving
        .iter()
        .filter(|track| !slots.contains(&Some(**track)))
        .copied()
        .collect::<Vec<_>>()
        .into_iter();
    let mut changed = Vec::new();
    for (index, slot) in slots.iter_mut().enumerate() {
        if slot.is_some_and(|track| deserving.contains(&track)) {
            continue;
        }
        let next = waiting.next();
        if *slot != next {
            *slot = next;
            changed.push(index);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn track(endpoint: u64) -> TrackId {
        TrackId {
            endpoint: EndpointKey(endpoint),
            source: Source::Audio,
        }
    }

    fn ranking(endpoints: &[u64]) -> Ranking {
        Ranking {
            order: endpoints.iter().map(|e| track(*e)).collect(),
            version: 0,
        }
    }

    #[test]
    fn everyone_has_a_slot_while_there_are_enough_but_not_for_oneself() {
        let mut slots = [None; 3];
        fill(&mut slots, ranking(&[1, 2, 3]).order(), EndpointKey(2));
        assert_eq!(slots, [Some(track(1)), Some(track(3)), None]);
    }

    #[test]
    fn a_newcomer_takes_only_the_place_of_who_leaves() {
        let mut slots = [Some(track(1)), Some(track(2)), Some(track(3))];
        let changed = fill(&mut slots, ranking(&[4, 3, 1, 2]).order(), EndpointKey(9));
        assert_eq!(slots, [Some(track(1)), Some(track(4)), Some(track(3))]);
        assert_eq!(changed, [1]);
    }

    #[test]
    fn a_small_lead_changes_nothing_and_a_large_one_does() {
        let mut order = ranking(&[1, 2, 3]);
        let small = |t: TrackId| t.endpoint.0 as f32;
        assert!(!order.settle(6.0, small));
        let large = |t: TrackId| t.endpoint.0 as f32 * 10.0;
        assert!(order.settle(6.0, large));
        assert_eq!(order.order(), ranking(&[3, 2, 1]).order());
    }

    #[test]
    fn promotion_keeps_the_rest_in_order() {
        let mut order = ranking(&[1, 2, 3, 4]);
        assert!(order.promote(track(3)));
        assert_eq!(order.order(), ranking(&[3, 1, 2, 4]).order());
        assert!(!order.promote(track(3)));
        assert!(!order.promote(track(7)));
    }

    proptest! {
        #[test]
        fn slots_are_right_whatever_was_in_them(
            before in prop::collection::vec(prop::option::of(0_u64..8), 0..6),
            order in Just((0_u64..8).collect::<Vec<_>>()).prop_shuffle(),
            live in 0_usize..8,
            receiver in 0_u64..8,
        ) {
            let mut seen = Vec::new();
            let mut slots: Vec<Option<TrackId>> = before
                .into_iter()
                .map(|e| e.filter(|e| !seen.contains(e)).inspect(|e| seen.push(*e)).map(track))
                .collect();
            let was = slots.clone();
            let order = ranking(&order[..live]);
            let changed = fill(&mut slots, order.order(), EndpointKey(receiver));
            let deserving: Vec<TrackId> = order.order().iter()
                .filter(|t| t.endpoint != EndpointKey(receiver))
                .take(slots.len()).copied().collect();
            let mut filled: Vec<TrackId> = slots.iter().flatten().copied().collect();
            filled.sort();
            let mut expected = deserving.clone();
            expected.sort();
            prop_assert_eq!(filled, expected);
            for (index, (now, then)) in slots.iter().zip(&was).enumerate() {
                prop_assert_eq!(now != then, changed.contains(&index));
                if then.is_some_and(|t| deserving.contains(&t)) {
                    prop_assert_eq!(now, then);
                }
            }
        }
    }
}
