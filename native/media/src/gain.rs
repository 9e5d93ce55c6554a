//! Automatic gain control: a voice that is much too quiet or too loud is brought near the others.

use crate::level;
use crate::pcm::Frame;

/// Quieter frames are pauses, in dBov: they tell nothing of a voice, and noise is not to be raised.
const PAUSE: f32 = -50.0;
/// Speech within these levels, in dBov, is left as it is.
const QUIETEST: f32 = -32.0;
const LOUDEST: f32 = -14.0;
/// The most that is added or taken away, in decibels.
const MOST: f32 = 12.0;
/// How much of a frame's level goes into the voice's: some 400 ms count.
const FRESH: f32 = 0.05;
/// Decibels a frame by which gain may rise (3 dB a second) and fall (20 dB a second).
const RISE: f32 = 0.06;
const FALL: f32 = 0.4;

/// The gain of one voice.
#[derive(Debug, Default)]
pub struct GainControl {
    /// The voice's level in dBov, once it has spoken.
    voice: Option<f32>,
    decibels: f32,
}

impl GainControl {
    /// A voice that hasn't spoken yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            voice: None,
            decibels: 0.0,
        }
    }

    /// Apply the gain to the voice's next 20 ms. It changes evenly within them, so nothing clicks.
    pub fn apply(&mut self, frame: &mut Frame) {
        let before = self.decibels;
        self.follow(level::measure(frame));
        if before == 0.0 && self.decibels == 0.0 {
            return;
        }
        let (start, end) = (factor(before), factor(self.decibels));
        let step = (end - start) / frame.len() as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample *= start + step * n as f32;
        }
    }

    fn follow(&mut self, dbov: f32) {
        if dbov < PAUSE {
            return;
        }
        let voice = self.voice.get_or_insert(dbov);
        *voice += FRESH * (dbov - *voice);
        let wanted = (*voice).clamp(QUIETEST, LOUDEST) - *voice;
        let change = (wanted.clamp(-MOST, MOST) - self.decibels).clamp(-FALL, RISE);
        self.decibels += change;
    }
}

fn factor(decibels: f32) -> f32 {
    10.0_f32.powf(decibels / 20.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::level::measure;
    use crate::pcm::{FRAME, SILENT, signals::tone};

    /// The level after so many frames of a tone whose peaks have that height.
    fn settled(peak: f32, frames: usize) -> f32 {
        let mut gain = GainControl::new();
        let mut frame = SILENT;
        for _ in 0..frames {
            frame.copy_from_slice(&tone(1_000.0, FRAME));
            frame.iter_mut().for_each(|sample| *sample *= 2.0 * peak);
            gain.apply(&mut frame);
        }
        measure(&frame)
    }

    #[test]
    fn a_quiet_voice_is_raised_and_a_loud_one_lowered() {
        assert!((settled(0.02, 500) - QUIETEST).abs() < 0.5);
        assert!((settled(0.9, 500) - LOUDEST).abs() < 0.5);
    }

    #[test]
    fn an_ordinary_voice_is_not_touched() {
        let mut gain = GainControl::new();
        let mut frame: Frame = tone(1_000.0, FRAME).try_into().unwrap();
        frame.iter_mut().for_each(|sample| *sample *= 0.2);
        let before = frame;
        gain.apply(&mut frame);
        assert_eq!(frame, before);
    }

    #[test]
    fn pauses_keep_the_gain_and_noise_alone_is_not_raised() {
        let mut gain = GainControl::new();
        for _ in 0..500 {
            let mut noise: Frame = tone(1_000.0, FRAME).try_into().unwrap();
            noise.iter_mut().for_each(|sample| *sample *= 0.004);
            gain.apply(&mut noise);
        }
        assert_eq!(gain.decibels, 0.0);
    }

    proptest! {
        #[test]
        fn it_stays_within_bounds(levels in prop::collection::vec(-127.0_f32..0.0, 0..400)) {
            let mut gain = GainControl::new();
            for level in levels {
                let before = gain.decibels;
                gain.follow(level);
                prop_assert!(gain.decibels.abs() <= MOST);
                prop_assert!(gain.decibels - before <= RISE + 1e-4);
                prop_assert!(before - gain.decibels <= FALL + 1e-4);
            }
        }
    }
}
