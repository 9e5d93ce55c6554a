//! A camera: VP8 frames of a moving picture in one colour, by the encoder of the crate that we decode with.

use oxideav_vp8::encoder::{
    I420Frame, KeyframeParams, TrellisStrength, encode_keyframe_with_reconstruction,
    encode_p_frame_zero_mv,
};
use oxideav_vp8::frame::KeyframePlanes;

/// Lines of the bar.
const BAR: usize = 16;

pub struct Camera {
    size: (u32, u32),
    /// Its brightness; a short bar of another wanders along its upper edge.
    pub brightness: u8,
    count: usize,
    last: Option<KeyframePlanes>,
}

impl Camera {
    pub fn new(width: u32, height: u32, brightness: u8) -> Self {
        Self {
            size: (width, height),
            brightness,
            count: 0,
            last: None,
        }
    }

    /// The next frame; a keyframe if asked for, and at first.
    pub fn frame(&mut self, keyframe: bool) -> Vec<u8> {
        let (width, height) = self.size;
        let mut luma = vec![self.brightness; (width * height) as usize];
        let bar = self.count * 4 % width as usize;
        for line in luma.chunks_exact_mut(width as usize).take(BAR) {
            line[bar] = self.brightness ^ 0x40;
        }
        self.count += 1;
        let colour = vec![128; (width.div_ceil(2) * height.div_ceil(2)) as usize];
        let frame = I420Frame::packed(width, height, &luma, &colour, &colour);
        let parameters = KeyframeParams {
            trellis_strength: TrellisStrength::new(0.0),
            y_ac_qi: 60,
            ..KeyframeParams::default()
        };
        let encoded = match self.last.as_ref().filter(|_| !keyframe) {
            Some(last) => encode_p_frame_zero_mv(&frame, last, &parameters),
            None => encode_keyframe_with_reconstruction(&frame, &parameters),
        };
        let (octets, planes) = encoded.unwrap();
        self.last = Some(planes);
        octets
    }
}
