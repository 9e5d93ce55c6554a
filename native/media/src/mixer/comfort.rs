//! Comfort noise: who hears nobody hears that the line is not dead.

use crate::pcm::{Frame, SILENT};

/// The largest sample. Evenly spread and smoothed, the noise has about -68 dBov: a quiet office.
const PEAK: f32 = 0.001_2;
/// How much of each sample is new; the rest is the one before, which takes the hiss away.
const FRESH: f32 = 0.5;

/// Endless quiet noise.
#[derive(Debug)]
pub(super) struct ComfortNoise {
    state: u32,
    last: f32,
    frame: Box<Frame>,
}

impl ComfortNoise {
    pub(super) fn new() -> Self {
        Self {
            state: 0x9E37_79B9,
            last: 0.0,
            frame: Box::new(SILENT),
        }
    }

    /// The next 20 ms.
    pub(super) fn next(&mut self) -> &Frame {
        for sample in self.frame.iter_mut() {
            // Marsaglia's xorshift: nobody needs to be unable to guess it.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            let drawn = self.state as f32 / u32::MAX as f32 * 2.0 - 1.0;
            self.last += FRESH * (drawn * PEAK - self.last);
            *sample = self.last;
        }
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::measure;

    #[test]
    fn it_is_quiet_even_and_never_the_same() {
        let mut noise = ComfortNoise::new();
        let first = *noise.next();
        for _ in 0..500 {
            let level = measure(noise.next());
            assert!((-70.0..-66.0).contains(&level), "{level}");
        }
        assert_ne!(first, *noise.next());
    }
}
