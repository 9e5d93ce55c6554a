//! One endpoint as its room sees it: a browser or a phone, its rights, and what it is sending.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::browser::{Browser, Heard};
use crate::events::{Rights, SocketId, Source, Stats};
use crate::gain::GainControl;
use crate::handset::Handset;
use crate::layers::Layers;
use crate::loudness::Loudness;
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::phone_video::PhoneVideo;
use crate::playout::Playout;
use crate::quality::Quality;
use crate::slots::TrackId;

/// Who has not connected by then never will.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// A track without packets is over: cameras are turned off, screens may stand still longer.
const CAMERA_LIMIT: Duration = Duration::from_secs(2);
const QUIET_LIMIT: Duration = Duration::from_secs(5);

/// A stream that an endpoint is sending now.
#[derive(Debug)]
pub(crate) struct Track {
    last_packet: Instant,
    pub(crate) layers: Layers,
}

impl Track {
    /// It begins with this packet.
    pub(crate) fn new(now: Instant, packet: &Forwarded) -> Self {
        let mut track = Self {
            last_packet: now,
            layers: Layers::default(),
        };
        track.layers.hear(now, packet);
        track
    }

    pub(crate) fn hear(&mut self, now: Instant, packet: &Forwarded) {
        self.last_packet = now;
        self.layers.hear(now, packet);
    }

    pub(crate) fn is_over(&self, now: Instant, source: Source) -> bool {
        let limit = match source {
            Source::Camera => CAMERA_LIMIT,
            Source::Audio | Source::Screen => QUIET_LIMIT,
        };
        now > self.last_packet + limit
    }
}

/// The connection itself.
pub(crate) enum Body {
    Browser(Box<Browser>),
    Phone(Box<Handset>),
}

impl Body {
    fn stats(&self) -> Stats {
        match self {
            Self::Browser(browser) => browser.stats(),
            Self::Phone(handset) => handset.stats(),
        }
    }

    fn quality(&self, now: Instant) -> Quality {
        match self {
            Self::Browser(browser) => browser.quality(now),
            Self::Phone(handset) => handset.quality(now),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Browser(browser) => Some(browser.deadline()),
            // Phones live by the room's ticks.
            Self::Phone(_) => None,
        }
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        from: (SocketId, SocketAddr),
        data: &mut [u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        match self {
            Self::Browser(browser) => browser.receive(now, from.1, data, heard, out),
            Self::Phone(handset) => handset.receive(now, from, data, heard, out),
        }
    }

    pub(crate) fn pump(&mut self, now: Instant, heard: &mut Vec<Heard>, out: &mut Outbox) {
        match self {
            Self::Browser(browser) => browser.pump(now, heard, out),
            Self::Phone(handset) => handset.pump(now, out),
        }
    }

    /// Queue a packet, if its track is shown. True: `pump` it.
    pub(crate) fn forward(&mut self, track: TrackId, packet: &Forwarded) -> bool {
        match self {
            Self::Browser(browser) => browser.forward(track, packet),
            Self::Phone(handset) => {
                let video = handset.video.as_mut();
                video.is_some_and(|video| video.show(track, packet))
            }
        }
    }

    /// Ask it for a keyframe of what it sends. True: `pump` it.
    pub(crate) fn request_keyframe(&mut self, source: Source, layer: u8) -> bool {
        match self {
            Self::Browser(browser) => browser.request_keyframe(source, layer),
            Self::Phone(handset) => {
                let video = handset.video.as_mut();
                video.is_some_and(|video| video.request_keyframe())
            }
        }
    }

    pub(crate) fn close(&mut self, now: Instant, out: &mut Outbox) {
        match self {
            Self::Browser(browser) => browser.close(now, out),
            Self::Phone(handset) => handset.close(now, out),
        }
    }
}

/// One endpoint.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) rights: Rights,
    pub(crate) body: Body,
    pub(crate) tracks: [Option<Track>; 3],
    pub(crate) loudness: Loudness,
    pub(crate) forbidden: u64,
    /// Decodes its audio while somebody needs it decoded.
    pub(crate) player: Option<Playout>,
    pub(crate) gain: GainControl,
    /// Whether it may be in a recording.
    pub(crate) recorded: bool,
    /// Whether it has been told its slots at all.
    pub(crate) told: bool,
    /// Whether its layers are to be chosen anew at the next tick.
    pub(crate) reconsider: bool,
    pub(crate) connected: bool,
    joined: Instant,
}

impl Member {
    pub(crate) fn new(now: Instant, name: String, rights: Rights, body: Body) -> Self {
        Self {
            name,
            rights,
            body,
            tracks: [None, None, None],
            loudness: Loudness::new(),
            forbidden: 0,
            player: None,
            gain: GainControl::new(),
            recorded: false,
            told: false,
            reconsider: false,
            connected: false,
            joined: now,
        }
    }

    pub(crate) fn browser(&self) -> Option<&Browser> {
        match &self.body {
            Body::Browser(browser) => Some(browser),
            Body::Phone(_) => None,
        }
    }

    pub(crate) fn browser_mut(&mut self) -> Option<&mut Browser> {
        match &mut self.body {
            Body::Browser(browser) => Some(browser),
            Body::Phone(_) => None,
        }
    }

    pub(crate) fn handset_mut(&mut self) -> Option<&mut Handset> {
        match &mut self.body {
            Body::Browser(_) => None,
            Body::Phone(handset) => Some(handset),
        }
    }

    /// A phone's pictures.
    pub(crate) fn video(&self) -> Option<&PhoneVideo> {
        match &self.body {
            Body::Browser(_) => None,
            Body::Phone(handset) => handset.video.as_deref(),
        }
    }

    /// A phone's pictures, to be changed.
    pub(crate) fn video_mut(&mut self) -> Option<&mut PhoneVideo> {
        self.handset_mut()?.video.as_deref_mut()
    }

    pub(crate) fn is_phone(&self) -> bool {
        matches!(self.body, Body::Phone(_))
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            packets_forbidden: self.forbidden,
            audio_level: self.loudness.amplitude(),
            ..self.body.stats()
        }
    }

    pub(crate) fn quality(&self, now: Instant) -> Quality {
        Quality {
            is_connected: self.connected,
            ..self.body.quality(now)
        }
    }

    /// Why it can be given up, if it can. A browser's connection tells by itself when it is lost.
    pub(crate) fn given_up(&self, now: Instant) -> Option<&'static str> {
        match &self.body {
            Body::Browser(_) if !self.connected && now > self.joined + CONNECT_LIMIT => {
                Some("never connected")
            }
            Body::Phone(handset) if handset.phone.is_silent(now) => Some("no media for a minute"),
            _ => None,
        }
    }
}
