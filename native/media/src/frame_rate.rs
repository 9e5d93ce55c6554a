//! Which frames go out of a stream with temporal layers (RFC 7741 section 4.2).
//!
//! A frame of an upper layer may be left out, for no frame of a lower one needs it. To have more frames again
//! one must wait for a frame of the next layer that needs the lowest only. A frame is decided upon once, when
//! its first packet comes, and what has been overtaken goes out: its place in the numbering is kept already.

use crate::outgoing::Forwarded;

/// Every frame.
pub const ALL: u8 = u8::MAX;

/// See the module.
#[derive(Debug)]
pub struct FrameRate {
    /// The highest temporal layer that ought to go out.
    most: u8,
    /// The highest that does.
    reached: u8,
    /// The newest frame, by its timestamp, and whether it goes out.
    decided: Option<(u32, bool)>,
    /// The highest sequence number that went out.
    newest: u64,
}

impl FrameRate {
    /// Every frame goes out.
    pub fn all() -> Self {
        Self {
            most: ALL,
            reached: ALL,
            decided: None,
            newest: 0,
        }
    }

    /// The highest temporal layer that ought to go out.
    pub fn most(&self) -> u8 {
        self.most
    }

    /// Let frames up to that temporal layer go out.
    pub fn aim(&mut self, most: u8) {
        self.most = most;
    }

    /// Another stream begins, with a keyframe.
    pub fn restart(&mut self) {
        self.reached = self.most;
        self.decided = None;
        self.newest = 0;
    }

    /// Whether a packet goes out.
    pub fn admits(&mut self, packet: &Forwarded) -> bool {
        let is_overtaken = packet.sequence < self.newest;
        let goes = is_overtaken || self.decide(packet);
        if goes {
            self.newest = self.newest.max(packet.sequence);
        }
        goes
    }

    fn decide(&mut self, packet: &Forwarded) -> bool {
        match self.decided {
            Some((timestamp, goes)) if timestamp == packet.timestamp => goes,
            _ => {
                let goes = self.reaches(packet);
                self.decided = Some((packet.timestamp, goes));
                goes
            }
        }
    }

    fn reaches(&mut self, packet: &Forwarded) -> bool {
        let temporal = packet.temporal;
        if packet.starts_keyframe() {
            self.reached = self.most;
        }
        self.reached = self.reached.min(self.most);
        if temporal.layer <= self.reached {
            return true;
        }
        let is_next = temporal.layer == self.reached + 1 && temporal.layer <= self.most;
        if is_next && temporal.sync {
            self.reached = temporal.layer;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::vp8_payload::Temporal;
    use str0m::rtp::Vp8Descriptor;

    fn packet(sequence: u64, layer: u8, sync: bool) -> Forwarded {
        let key = u8::from(sequence != 1_000);
        let payload = vec![0x90, 0x20, layer << 6 | u8::from(sync) << 5, key, 9];
        Forwarded {
            sequence,
            timestamp: sequence as u32 / 2 * 3_000,
            marker: sequence % 2 == 1,
            arrived: Instant::now(),
            level: None,
            orientation: None,
            vp8: Vp8Descriptor::parse(&payload).ok(),
            layer: 0,
            temporal: Temporal::of(&payload),
            payload: payload.into(),
        }
    }

    /// Which frames of two packets each go out, the first a keyframe if its number is 1,000.
    fn passed(rate: &mut FrameRate, first: u64, frames: &[(u8, bool)]) -> Vec<bool> {
        let mut admits = |at: u64, layer, sync| rate.admits(&packet(at, layer, sync));
        let frames = (0..).zip(frames).map(|(index, (layer, sync))| {
            let at = first + 2 * index;
            let goes = admits(at, *layer, *sync);
            assert_eq!(
                admits(at + 1, *layer, *sync),
                goes,
                "a frame goes out whole or not"
            );
            goes
        });
        frames.collect()
    }

    /// One turn of the pattern of three temporal layers, the first time with frames that need the lowest only.
    const FIRST: [(u8, bool); 4] = [(0, false), (2, true), (1, true), (2, true)];
    const LATER: [(u8, bool); 4] = [(0, false), (2, false), (1, false), (2, false)];

    #[test]
    fn upper_layers_are_left_out_at_once_and_come_again_one_after_the_other() {
        let mut rate = FrameRate::all();
        assert_eq!(passed(&mut rate, 1_000, &FIRST), [true; 4]);
        rate.aim(1);
        assert_eq!(passed(&mut rate, 1_008, &LATER), [true, false, true, false]);
        rate.aim(0);
        assert_eq!(
            passed(&mut rate, 1_016, &LATER),
            [true, false, false, false]
        );
        rate.aim(ALL);
        assert_eq!(
            passed(&mut rate, 1_024, &LATER),
            [true, false, false, false]
        );
        assert_eq!(passed(&mut rate, 1_032, &FIRST), [true, false, true, true]);
        assert_eq!(passed(&mut rate, 1_040, &LATER), [true; 4]);
    }

    #[test]
    fn a_keyframe_begins_with_what_is_aimed_at() {
        let mut rate = FrameRate::all();
        rate.aim(1);
        assert_eq!(passed(&mut rate, 1_000, &LATER), [true, false, true, false]);
        rate.aim(0);
        passed(&mut rate, 1_008, &LATER);
        rate.aim(ALL);
        rate.restart();
        assert_eq!(passed(&mut rate, 1_016, &LATER), [true; 4]);
    }

    #[test]
    fn what_was_overtaken_goes_out() {
        let mut rate = FrameRate::all();
        rate.aim(0);
        assert!(rate.admits(&packet(1_000, 0, false)));
        assert!(!rate.admits(&packet(1_003, 2, false)));
        assert!(rate.admits(&packet(1_004, 0, false)));
        assert!(rate.admits(&packet(1_002, 2, false)));
        assert!(!rate.admits(&packet(1_006, 2, false)));
    }
}
