//! G.722 at 64 kbit/s: 16 kHz sound, one octet for two samples. Its RTP clock says 8 kHz all the
//! same (RFC 3551 section 4.5.2).

use ezk_g722::libg722::{Bitrate, decoder, encoder};

use super::resample::{Downsampler, Upsampler};
use crate::pcm::{Frame, from_i16, to_i16};

/// What the codec samples at.
const RATE: u32 = 16_000;

pub(super) struct Decoder {
    inner: decoder::Decoder,
    up: Upsampler,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            inner: decoder::Decoder::new(Bitrate::Mode1_64000, false, false),
            up: Upsampler::new(RATE),
        }
    }

    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) {
        let samples = self.inner.decode(payload);
        self.up.process(samples.into_iter().map(from_i16), out);
    }
}

pub(super) struct Encoder {
    inner: encoder::Encoder,
    down: Downsampler,
    low: Vec<f32>,
    samples: Vec<i16>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            inner: encoder::Encoder::new(Bitrate::Mode1_64000, false, false),
            down: Downsampler::new(RATE),
            low: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// A frame of the mix is 320 samples here: an even number, as the codec needs.
    pub(super) fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        self.low.clear();
        self.down.process(frame, &mut self.low);
        self.samples.clear();
        self.samples.extend(self.low.iter().copied().map(to_i16));
        out.extend_from_slice(&self.inner.encode(&self.samples));
    }
}
