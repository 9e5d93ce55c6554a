//! A decoded picture's planes, made as small as is needed.

/// One plane.
struct Plane<'a> {
    octets: &'a [u8],
    width: usize,
}

impl Plane<'_> {
    /// The part of it that is `width` by `height` after each square of `factor` has become one pixel, their mean.
    fn shrunk(&self, (width, height): (usize, usize), factor: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(width * height);
        if factor == 1 {
            let lines = self.octets.chunks_exact(self.width).take(height);
            lines.for_each(|line| out.extend_from_slice(&line[..width]));
            return out;
        }
        let count = (factor * factor) as u32;
        for row in 0..height {
            let lines = self.octets.chunks_exact(self.width);
            let lines: Vec<&[u8]> = lines.skip(row * factor).take(factor).collect();
            for column in 0..width {
                let squares = lines.iter().map(|line| &line[column * factor..][..factor]);
                let sum: u32 = squares.flatten().copied().map(u32::from).sum();
                out.push((sum / count) as u8);
            }
        }
        out
    }
}

/// A picture as the encoder takes it: 4:2:0, both sides even, nothing between lines.
pub(super) struct Planes {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
    pub(super) blue: Vec<u8>,
    pub(super) red: Vec<u8>,
}

impl Planes {
    /// From the planes of a picture `from` wide: what is left and above of `size`, each `factor` pixels one.
    pub(super) fn of(
        [luma, blue, red]: [&[u8]; 3],
        from: usize,
        size: (usize, usize),
        factor: usize,
    ) -> Self {
        let (width, height) = size;
        let half = (width / 2, height / 2);
        let colour = |octets| Plane {
            octets,
            width: from.div_ceil(2),
        };
        let luma = Plane {
            octets: luma,
            width: from,
        };
        Self {
            width,
            height,
            luma: luma.shrunk(size, factor),
            blue: colour(blue).shrunk(half, factor),
            red: colour(red).shrunk(half, factor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_odd_sides_loses_its_last_line_and_column() {
        let luma: Vec<u8> = (0..25).collect();
        let colour: Vec<u8> = (0..9).collect();
        let planes = Planes::of([&luma, &colour, &colour], 5, (4, 4), 1);
        assert_eq!(planes.luma[..8], [0, 1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(planes.blue, [0, 1, 3, 4]);
    }

    #[test]
    fn a_smaller_picture_has_the_mean_of_each_square() {
        let luma = [0, 2, 10, 10, 4, 6, 10, 10, 9, 9, 9, 9, 9, 9, 9, 9];
        let planes = Planes::of([&luma, &[7; 4], &[8; 4]], 4, (2, 2), 2);
        assert_eq!(planes.luma, [3, 10, 9, 9]);
        assert_eq!((planes.blue, planes.red), (vec![7], vec![8]));
    }
}
