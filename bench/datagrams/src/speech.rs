//! What phones say: sound that is coded as speech is, and the hum of a room.

use std::io;

use vestibule_media::codec::{Codec, Encoder};
use vestibule_media::pcm::{FRAME, Frame, MIX_RATE};

/// Frames after which it begins anew: ten seconds.
const FRAMES: usize = 500;
/// Harmonics of a voice.
const HARMONICS: u32 = 20;
/// A quiet room, as a headset's microphone hears it, in dBov.
const HUM_DBOV: f32 = -68.0;

/// Ten seconds of a voice of its own pitch, in Opus: syllables, four a second.
pub(crate) fn voice(number: usize) -> io::Result<Vec<Vec<u8>>> {
    let pitch = 100.0 + 17.0 * number as f32;
    encode(|sample| {
        let time = sample as f32 / MIX_RATE as f32;
        let syllable = (std::f32::consts::TAU * 2.0 * (time + number as f32 * 0.1)).sin();
        let glide = pitch * (1.0 + 0.1 * (time * 3.0).sin());
        let tones = (1..=HARMONICS).map(|harmonic| {
            let turns = glide * harmonic as f32 * time;
            (std::f32::consts::TAU * turns.fract()).sin() / harmonic as f32
        });
        0.25 * syllable * syllable * tones.sum::<f32>()
    })
}

/// Ten seconds of a room in which nobody talks.
pub(crate) fn hum(number: usize) -> io::Result<Vec<Vec<u8>>> {
    let amplitude = 10f32.powf(HUM_DBOV / 20.0) * 3f32.sqrt();
    let mut state = number as u32 + 1;
    encode(|_| {
        // Numerical Recipes' generator: noise, not secrecy.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        amplitude * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    })
}

fn encode(mut sample: impl FnMut(usize) -> f32) -> io::Result<Vec<Vec<u8>>> {
    let mut encoder = Encoder::new(Codec::Opus).map_err(io::Error::other)?;
    let packets = (0..FRAMES).map(|frame| {
        let sound: Frame = std::array::from_fn(|n| sample(frame * FRAME + n));
        let mut packet = Vec::new();
        encoder
            .encode(&sound, &mut packet)
            .map_err(io::Error::other)?;
        Ok(packet)
    });
    packets.collect()
}
