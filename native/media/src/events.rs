//! What the core takes and tells: rights, events, datagrams, counters.

use std::net::SocketAddr;

use crate::quality::Quality;

/// What an endpoint may send. Enforced on receipt, whatever its client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Microphone.
    pub audio: bool,
    /// Camera.
    pub video: bool,
    /// Screen share.
    pub screen: bool,
}

impl Rights {
    /// Whether they cover a track of this source.
    pub fn cover(self, source: Source) -> bool {
        match source {
            Source::Audio => self.audio,
            Source::Camera => self.video,
            Source::Screen => self.screen,
        }
    }
}

/// What a track shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Microphone, or a phone.
    Audio,
    /// Camera.
    Camera,
    /// Screen share.
    Screen,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Audio, Self::Camera, Self::Screen];

    /// The word for it on the data channel.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Camera => "camera",
            Self::Screen => "screen",
        }
    }

    /// Whether it is video, whichever it shows.
    pub fn is_video(self) -> bool {
        self != Self::Audio
    }
}

/// A UDP socket that the shell holds for the core; the shell gives the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub usize);

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From this socket.
    pub socket: SocketId,
    /// To this address.
    pub destination: SocketAddr,
    /// This payload.
    pub payload: Vec<u8>,
}

/// What the core tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Media flows: DTLS is done (browser) or the first authentic packet came (phone).
    Connected {
        /// The room's name.
        room: String,
        /// The endpoint's name.
        endpoint: String,
    },
    /// The endpoint ended by itself.
    Gone {
        /// The room's name.
        room: String,
        /// The endpoint's name.
        endpoint: String,
        /// For the log and for people.
        reason: String,
        /// How its media fared in the end.
        quality: Box<Quality>,
    },
    /// A phone's key was pressed, once (RFC 4733).
    Digit {
        /// The room's name.
        room: String,
        /// The endpoint's name.
        endpoint: String,
        /// 0-9, *, # or A-D.
        digit: char,
    },
    /// A phone sees nothing, for as many pictures are transcoded as may be. It will when there is a place.
    PicturesWithheld {
        /// The room's name.
        room: String,
        /// The endpoint's name.
        endpoint: String,
    },
    /// A codec panicked over somebody's pictures: no phone is shown them any more in H.264.
    TranscodingFailed {
        /// The room's name.
        room: String,
        /// Whose.
        endpoint: String,
    },
    /// The loudest endpoint has changed; `None` is silence.
    ActiveSpeaker {
        /// The room's name.
        room: String,
        /// The endpoint's name.
        endpoint: Option<String>,
    },
}

/// Counters of one endpoint since it joined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Authentic media packets from it.
    pub packets_received: u64,
    /// Media and RTCP packets to it.
    pub packets_sent: u64,
    /// Bytes of payload in `packets_received`.
    pub bytes_received: u64,
    /// Bytes of the datagrams in `packets_sent`.
    pub bytes_sent: u64,
    /// Packets that failed authentication or were replays.
    pub packets_refused: u64,
    /// Authentic packets of a track that the rights don't cover.
    pub packets_forbidden: u64,
    /// 0.0 (silence) to 1.0 (full scale), smoothed.
    pub audio_level: f32,
}
