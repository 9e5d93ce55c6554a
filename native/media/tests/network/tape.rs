//! A recording read back: by a demuxer that nobody here wrote, and the codec.

use std::io::Cursor;
use std::time::Duration;

use matroska_demuxer::{Frame, MatroskaFile};
use vestibule_media::Part;
use vestibule_media::codec::{Codec, Decoder};

use super::Network;

/// A block of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub milliseconds: u64,
    pub keyframe: bool,
    pub frame: Vec<u8>,
}

/// What is in a file so far.
pub struct Tape {
    pub pictures: Vec<Block>,
    pub sounds: Vec<Block>,
    pub duration: Option<f64>,
    /// Why it ended, if it did.
    pub end: Option<Option<&'static str>>,
}

impl Tape {
    /// Everything that was recorded in the network's rooms, which must be one recording.
    pub fn of(network: &Network) -> Self {
        let mut file = Vec::new();
        let (mut end, mut until) = (None, Duration::ZERO);
        for (_, part) in &network.recorded {
            assert_eq!(end, None, "nothing comes after the end");
            match part {
                Part::Append { octets, until: now } => {
                    file.extend_from_slice(octets);
                    assert!(*now >= until);
                    until = *now;
                }
                Part::Overwrite { at, octets } => {
                    let at = *at as usize;
                    file[at..at + octets.len()].copy_from_slice(octets);
                }
                Part::End { problem } => end = Some(*problem),
            }
        }
        Self::read(&file, end)
    }

    fn read(file: &[u8], end: Option<Option<&'static str>>) -> Self {
        let mut read = MatroskaFile::open(Cursor::new(file)).unwrap();
        let mut tape = Self {
            pictures: Vec::new(),
            sounds: Vec::new(),
            duration: read.info().duration(),
            end,
        };
        let mut frame = Frame::default();
        while read.next_frame(&mut frame).unwrap() {
            let block = Block {
                milliseconds: frame.timestamp,
                keyframe: frame.is_keyframe.unwrap_or_default(),
                frame: frame.data.clone(),
            };
            match frame.track {
                1 => tape.pictures.push(block),
                _ => tape.sounds.push(block),
            }
        }
        tape
    }

    /// The sound between two times in milliseconds.
    pub fn heard(&self, from: u64, to: u64) -> Vec<f32> {
        let mut decoder = Decoder::new(Codec::Opus).unwrap();
        let mut heard = Vec::new();
        for block in &self.sounds {
            let mut sound = Vec::new();
            decoder.decode(&block.frame, &mut sound).unwrap();
            if (from..to).contains(&block.milliseconds) {
                heard.extend(sound);
            }
        }
        heard
    }
}
