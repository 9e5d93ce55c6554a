//! A recording's file: WebM, that is Matroska (RFC 9559) with VP8 and Opus.
//!
//! It is written as if live: a segment of unknown size, then clusters of about a second, each whole.
//! Whatever is lost of the end, what was written before can be played. An orderly end adds the cues
//! and writes the duration, the size and the way to the cues into places that were kept for them.

use std::time::Duration;

use super::ebml;

const EBML: u32 = 0x1a45_dfa3;
const EBML_VERSION: u32 = 0x4286;
const EBML_READ_VERSION: u32 = 0x42f7;
const EBML_MAX_ID_LENGTH: u32 = 0x42f2;
const EBML_MAX_SIZE_LENGTH: u32 = 0x42f3;
const DOC_TYPE: u32 = 0x4282;
const DOC_TYPE_VERSION: u32 = 0x4287;
const DOC_TYPE_READ_VERSION: u32 = 0x4285;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const SEEK: u32 = 0x4dbb;
const SEEK_ID: u32 = 0x53ab;
const SEEK_POSITION: u32 = 0x53ac;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const MUXING_APP: u32 = 0x4d80;
const WRITING_APP: u32 = 0x5741;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_UID: u32 = 0x73c5;
const TRACK_TYPE: u32 = 0x83;
const FLAG_LACING: u32 = 0x9c;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const CODEC_DELAY: u32 = 0x56aa;
const SEEK_PRE_ROLL: u32 = 0x56bb;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const AUDIO: u32 = 0xe1;
const SAMPLING_FREQUENCY: u32 = 0xb5;
const CHANNELS: u32 = 0x9f;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const CUES: u32 = 0x1c53_bb6b;
const CUE_POINT: u32 = 0xbb;
const CUE_TIME: u32 = 0xb3;
const CUE_TRACK_POSITIONS: u32 = 0xb7;
const CUE_TRACK: u32 = 0xf7;
const CUE_CLUSTER_POSITION: u32 = 0xf1;

/// Nanoseconds of a tick of timestamps.
const TICK: u64 = 1_000_000;
/// A cluster ends when it has lasted so long in milliseconds, or holds so many octets.
const CLUSTER_TIME: u64 = 1_000;
const CLUSTER_OCTETS: usize = 2 * 1024 * 1024;
/// What is played before the first sound counts: libopus' lookahead, in samples of 48 kHz.
const PRE_SKIP: u16 = 312;
/// Nanoseconds of sound that a decoder needs after a jump (RFC 7845 section 4.6).
const PRE_ROLL: u64 = 80_000_000;
const KEYFRAME: u8 = 0x80;
const APP: &str = "Vestibule";

/// What is kept free for the seek head: three entries.
const SEEK_HEAD_OCTETS: usize = 68;
/// ... and for the duration.
const DURATION_OCTETS: usize = 11;

/// The tracks, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// The active speaker, VP8.
    Picture = 1,
    /// The mix, Opus.
    Sound = 2,
}

/// Octets to write over others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where in the file.
    pub at: u64,
    /// By what.
    pub octets: Vec<u8>,
}

/// Where things are in the file that are written later.
#[derive(Debug, Clone, Copy)]
struct Places {
    segment_size: usize,
    /// What positions in the segment count from.
    segment: usize,
    info: usize,
    duration: usize,
    tracks: usize,
}

#[derive(Debug)]
struct Block {
    time: u64,
    track: Track,
    keyframe: bool,
    frame: Vec<u8>,
}

/// Writes one file; all it hands out is to be appended, in order, but for the patches at the end.
#[derive(Debug)]
pub struct Webm {
    places: Places,
    octets: u64,
    blocks: Vec<Block>,
    block_octets: usize,
    /// No block may be earlier than that.
    floor: u64,
    /// The time of each track's newest block; no two of a track have the same.
    newest: [Option<u64>; 2],
    end: u64,
    /// Keyframes to which one can jump: milliseconds, and where their cluster is in the segment.
    cues: Vec<(u64, u64)>,
}

impl Webm {
    /// A file, and how it begins. `size` is that of the picture, which frames may differ from.
    pub fn new(size: (u16, u16)) -> (Self, Vec<u8>) {
        let (head, places) = head(size);
        let webm = Self {
            places,
            octets: head.len() as u64,
            blocks: Vec::new(),
            block_octets: 0,
            floor: 0,
            newest: [None; 2],
            end: 0,
            cues: Vec::new(),
        };
        (webm, head)
    }

    /// Add a frame that is shown or heard from `time` on, for so long; the cluster that it doesn't belong
    /// to any more, if it is the first of another. Tracks may be a little out of
    /// step.
    pub fn push(
        &mut self,
        track: Track,
        time: Duration,
        lasts: Duration,
        keyframe: bool,
        frame: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let newest = self.newest[track as usize - 1];
        let earliest = newest.map_or(self.floor, |newest| self.floor.max(newest + 1));
        let time = millis(time).max(earliest);
        let first = self.blocks.first().map_or(time, |block| block.time);
        let is_full = time >= first + CLUSTER_TIME || self.block_octets >= CLUSTER_OCTETS;
        let cluster = if is_full { self.flush() } else { None };
        let time = time.max(self.floor);
        self.newest[track as usize - 1] = Some(time);
        self.end = self.end.max(time + millis(lasts));
        self.block_octets += frame.len();
        self.blocks.push(Block {
            time,
            track,
            keyframe,
            frame,
        });
        cluster
    }

    /// How long what has been handed out lasts.
    pub fn flushed(&self) -> Duration {
        Duration::from_millis(self.floor)
    }

    /// The last cluster, if there is one.
    pub fn flush(&mut self) -> Option<Vec<u8>> {
        let mut blocks = std::mem::take(&mut self.blocks);
        self.block_octets = 0;
        blocks.sort_by_key(|block| block.time);
        let (first, last) = (blocks.first()?.time, blocks.last()?.time);
        let position = self.octets - self.places.segment as u64;
        let mut pictures = blocks.iter().filter(|b| b.track == Track::Picture);
        if let Some(block) = pictures.find(|block| block.keyframe) {
            self.cues.push((block.time, position));
        }
        let mut cluster = Vec::new();
        ebml::master(&mut cluster, CLUSTER, |out| {
            ebml::uint(out, TIMESTAMP, first);
            for block in &blocks {
                write_block(out, first, block);
            }
        });
        self.octets += cluster.len() as u64;
        self.floor = last;
        Some(cluster)
    }

    /// The orderly end, after the last `flush`: what to append, and then what to write over.
    pub fn finish(mut self) -> (Vec<u8>, Vec<Patch>) {
        let cues_at = self.octets - self.places.segment as u64;
        let mut cues = Vec::new();
        // RFC 9559 has no place for cues without a cue.
        if !self.cues.is_empty() {
            ebml::master(&mut cues, CUES, |out| {
                for cue in &self.cues {
                    write_cue(out, *cue);
                }
            });
        }
        self.octets += cues.len() as u64;
        let size = self.octets - self.places.segment as u64;
        let mut duration = Vec::new();
        ebml::float(&mut duration, DURATION, self.end as f64);
        let mut patches = vec![
            Patch {
                at: self.places.duration as u64,
                octets: duration,
            },
            Patch {
                at: self.places.segment_size as u64,
                octets: ebml::full_size(size).to_vec(),
            },
        ];
        if !cues.is_empty() {
            patches.insert(0, self.places.seek_head(cues_at));
        }
        (cues, patches)
    }
}

impl Places {
    /// Where information, tracks and cues are.
    fn seek_head(self, cues: u64) -> Patch {
        let within = |at: usize| (at - self.segment) as u64;
        let mut octets = Vec::new();
        ebml::master(&mut octets, SEEK_HEAD, |out| {
            let entries = [
                (INFO, within(self.info)),
                (TRACKS, within(self.tracks)),
                (CUES, cues),
            ];
            for (id, position) in entries {
                ebml::master(out, SEEK, |out| {
                    ebml::binary(out, SEEK_ID, &id.to_be_bytes());
                    ebml::full_uint(out, SEEK_POSITION, position);
                });
            }
        });
        let at = self.segment as u64;
        Patch { at, octets }
    }
}

/// Everything before the first cluster.
fn head(size: (u16, u16)) -> (Vec<u8>, Places) {
    let mut out = Vec::new();
    ebml::master(&mut out, EBML, |out| {
        ebml::uint(out, EBML_VERSION, 1);
        ebml::uint(out, EBML_READ_VERSION, 1);
        ebml::uint(out, EBML_MAX_ID_LENGTH, 4);
        ebml::uint(out, EBML_MAX_SIZE_LENGTH, 8);
        ebml::text(out, DOC_TYPE, "webm");
        // Version 4 has the codec's delay, version 2 the simple blocks.
        ebml::uint(out, DOC_TYPE_VERSION, 4);
        ebml::uint(out, DOC_TYPE_READ_VERSION, 2);
    });
    ebml::id(&mut out, SEGMENT);
    let segment_size = out.len();
    out.extend_from_slice(&ebml::UNKNOWN_SIZE);
    let segment = out.len();
    ebml::void(&mut out, SEEK_HEAD_OCTETS);
    let info = out.len();
    ebml::master(&mut out, INFO, |out| {
        ebml::uint(out, TIMESTAMP_SCALE, TICK);
        ebml::text(out, MUXING_APP, APP);
        ebml::text(out, WRITING_APP, APP);
        ebml::void(out, DURATION_OCTETS);
    });
    let tracks = out.len();
    let places = Places {
        segment_size,
        segment,
        info,
        duration: tracks - DURATION_OCTETS,
        tracks,
    };
    write_tracks(&mut out, size);
    (out, places)
}

fn write_tracks(out: &mut Vec<u8>, (width, height): (u16, u16)) {
    ebml::master(out, TRACKS, |out| {
        write_track(out, Track::Picture, 1, "V_VP8", |out| {
            ebml::master(out, VIDEO, |out| {
                ebml::uint(out, PIXEL_WIDTH, width.into());
                ebml::uint(out, PIXEL_HEIGHT, height.into());
            });
        });
        write_track(out, Track::Sound, 2, "A_OPUS", |out| {
            ebml::binary(out, CODEC_PRIVATE, &opus_head());
            let delay = u64::from(PRE_SKIP) * 1_000_000_000 / 48_000;
            ebml::uint(out, CODEC_DELAY, delay);
            ebml::uint(out, SEEK_PRE_ROLL, PRE_ROLL);
            ebml::master(out, AUDIO, |out| {
                ebml::float(out, SAMPLING_FREQUENCY, 48_000.0);
                ebml::uint(out, CHANNELS, 1);
            });
        });
    });
}

/// One track of that type (RFC 9559 section 5.1.4.1.3).
fn write_track(
    out: &mut Vec<u8>,
    track: Track,
    kind: u64,
    codec: &str,
    rest: impl FnOnce(&mut Vec<u8>),
) {
    ebml::master(out, TRACK_ENTRY, |out| {
        ebml::uint(out, TRACK_NUMBER, track as u64);
        ebml::uint(out, TRACK_UID, track as u64);
        ebml::uint(out, TRACK_TYPE, kind);
        ebml::uint(out, FLAG_LACING, 0);
        ebml::text(out, CODEC_ID, codec);
        rest(out);
    });
}

/// The identification header (RFC 7845 section 5.1): version 1, mono, 48 kHz, no gain, mapping family 0.
fn opus_head() -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend_from_slice(&PRE_SKIP.to_le_bytes());
    head.extend_from_slice(&48_000_u32.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    head
}

/// A simple block (RFC 9559 section 10.2): its track, its time in the cluster, its flags.
fn write_block(out: &mut Vec<u8>, cluster: u64, block: &Block) {
    let time = i16::try_from(block.time - cluster).unwrap_or(i16::MAX);
    ebml::id(out, SIMPLE_BLOCK);
    ebml::size(out, block.frame.len() as u64 + 4);
    out.push(0x80 | block.track as u8);
    out.extend_from_slice(&time.to_be_bytes());
    out.push(if block.keyframe { KEYFRAME } else { 0 });
    out.extend_from_slice(&block.frame);
}

fn write_cue(out: &mut Vec<u8>, (time, cluster): (u64, u64)) {
    ebml::master(out, CUE_POINT, |out| {
        ebml::uint(out, CUE_TIME, time);
        ebml::master(out, CUE_TRACK_POSITIONS, |out| {
            ebml::uint(out, CUE_TRACK, Track::Picture as u64);
            ebml::uint(out, CUE_CLUSTER_POSITION, cluster);
        });
    });
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
