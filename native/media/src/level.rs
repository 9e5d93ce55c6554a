//! How loud sound is, in dBov: 0 is full scale, -127 is silence (RFC 6464 section 3).

/// What counts as silence.
pub const SILENCE_DBOV: f32 = -127.0;

/// What a sender says of its packet's loudness in a header extension
/// (`urn:ietf:params:rtp-hdrext:ssrc-audio-level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// The sender believes that this is speech. Only meaningful where `vad=on` was negotiated.
    pub voice: bool,
    /// 0 (full scale) to 127 (silence): -dBov.
    pub below_full_scale: u8,
}

impl AudioLevel {
    /// Read the extension element's data: one octet, or in the two-byte form possibly more.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let octet = *data.first()?;
        Some(Self {
            voice: octet & 0x80 != 0,
            below_full_scale: octet & 0x7F,
        })
    }

    /// The element's data.
    #[must_use]
    pub fn to_octet(self) -> u8 {
        u8::from(self.voice) << 7 | self.below_full_scale.min(127)
    }

    /// The level in dBov.
    #[must_use]
    pub fn dbov(self) -> f32 {
        -f32::from(self.below_full_scale)
    }

    /// The level nearest to that many dBov.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=127 just before"
    )]
    pub fn from_dbov(dbov: f32, voice: bool) -> Self {
        let below_full_scale = (-dbov).round().clamp(0.0, 127.0) as u8;
        Self {
            voice,
            below_full_scale,
        }
    }
}

/// The root mean square of samples in dBov, never under [`SILENCE_DBOV`]. A square wave at full
/// scale has 0 dBov, a sine 3 less (RFC 6465 appendix A).
#[must_use]
pub fn measure(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBOV;
    }
    // Four sums, so that the compiler may use vector instructions.
    let (quads, rest) = samples.as_chunks::<4>();
    let mut sums = [0.0f32; 4];
    for quad in quads {
        for (sum, sample) in sums.iter_mut().zip(quad) {
            *sum += sample * sample;
        }
    }
    let energy = sums.iter().sum::<f32>() + rest.iter().map(|sample| sample * sample).sum::<f32>();
    let mean = energy / samples.len() as f32;
    let dbov = 10.0 * mean.log10();
    if dbov.is_nan() {
        SILENCE_DBOV
    } else {
        dbov.clamp(SILENCE_DBOV, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcm::{FRAME, SILENT, signals::tone};

    #[test]
    fn full_scale_and_silence_are_the_ends() {
        assert_eq!(measure(&[1.0; FRAME]), 0.0);
        assert_eq!(measure(&SILENT), SILENCE_DBOV);
        assert_eq!(measure(&[]), SILENCE_DBOV);
        assert_eq!(measure(&[f32::NAN; 3]), SILENCE_DBOV);
    }

    #[test]
    fn a_sine_at_half_scale_has_nine_decibels_less() {
        assert!((measure(&tone(1000.0, FRAME)) + 9.03).abs() < 0.05);
    }

    #[test]
    fn the_extension_is_read_and_written() {
        let level = AudioLevel::parse(&[0x85]).unwrap();
        assert_eq!(
            level,
            AudioLevel {
                voice: true,
                below_full_scale: 5
            }
        );
        assert_eq!(level.to_octet(), 0x85);
        assert_eq!(level.dbov(), -5.0);
        assert_eq!(AudioLevel::from_dbov(-5.2, true), level);
        assert_eq!(AudioLevel::from_dbov(-400.0, false).to_octet(), 127);
        assert_eq!(AudioLevel::parse(&[]), None);
    }
}
