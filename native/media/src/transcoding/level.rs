//! What an H.264 decoder takes: the limits of the level that a phone names (ITU-T H.264 table A-1).

/// One row: level_idc, macroblocks a second, macroblocks of a picture, kilobits a second.
const LEVELS: [(u8, u32, u32, u32); 10] = [
    (9, 1_485, 99, 128), // level 1b
    (10, 1_485, 99, 64),
    (11, 3_000, 396, 192),
    (12, 6_000, 396, 384),
    (13, 11_880, 396, 768),
    (20, 11_880, 396, 2_000),
    (21, 19_800, 792, 4_000),
    (22, 20_250, 1_620, 4_000),
    (30, 40_500, 1_620, 10_000),
    (31, 108_000, 3_600, 14_000),
];
/// Pixels of a macroblock's side.
const SIDE: u32 = 16;
/// Pixels of a picture's side below which nothing is to be seen.
const LEAST_SIDE: u32 = 16;

/// One level. The higher takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    idc: u8,
    rate: u32,
    frame: u32,
    bits: u32,
}

impl Level {
    /// The highest that we make use of up to that level_idc (9: level 1b); `None` if there is none.
    pub fn up_to(idc: u8) -> Option<Self> {
        let rows = LEVELS.iter().rev();
        let mut known = rows.filter(|(row, ..)| *row <= idc);
        let (idc, rate, frame, kilobits) = *known.next()?;
        Some(Self {
            idc,
            rate,
            frame,
            bits: kilobits * 1_000,
        })
    }

    /// The level_idc that a stream within it says.
    pub fn idc(self) -> u8 {
        // As one of baseline says 1b: level 1.1, and a flag.
        if self.idc == 9 { 11 } else { self.idc }
    }

    /// Whether it is level 1b, which a flag tells from level 1.1.
    pub fn is_1b(self) -> bool {
        self.idc == 9
    }

    /// Bits per second.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The one that fits into both.
    pub fn and(self, other: Self) -> Self {
        if other.frame < self.frame || (other.frame == self.frame && other.bits < self.bits) {
            other
        } else {
            self
        }
    }

    /// Whether a picture of 360 lines fits.
    pub fn takes_360_lines(self) -> bool {
        self.fits(640, 360)
    }

    /// A picture's size within it: width and height, both even, and the whole number that each was divided by.
    /// `None` if nothing would be left.
    pub fn scaled(self, width: u32, height: u32) -> Option<(u32, u32, u32)> {
        let sides = |factor| ((width / factor) & !1, (height / factor) & !1);
        let factor = (1..=width.max(height)).find(|factor| {
            let (width, height) = sides(*factor);
            self.fits(width, height)
        })?;
        let (width, height) = sides(factor);
        (width >= LEAST_SIDE && height >= LEAST_SIDE).then_some((width, height, factor))
    }

    /// Pictures of that size a second.
    pub fn frames(self, width: u32, height: u32) -> u32 {
        self.rate / macroblocks(width, height).max(1)
    }

    fn fits(self, width: u32, height: u32) -> bool {
        // No side may be longer than the root of eight times the picture (section A.3.1).
        let longest = u64::from(width.max(height).div_ceil(SIDE));
        macroblocks(width, height) <= self.frame && longest * longest <= 8 * u64::from(self.frame)
    }
}

fn macroblocks(width: u32, height: u32) -> u32 {
    width.div_ceil(SIDE) * height.div_ceil(SIDE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(idc: u8) -> Level {
        Level::up_to(idc).unwrap()
    }

    #[test]
    fn a_level_is_the_highest_known_up_to_what_is_said() {
        assert_eq!(Level::up_to(8), None);
        assert_eq!(level(14).idc(), 13);
        assert_eq!(level(52).idc(), 31);
        assert_eq!((level(9).idc(), level(9).is_1b()), (11, true));
    }

    #[test]
    fn pictures_become_smaller_until_they_fit() {
        assert_eq!(level(31).scaled(1_280, 720), Some((1_280, 720, 1)));
        assert_eq!(level(30).scaled(1_280, 720), Some((640, 360, 2)));
        assert_eq!(level(22).scaled(640, 360), Some((640, 360, 1)));
        assert_eq!(level(12).scaled(640, 360), Some((320, 180, 2)));
        assert_eq!(level(10).scaled(640, 361), Some((160, 90, 4)));
        assert_eq!(level(31).scaled(321, 181), Some((320, 180, 1)));
        assert_eq!(level(31).scaled(16_000, 16), None, "a line");
        assert_eq!(level(31).scaled(0, 0), None);
        assert_eq!(level(22).frames(640, 360), 22);
    }

    #[test]
    fn the_lower_of_two_levels_is_what_both_take() {
        assert_eq!(level(31).and(level(12)), level(12));
        assert_eq!(level(9).and(level(10)), level(10));
    }

    proptest! {
        #[test]
        fn what_is_scaled_fits(idc in 9_u8..60, width in 0_u32..16_384, height in 0_u32..16_384) {
            let level = level(idc);
            if let Some((w, h, factor)) = level.scaled(width, height) {
                prop_assert!(w % 2 == 0 && h % 2 == 0 && w * factor <= width && h * factor <= height);
                prop_assert!(level.fits(w, h));
            }
        }
    }
}
