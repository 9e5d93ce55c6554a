//! The one format that everything is mixed in: 48 kHz, mono, `f32` from -1 to 1, 20 ms at a time.

/// Samples per second of the mix.
pub const MIX_RATE: u32 = 48_000;
/// Milliseconds of a frame.
pub const FRAME_MILLIS: u32 = 20;
/// Samples of a frame.
pub const FRAME: usize = (MIX_RATE / 1000 * FRAME_MILLIS) as usize;
/// The longest a packet may claim to be, 120 ms as in Opus (RFC 6716 section 2.1.4); what any codec
/// would decode beyond that is cut off.
pub const MAX_PACKET: usize = 6 * FRAME;

/// Twenty milliseconds of sound.
pub type Frame = [f32; FRAME];

/// Silence.
pub const SILENT: Frame = [0.0; FRAME];

/// A 16-bit sample as `f32`.
#[must_use]
pub fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// A sample as 16 bits, clipped to what they can hold.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and NaN becomes 0"
)]
pub fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
pub(crate) mod signals {
    //! Test signals, and how alike two of them are.

    use super::MIX_RATE;

    /// A tone of that many hertz at half of full scale.
    pub fn tone(hertz: f32, samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * hertz / MIX_RATE as f32;
        (0..samples)
            .map(|n| 0.5 * (step * n as f32).sin())
            .collect()
    }

    /// A chirp that rises evenly from one frequency to another.
    pub fn chirp(from: f32, to: f32, samples: usize) -> Vec<f32> {
        let seconds = samples as f32 / MIX_RATE as f32;
        (0..samples)
            .map(|n| {
                let time = n as f32 / MIX_RATE as f32;
                let turns = from * time + (to - from) * time * time / (2.0 * seconds);
                0.5 * (std::f32::consts::TAU * turns).sin()
            })
            .collect()
    }

    /// The best normalised correlation of `heard` with `sent` over all delays up to `reach`.
    pub fn correlation(sent: &[f32], heard: &[f32], reach: usize) -> f32 {
        let length = sent.len().min(heard.len()) - reach;
        let sent = &sent[..length];
        let energy = |signal: &[f32]| signal.iter().map(|x| x * x).sum::<f32>();
        (0..=reach)
            .map(|delay| {
                let heard = &heard[delay..delay + length];
                let product: f32 = sent.iter().zip(heard).map(|(a, b)| a * b).sum();
                product / (energy(sent) * energy(heard)).sqrt().max(f32::MIN_POSITIVE)
            })
            .fold(-1.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_the_way_to_float_and_back() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(to_i16(from_i16(sample)), sample);
        }
    }

    #[test]
    fn what_is_too_loud_or_no_number_is_clipped() {
        assert_eq!(to_i16(2.0), i16::MAX);
        assert_eq!(to_i16(-2.0), i16::MIN);
        assert_eq!(to_i16(f32::NAN), 0);
    }
}
