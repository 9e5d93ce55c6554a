//! G.711: eight bits a sample, in the A-law and µ-law of ITU-T G.711.

use crate::pcm::from_i16;

/// Which companding law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law (PCMU), of North America and Japan.
    Mu,
    /// A-law (PCMA), of the rest of the world.
    A,
}

const MU_BIAS: i16 = 0x84;
const MU_CLIP: i16 = 32_635;

const MU_TABLE: [i16; 256] = table(Law::Mu);
const A_TABLE: [i16; 256] = table(Law::A);

const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Mu => expand_mu(code as u8),
            Law::A => expand_a(code as u8),
        };
        code += 1;
    }
    table
}

const fn expand_mu(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let magnitude = ((((code & 0x0F) as i16) << 3) + MU_BIAS) << segment;
    let value = magnitude - MU_BIAS;
    if code & 0x80 != 0 { -value } else { value }
}

const fn expand_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = (((code & 0x0F) as i16) << 4) + 8;
    let value = if segment == 0 {
        step
    } else {
        (step + 0x100) << (segment - 1)
    };
    if code & 0x80 != 0 { value } else { -value }
}

impl Law {
    /// The 16-bit value of a code word.
    #[must_use]
    pub fn expand(self, code: u8) -> i16 {
        match self {
            Self::Mu => MU_TABLE[usize::from(code)],
            Self::A => A_TABLE[usize::from(code)],
        }
    }

    /// The code word nearest to a 16-bit value.
    #[must_use]
    pub fn compress(self, sample: i16) -> u8 {
        match self {
            Self::Mu => compress_mu(sample),
            Self::A => compress_a(sample),
        }
    }

    /// The samples of a payload, at 8 kHz.
    pub(super) fn decode(self, payload: &[u8]) -> impl Iterator<Item = f32> {
        payload.iter().map(move |code| from_i16(self.expand(*code)))
    }
}

/// Segment (0 to 7) of a magnitude whose lowest segment ends at bit `first`.
fn segment(magnitude: u16, first: u32) -> u8 {
    let bits = u16::BITS - magnitude.leading_zeros();
    u8::try_from(bits.saturating_sub(first)).unwrap_or(7).min(7)
}

#[expect(clippy::cast_possible_truncation, reason = "masked to four bits")]
fn compress_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let clipped = sample.saturating_abs().min(MU_CLIP);
    let magnitude = clipped.unsigned_abs() + MU_BIAS.unsigned_abs();
    let segment = segment(magnitude, 8);
    let mantissa = (magnitude >> (segment + 3)) as u8 & 0x0F;
    !(sign | segment << 4 | mantissa)
}

#[expect(clippy::cast_possible_truncation, reason = "masked to four bits")]
fn compress_a(sample: i16) -> u8 {
    // A-law is one's-complement: -1 lies in the first negative step.
    let (sign, magnitude) = if sample >= 0 {
        (0x80, sample.unsigned_abs())
    } else {
        (0, (!sample).unsigned_abs())
    };
    let segment = segment(magnitude, 8);
    let mantissa = (magnitude >> (segment.max(1) + 3)) as u8 & 0x0F;
    (sign | segment << 4 | mantissa) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of ITU-T G.711 tables 1 and 2, scaled to sixteen bits.
    #[test]
    fn well_known_code_words_expand_right() {
        for (code, value) in [
            (0x00, -32_124),
            (0x80, 32_124),
            (0xFF, 0),
            (0x7F, 0),
            (0xF0, 120),
        ] {
            assert_eq!(Law::Mu.expand(code), value, "µ-law {code:#x}");
        }
        for (code, value) in [
            (0xD5, 8),
            (0x55, -8),
            (0xAA, 32_256),
            (0x2A, -32_256),
            (0x80, 5_504),
        ] {
            assert_eq!(Law::A.expand(code), value, "A-law {code:#x}");
        }
    }

    #[test]
    fn every_code_word_comes_back() {
        for code in 0..=255 {
            // µ-law has two zeros; the negative one is never written.
            if code != 0x7F {
                assert_eq!(
                    Law::Mu.compress(Law::Mu.expand(code)),
                    code,
                    "µ-law {code:#x}"
                );
            }
            assert_eq!(
                Law::A.compress(Law::A.expand(code)),
                code,
                "A-law {code:#x}"
            );
        }
    }

    #[test]
    fn every_sample_meets_its_nearest_step() {
        for law in [Law::Mu, Law::A] {
            for sample in i16::MIN..=i16::MAX {
                let heard = i32::from(law.expand(law.compress(sample)));
                let error = (heard - i32::from(sample)).abs();
                let magnitude = i32::from(sample).abs();
                // Half a step: at most 1/32 of the value, 8 near zero, and the clipping at the end.
                let allowed = if magnitude > 32_000 {
                    650
                } else {
                    magnitude / 32 + 8
                };
                assert!(error <= allowed, "{law:?} {sample} became {heard}");
            }
        }
    }
}
