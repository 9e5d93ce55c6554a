//! The codecs of one transcoding: a VP8 frame goes in, an H.264 picture comes out, if one is wanted.
//!
//! Both are written in Rust, so that a hostile picture may be decoded in the server's process: at worst it
//! panics, and the caller sees to that ([`isolate`]).

use oxideav_vp8::decoder::Vp8DecodedFrame;
use oxideav_vp8::state::Vp8DecoderState;
use rusty_h264::{Encoder, EncoderConfig, Preset, YuvPlanes};

use super::planes::Planes;
use super::sequence_parameters::completed;
use super::{MOST_PIXELS, Outcome, Step, Wanted};
use crate::h264_payload::units;
use crate::isolate::isolate;

/// Pictures a second that the bits are shared among.
const FRAME_RATE: f32 = 15.0;
/// How coarsely a picture is encoded until it is known what that costs, and the bits of a pixel at which this is
/// right; a step of six is half of it.
const COARSENESS: f32 = 28.0;
const BITS_OF_PIXEL: f32 = 0.15;
const COARSENESS_LIMITS: (f32, f32) = (22.0, 42.0);
/// What an encoder is set up for. It is set up anew if that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    size: (usize, usize),
    wanted: (u32, u8, bool),
}

/// One transcoding's decoder and encoder.
pub struct Transcoder {
    decoder: Vp8DecoderState,
    encoder: Option<(Setting, Encoder)>,
    last: Option<Vp8DecodedFrame>,
    is_broken: bool,
}

impl Default for Transcoder {
    fn default() -> Self {
        Self {
            decoder: Vp8DecoderState::new().with_max_pixels_per_frame(MOST_PIXELS),
            encoder: None,
            last: None,
            is_broken: false,
        }
    }
}

impl Transcoder {
    /// Do a step. After one that panicked there is nothing more to be had of it.
    pub fn work(&mut self, step: &Step) -> Outcome {
        if self.is_broken {
            return Outcome::Broken;
        }
        let outcome = isolate(|| self.try_work(step)).unwrap_or(Outcome::Broken);
        self.is_broken = outcome == Outcome::Broken;
        outcome
    }

    fn try_work(&mut self, step: &Step) -> Outcome {
        let wanted = match step {
            Step::Frame { octets, wanted } => {
                let Ok(picture) = self.decoder.decode_frame(octets) else {
                    return Outcome::Undecodable;
                };
                if self.decoder.last_frame_shown() == Some(true) {
                    self.last = Some(picture);
                }
                *wanted
            }
            Step::Again { wanted } => Some(*wanted),
        };
        match wanted.zip(self.last.as_ref()) {
            Some((wanted, picture)) => encode(&mut self.encoder, picture, wanted),
            None => Outcome::Nothing,
        }
    }
}

fn encode(
    encoder: &mut Option<(Setting, Encoder)>,
    picture: &Vp8DecodedFrame,
    wanted: Wanted,
) -> Outcome {
    let Some((width, height, factor)) = wanted.level.scaled(picture.width, picture.height) else {
        return Outcome::Nothing;
    };
    let size = (width as usize, height as usize);
    let level = wanted.level;
    let setting = Setting {
        size,
        wanted: (wanted.bits, level.idc(), level.is_1b()),
    };
    if encoder.as_ref().is_none_or(|(of, _)| *of != setting) {
        let Ok(fresh) = Encoder::new(configuration(size, wanted)) else {
            return Outcome::Broken;
        };
        *encoder = Some((setting, fresh));
    }
    let Some((_, encoder)) = encoder else {
        return Outcome::Broken;
    };
    let octets = [&picture.y[..], &picture.u[..], &picture.v[..]];
    let planes = Planes::of(octets, picture.width as usize, size, factor as usize);
    if wanted.fresh {
        encoder.request_keyframe();
    }
    let Ok(stream) = encoder.encode_planes(&YuvPlanes {
        width: planes.width,
        height: planes.height,
        y: &planes.luma,
        u: &planes.blue,
        v: &planes.red,
        stride_y: planes.width,
        stride_c: planes.width / 2,
    }) else {
        return Outcome::Broken;
    };
    let units = units(&stream).into_iter().map(<[u8]>::to_vec);
    Outcome::Picture {
        timestamp: wanted.timestamp,
        units: units.map(|unit| completed(unit, level.is_1b())).collect(),
    }
}

/// Constrained baseline, one picture out for each that goes in.
fn configuration((width, height): (usize, usize), wanted: Wanted) -> EncoderConfig {
    let mut configuration = EncoderConfig::baseline(width, height);
    configuration.level_idc = wanted.level.idc();
    configuration.bitrate = wanted.bits;
    configuration.framerate = FRAME_RATE;
    configuration.qp = coarseness((width * height) as f32, wanted.bits as f32);
    // A fifth more work than with the fastest, and pictures 1.4 dB better.
    configuration.preset = Preset::Balanced;
    // Only those pictures stand alone that somebody asked for.
    configuration.gop_size = u32::MAX;
    configuration
}

fn coarseness(pixels: f32, bits: f32) -> u8 {
    let of_pixel = bits / (FRAME_RATE * pixels);
    let (finest, coarsest) = COARSENESS_LIMITS;
    let coarseness = COARSENESS - 6.0 * (of_pixel / BITS_OF_PIXEL).log2();
    coarseness.clamp(finest, coarsest) as u8
}

#[cfg(test)]
#[path = "transcoder_tests.rs"]
mod tests;
