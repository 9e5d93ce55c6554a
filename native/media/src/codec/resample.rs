//! Between 8 or 16 kHz and the mix's 48 kHz, by a polyphase low-pass filter.
//!
//! The ratios are the whole numbers 6 and 3, so one windowed-sinc prototype serves both ways and
//! needs no interpolation; a general resampling library would bring more crates than this has
//! functions, and buffers of its own.

use crate::pcm::MIX_RATE;

/// Filter taps for each sample at the low rate. At a ratio of 6 the prototype has 144 taps: flat
/// to 3.4 kHz, 60 dB down from 4.6 kHz.
const TAPS: usize = 24;
/// Shape of the Kaiser window: about 60 dB of stop-band attenuation.
const BETA: f64 = 5.65;

/// A low-pass prototype of `TAPS * ratio` taps whose pass band is that of the low rate; its taps
/// sum to one.
fn prototype(ratio: usize) -> Vec<f64> {
    let length = TAPS * ratio;
    let center = (length - 1) as f64 / 2.0;
    let mut taps: Vec<f64> = (0..length)
        .map(|n| {
            let offset = n as f64 - center;
            let window = (1.0 - (offset / (center + 0.5)).powi(2)).max(0.0).sqrt();
            sinc(offset / ratio as f64) * bessel(BETA * window) / bessel(BETA)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The modified Bessel function of the first kind and order zero, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..40 {
        term *= (x / (2.0 * f64::from(n))).powi(2);
        sum += term;
    }
    sum
}

/// A scalar product of equally long slices; eight sums, so that the compiler may use vector
/// instructions. Both lengths are multiples of eight.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (left, right) in left.as_chunks::<8>().0.iter().zip(right.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum()
}

/// How many samples of the mix go to one of `rate`; at least one.
fn ratio_of(rate: u32) -> usize {
    (MIX_RATE / rate.max(1)).max(1) as usize
}

/// From a low rate up to [`MIX_RATE`].
#[derive(Debug)]
pub struct Upsampler {
    /// For each output phase its taps, newest input last.
    phases: Vec<[f32; TAPS]>,
    /// The last `TAPS - 1` inputs, then the new ones.
    line: Vec<f32>,
}

impl Upsampler {
    /// From `rate`, which divides [`MIX_RATE`].
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let ratio = ratio_of(rate);
        let taps = prototype(ratio);
        let phases = (0..ratio)
            .map(|phase| {
                std::array::from_fn(|n| {
                    (taps[(TAPS - 1 - n) * ratio + phase] * ratio as f64) as f32
                })
            })
            .collect();
        Self {
            phases,
            line: vec![0.0; TAPS - 1],
        }
    }

    /// Append what `input` becomes to `out`: as many times as many samples as the ratio says.
    pub fn process(&mut self, input: impl IntoIterator<Item = f32>, out: &mut Vec<f32>) {
        self.line.extend(input);
        for inputs in self.line.windows(TAPS) {
            out.extend(self.phases.iter().map(|taps| dot(taps, inputs)));
        }
        let done = self.line.len() - (TAPS - 1);
        self.line.drain(..done);
    }
}

/// From [`MIX_RATE`] down to a low rate.
#[derive(Debug)]
pub struct Downsampler {
    ratio: usize,
    taps: Vec<f32>,
    line: Vec<f32>,
}

impl Downsampler {
    /// To `rate`, which divides [`MIX_RATE`].
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let ratio = ratio_of(rate);
        let taps: Vec<f32> = prototype(ratio).into_iter().map(|tap| tap as f32).collect();
        // The prototype is symmetric, so it needs no turning round.
        Self {
            ratio,
            line: vec![0.0; taps.len() - ratio],
            taps,
        }
    }

    /// Append what `input` becomes to `out`; samples that make no whole output wait for the rest.
    pub fn process(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.line.extend_from_slice(input);
        let mut start = 0;
        while let Some(inputs) = self.line.get(start..start + self.taps.len()) {
            out.push(dot(&self.taps, inputs));
            start += self.ratio;
        }
        self.line.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::measure;
    use crate::pcm::signals::{chirp, correlation, tone};

    fn down_and_up(rate: u32, input: &[f32]) -> Vec<f32> {
        let (mut down, mut up) = (Downsampler::new(rate), Upsampler::new(rate));
        let (mut low, mut out) = (Vec::new(), Vec::new());
        for piece in input.chunks(960) {
            low.clear();
            down.process(piece, &mut low);
            up.process(low.iter().copied(), &mut out);
        }
        out
    }

    #[test]
    fn a_chirp_in_the_pass_band_comes_back() {
        for (rate, to) in [(8_000, 3_400.0), (16_000, 6_800.0)] {
            let input = chirp(200.0, to, 48_000);
            let output = down_and_up(rate, &input);
            assert_eq!(output.len(), input.len());
            let likeness = correlation(&input, &output, 200);
            assert!(likeness > 0.99, "{rate}: {likeness}");
            assert!((measure(&output) - measure(&input)).abs() < 0.3);
        }
    }

    #[test]
    fn what_the_low_rate_can_not_hold_is_gone() {
        for (rate, hertz) in [(8_000, 5_000.0), (16_000, 10_000.0)] {
            let output = down_and_up(rate, &tone(hertz, 48_000));
            assert!(
                measure(&output[960..]) < -60.0,
                "{rate}: {}",
                measure(&output[960..])
            );
        }
    }

    #[test]
    fn going_up_adds_no_images() {
        let low: Vec<f32> = tone(1_000.0, 48_000).into_iter().step_by(6).collect();
        let mut output = Vec::new();
        Upsampler::new(8_000).process(low, &mut output);
        // The filter is symmetric about a point between two samples, so the delay is half-odd.
        let delay = (TAPS * 6 - 1) as f32 / 2.0;
        let step = std::f32::consts::TAU * 1_000.0 / MIX_RATE as f32;
        let due = (0..output.len()).map(|n| 0.5 * (step * (n as f32 - delay)).sin());
        let rest: Vec<f32> = output.iter().zip(due).map(|(is, due)| is - due).collect();
        assert!(measure(&rest[960..]) < -60.0, "{}", measure(&rest[960..]));
    }

    #[test]
    fn how_the_input_is_cut_makes_no_difference() {
        let input = chirp(100.0, 3_000.0, 4_800);
        let whole = down_and_up(8_000, &input);
        let (mut down, mut low, mut pieces) = (Downsampler::new(8_000), Vec::new(), Vec::new());
        for piece in input.chunks(7) {
            down.process(piece, &mut low);
        }
        Upsampler::new(8_000).process(low, &mut pieces);
        assert_eq!(whole, pieces);
    }

    #[test]
    fn a_constant_stays_what_it_was() {
        let output = down_and_up(16_000, &[0.25; 9_600]);
        assert!(
            output[4_800..]
                .iter()
                .all(|sample| (sample - 0.25).abs() < 0.001)
        );
    }
}
