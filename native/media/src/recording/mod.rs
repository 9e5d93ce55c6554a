//! The recording of a room: the mix of all who are recorded, and the picture of who speaks of them.
//!
//! What is to be in the file comes out as [`Part`]s, in order; the shell writes them. Whom it may
//! take in is decided in `taking.rs`, what becomes of it here.

mod ebml;
mod picture;
mod taking;
mod webm;

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::codec::{Codec, CodecFailed, Encoder};
use crate::mixer::{Contribution, Mixer};
use crate::outgoing::Forwarded;
use crate::pcm::FRAME_MILLIS;
use crate::slots::{EndpointKey, TrackId};
pub(crate) use picture::BLANK;
use picture::{Picture, Shot};
use webm::{Track, Webm};

const FRAME_TIME: Duration = Duration::from_millis(FRAME_MILLIS as u64);
/// The picture's size as the file's head says it, and the black one has it; every keyframe says its own.
const SIZE: (u16, u16) = (1280, 720);

/// Why a recording can't be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unrecordable {
    /// The room is not open.
    #[error("no such room")]
    NoRoom,
    /// There is one already.
    #[error("the room is being recorded already")]
    Recorded,
    /// The encoder can't be set up.
    #[error("internal error: a codec failed")]
    Codec,
}

impl Unrecordable {
    /// HTTP's word for it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NoRoom => 404,
            Self::Recorded => 409,
            Self::Codec => 500,
        }
    }
}

/// A step in the writing of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These octets come next; with them the file lasts until then.
    Append {
        /// A whole cluster, or the head, or the cues.
        octets: Vec<u8>,
        /// How long the file lasts with them.
        until: Duration,
    },
    /// Write over what is there.
    Overwrite {
        /// Where, from the beginning of the file.
        at: u64,
        /// By what.
        octets: Vec<u8>,
    },
    /// Nothing more comes.
    End {
        /// Why it ended, if that wasn't asked for.
        problem: Option<&'static str>,
    },
}

/// One room's recording.
#[derive(Debug)]
pub(crate) struct Recording {
    started: Instant,
    webm: Webm,
    mixer: Mixer<EndpointKey>,
    encoder: Encoder,
    picture: Picture,
    parts: Vec<Part>,
}

impl Recording {
    /// It begins now.
    pub(crate) fn new(now: Instant) -> Result<Self, CodecFailed> {
        let (webm, head) = Webm::new(SIZE);
        let mut recording = Self {
            started: now,
            webm,
            mixer: Mixer::new(),
            encoder: Encoder::new(Codec::Opus)?,
            picture: Picture::new(now),
            parts: Vec::new(),
        };
        recording.append(Some(head));
        recording.go_on(now);
        Ok(recording)
    }

    /// How long it has lasted.
    pub(crate) fn length(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// The sound of the 20 ms that end at `due`.
    pub(crate) fn hear(&mut self, due: Instant, sounds: &[Contribution<'_, EndpointKey>]) {
        // What was said as it was started isn't in it: the first frame begins after that.
        let Some(time) = due.checked_duration_since(self.started + FRAME_TIME) else {
            return;
        };
        self.mixer.mix(sounds);
        let mut packet = Vec::new();
        // A codec that fails leaves a gap, which players fill with silence.
        if self
            .encoder
            .encode(self.mixer.common(), &mut packet)
            .is_ok()
        {
            let cluster = self.webm.push(Track::Sound, time, FRAME_TIME, true, packet);
            self.append(cluster);
        }
    }

    /// Whose picture it is, if it is anybody's.
    pub(crate) fn shown(&self) -> Option<TrackId> {
        self.picture.shown()
    }

    /// Let it be that camera's picture, in that layer, as soon as there is a keyframe.
    pub(crate) fn aim(&mut self, track: TrackId, layer: u8) {
        self.picture.aim((track, layer));
    }

    /// The camera and layer of which a keyframe is needed.
    pub(crate) fn wants_keyframe(&self, now: Instant) -> Option<(TrackId, u8)> {
        self.picture.wanted(now)
    }

    /// Let nobody be seen from now on who may not be.
    pub(crate) fn keep(&mut self, now: Instant, may: impl Fn(TrackId) -> bool) {
        self.picture.keep(may);
        self.go_on(now);
    }

    /// A packet of the camera of one who may be seen.
    pub(crate) fn see(&mut self, track: TrackId, packet: &Forwarded) {
        for shot in self.picture.push(track, packet) {
            self.show(shot);
        }
    }

    /// Without a picture it is black.
    fn go_on(&mut self, now: Instant) {
        if let Some(shot) = self.picture.blank(now) {
            self.show(shot);
        }
    }

    fn show(&mut self, shot: Shot) {
        let time = self.length(shot.at);
        let picture = Track::Picture;
        let cluster = self
            .webm
            .push(picture, time, Duration::ZERO, shot.keyframe, shot.octets);
        self.append(cluster);
    }

    /// What is to be written by now.
    pub(crate) fn take_parts(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.parts)
    }

    /// The last parts.
    pub(crate) fn finish(mut self) -> Vec<Part> {
        let cluster = self.webm.flush();
        self.append(cluster);
        let until = self.webm.flushed();
        let (cues, patches) = self.webm.finish();
        if !cues.is_empty() {
            let octets = cues;
            self.parts.push(Part::Append { octets, until });
        }
        let patches = patches.into_iter();
        self.parts.extend(patches.map(|patch| Part::Overwrite {
            at: patch.at,
            octets: patch.octets,
        }));
        self.parts.push(Part::End { problem: None });
        self.parts
    }

    fn append(&mut self, octets: Option<Vec<u8>>) {
        let until = self.webm.flushed();
        self.parts
            .extend(octets.map(|octets| Part::Append { octets, until }));
    }
}
