//! Pictures for phones that have no VP8: what others send is decoded, and encoded anew in H.264.
//!
//! A [`Transcoding`] is one track of one room, for all phones that see it. It puts frames together and hands out
//! [`Task`]s; the shell has them done by a [`Transcoder`] on a thread of its own and gives back [`Outcome`]s, so
//! that no codec ever holds up media. Who sees what, and how many there may be, is in `watching.rs`.

mod level;
mod places;
mod planes;
mod sequence_parameters;
mod stream;
mod transcoder;
mod watching;

pub use level::Level;
pub(crate) use places::Places;
pub(crate) use stream::Shot;
pub use transcoder::Transcoder;
pub(crate) use watching::Transcodings;

use crate::demux::RoomKey;

/// A larger picture is not decoded.
pub(crate) const MOST_PIXELS: u64 = 1_280 * 720;

/// Names one transcoding of a node; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TranscodingId {
    pub(crate) room: RoomKey,
    pub(crate) number: u64,
}

impl TranscodingId {
    /// A name for the tests of shells; the core gives its own.
    #[doc(hidden)]
    pub fn for_test(number: u64) -> Self {
        let room = RoomKey(0);
        Self { room, number }
    }
}

/// How a picture is to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// When it is shown, in ticks of RTP's clock.
    pub timestamp: u32,
    /// Whether a decoder must be able to begin with it.
    pub fresh: bool,
    /// Bits per second.
    pub bits: u32,
    /// What those take that see it.
    pub level: Level,
}

/// Something for a [`Transcoder`] to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Decode the next frame, and encode it if that is wanted.
    Frame {
        /// The VP8 frame.
        octets: Vec<u8>,
        /// `None`: decode it only, for others build on it.
        wanted: Option<Wanted>,
    },
    /// Encode the last picture again.
    Again {
        /// How.
        wanted: Wanted,
    },
}

/// Something for the shell to have done. It has a [`Transcoder`] for each id from its first step to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The next step; its [`Outcome`] goes to [`crate::Rooms::handle_transcoded`].
    Step(TranscodingId, Step),
    /// What waits of it needs not be done any more; nothing more comes.
    End(TranscodingId),
}

/// What came of a step. Each has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be, with nothing to show.
    Nothing,
    /// A picture.
    Picture {
        /// That of [`Wanted`].
        timestamp: u32,
        /// Its NAL units, with the parameter sets if a decoder can begin with it.
        units: Vec<Vec<u8>>,
    },
    /// The frame can't be decoded. Nothing can before the next keyframe.
    Undecodable,
    /// The step was not done, for too many wait. Nothing can be decoded before the next keyframe.
    Dropped,
    /// A codec panicked; nothing more comes of this one.
    Broken,
}
