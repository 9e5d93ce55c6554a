//! Concealment for codecs that have none: the last sound again, fading out.

use crate::pcm::FRAME;

/// How much of the loudness is left after each frame made up in a row.
const FADE: f32 = 0.5;
/// Frames made up in a row before there is silence.
const PATIENCE: u32 = 5;
/// Samples over which the copy is blended in, and the real sound after it: 2.5 ms.
const BLEND: usize = FRAME / 8;

/// The most recent frame of one decoder's sound.
#[derive(Debug, Default)]
pub(super) struct Echo {
    last: Vec<f32>,
    lost: u32,
}

impl Echo {
    /// Keep the end of what was decoded; the first sound after a gap is blended with the copy.
    pub(super) fn remember(&mut self, decoded: &mut [f32]) {
        if self.lost > 0 {
            let gain = self.gain();
            for (n, (sample, copy)) in decoded.iter_mut().zip(&self.last).take(BLEND).enumerate() {
                let share = n as f32 / BLEND as f32;
                *sample = *sample * share + copy * gain * (1.0 - share);
            }
        }
        self.lost = 0;
        if decoded.len() >= FRAME {
            self.last.clear();
        }
        self.last
            .extend_from_slice(&decoded[decoded.len().saturating_sub(FRAME)..]);
        let surplus = self.last.len().saturating_sub(FRAME);
        self.last.drain(..surplus);
    }

    /// Append `samples` of made-up sound. The copy is played to and fro, so that it is continuous.
    pub(super) fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        let before = self.gain();
        self.lost = self.lost.saturating_add(1);
        let after = self.gain();
        let last = &self.last;
        out.extend((0..samples).map(|n| {
            let gain = before + (after - before) * (n as f32 / samples as f32);
            let back = last.len().saturating_sub(1 + n % FRAME);
            last.get(back).copied().unwrap_or(0.0) * gain
        }));
        // The next copy, and the blend, go on where this one ended: forward again.
        self.last.reverse();
    }

    fn gain(&self) -> f32 {
        if self.lost > PATIENCE {
            0.0
        } else {
            FADE.powi(self.lost.try_into().unwrap_or(i32::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{SILENCE_DBOV, measure};
    use crate::pcm::signals::tone;

    #[test]
    fn a_gap_is_filled_and_fades_to_silence() {
        let mut echo = Echo::default();
        echo.remember(&mut tone(440.0, FRAME));
        let mut levels = Vec::new();
        for _ in 0..8 {
            let mut out = Vec::new();
            echo.conceal(FRAME, &mut out);
            assert_eq!(out.len(), FRAME);
            levels.push(measure(&out));
        }
        assert!(levels[0] > -15.0);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0]));
        assert_eq!(levels[7], SILENCE_DBOV);
    }

    #[test]
    fn there_is_no_leap_at_either_edge_of_a_gap() {
        let mut echo = Echo::default();
        let sound = tone(300.0, 4 * FRAME);
        let mut heard = sound[..FRAME].to_vec();
        echo.remember(&mut heard.clone());
        echo.conceal(FRAME, &mut heard);
        let mut after = sound[2 * FRAME..].to_vec();
        echo.remember(&mut after);
        heard.extend(after);
        let leap = heard
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        assert!(leap < 0.06, "{leap}");
    }

    #[test]
    fn without_any_sound_there_is_silence() {
        let mut out = Vec::new();
        Echo::default().conceal(FRAME, &mut out);
        assert_eq!(out, vec![0.0; FRAME]);
    }
}
