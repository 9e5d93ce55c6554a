//! The receive slots of one browser, seen from our side: streams to it, and what is in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc, VideoOrientation, Vp8Descriptor};

use crate::events::Source;
use crate::rewrite::{Rewriter, Vp8Rewriter};
use crate::slots::TrackId;

/// A receiver that can't decode is heard once in this time.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);
/// A slot that had to be lowered gets no better layer for this long.
const HOLD: Duration = Duration::from_secs(5);

/// RTP clock rates of the only two codecs (RFC 7587, RFC 7741).
const OPUS_CLOCK: u32 = 48_000;
const VP8_CLOCK: u32 = 90_000;

/// A packet on its way from one sender to many slots.
#[derive(Debug, Clone)]
pub struct Forwarded {
    /// Extended sequence number of the sender's stream.
    pub sequence: u64,
    /// RTP timestamp of the sender's stream.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// When it arrived.
    pub arrived: Instant,
    /// Audio level as RFC 6464 has it: dBov, and whether it is voice.
    pub level: Option<(i8, bool)>,
    /// How the camera is held.
    pub orientation: Option<VideoOrientation>,
    /// Parsed once for all receivers; `None` for audio.
    pub vp8: Option<Vp8Descriptor>,
    /// Which of the sender's layers it is of, 0 for the smallest picture.
    pub layer: u8,
    /// The payload, shared by all receivers.
    pub payload: Arc<[u8]>,
}

impl Forwarded {
    /// Whether a decoder can begin with it.
    pub fn starts_keyframe(&self) -> bool {
        self.vp8
            .is_some_and(|descriptor| descriptor.starts_keyframe(&self.payload))
    }
}

/// One slot's stream.
#[derive(Debug)]
pub struct SlotStream {
    mid: Mid,
    ssrc: Ssrc,
    /// Of its repairs (RFC 4588).
    rtx: Option<Ssrc>,
    /// Whether the core knows it. It looks at every stream for each packet, so it knows only those in use.
    declared: bool,
    payload_type: Pt,
    rewriter: Rewriter,
    vp8: Option<Vp8Rewriter>,
    /// The layer that goes out, once its keyframe has come.
    shown: Option<u8>,
    /// The layer that ought to go out; `None`: nothing.
    target: Option<u8>,
    /// Before this it gets no better layer.
    held_until: Option<Instant>,
    /// Whether nothing goes out for want of bandwidth.
    pub paused: bool,
    last_complaint: Option<Instant>,
}

impl SlotStream {
    /// A stream for a source's kind, of these SSRCs (its own, its repairs'), which the core doesn't know
    /// yet; `start` is random.
    pub fn new(
        mid: Mid,
        (ssrc, rtx): (Ssrc, Option<Ssrc>),
        payload_type: Pt,
        source: Source,
        start: u64,
    ) -> Self {
        let video = source.is_video();
        let clock = if video { VP8_CLOCK } else { OPUS_CLOCK };
        Self {
            mid,
            ssrc,
            rtx,
            declared: false,
            payload_type,
            rewriter: Rewriter::new(clock, start as u16, (start >> 16) as u32),
            vp8: video.then(Vp8Rewriter::default),
            shown: (!video).then_some(0),
            target: Some(0),
            held_until: None,
            paused: false,
            last_complaint: None,
        }
    }

    /// The slot's name.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// The layer of which a keyframe must come before it can be shown.
    pub fn awaits_keyframe(&self) -> Option<u8> {
        self.target.filter(|_| self.shown != self.target)
    }

    /// The layer that was chosen last.
    pub fn target(&self) -> Option<u8> {
        self.target
    }

    /// Whether it may get a better layer now.
    pub fn may_rise(&self, now: Instant) -> bool {
        self.held_until.is_none_or(|until| now >= until)
    }

    /// It had to be lowered: better layers must wait.
    pub fn hold(&mut self, now: Instant) {
        self.held_until = Some(now + HOLD);
    }

    /// Show another layer from its next keyframe on, or nothing from now on. True: ask for one.
    pub fn aim(&mut self, target: Option<u8>) -> bool {
        let changed = self.target != target;
        self.target = target;
        if target.is_none() {
            self.shown = None;
        }
        changed && self.awaits_keyframe().is_some()
    }

    /// Another sender has the slot.
    fn switch(&mut self) {
        self.restart();
        if self.vp8.is_some() {
            self.shown = None;
            self.target = None;
            self.held_until = None;
            self.paused = false;
        }
    }

    fn restart(&mut self) {
        self.rewriter.switch();
        if let Some(vp8) = &mut self.vp8 {
            vp8.switch();
        }
    }

    /// Whether a packet is of what is shown; a keyframe of the layer that is aimed at changes that.
    fn shows(&mut self, packet: &Forwarded) -> bool {
        let layer = Some(packet.layer);
        if self.awaits_keyframe() == layer && packet.starts_keyframe() {
            self.restart();
            self.shown = layer;
        }
        self.shown == layer
    }

    /// Queue a packet; false if it is of no use to the receiver.
    fn write(&mut self, rtc: &mut Rtc, packet: &Forwarded) -> bool {
        if !self.shows(packet) {
            return false;
        }
        let Some((sequence, timestamp)) =
            self.rewriter
                .map(packet.arrived, packet.sequence, packet.timestamp)
        else {
            return false;
        };
        let mut direct = rtc.direct_api();
        if !std::mem::replace(&mut self.declared, true) {
            direct.declare_stream_tx(self.ssrc, self.rtx, self.mid, None);
        }
        let Some(stream) = direct.stream_tx(&self.ssrc) else {
            return false;
        };
        let extensions = ExtensionValues {
            audio_level: packet.level.map(|(level, _)| level),
            voice_activity: packet.level.map(|(_, voice)| voice),
            video_orientation: packet.orientation,
            ..ExtensionValues::default()
        };
        let mut write = RtpWrite::new(
            self.payload_type,
            sequence.into(),
            timestamp,
            packet.arrived,
            Arc::clone(&packet.payload),
        )
        .marker(packet.marker)
        .ext_vals(extensions)
        .nackable(packet.vp8.is_some());
        let rewriter = self.vp8.as_mut().zip(packet.vp8.as_ref());
        if let Some(patch) = rewriter.and_then(|(vp8, descriptor)| vp8.patch(descriptor)) {
            write = write.vp8_patch(patch);
        }
        stream.write_rtp(write);
        true
    }

    /// The receiver asks for a keyframe; false if it does so too often (RFC 4585 section 3.6.1).
    fn may_complain(&mut self, now: Instant) -> bool {
        let may = self
            .last_complaint
            .is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        if may {
            self.last_complaint = Some(now);
        }
        may
    }
}

/// All slots of one browser for one source.
#[derive(Debug, Default)]
pub struct SlotGroup {
    /// What is in each slot.
    pub tracks: Vec<Option<TrackId>>,
    streams: Vec<SlotStream>,
}

impl SlotGroup {
    /// Empty slots.
    pub fn new(streams: Vec<SlotStream>) -> Self {
        Self {
            tracks: vec![None; streams.len()],
            streams,
        }
    }

    /// Each slot's stream with what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (&SlotStream, Option<TrackId>)> {
        self.streams.iter().zip(self.tracks.iter().copied())
    }

    /// These slots have been given to others.
    pub fn switch(&mut self, changed: &[usize]) {
        for index in changed {
            self.streams[*index].switch();
        }
    }

    /// Queue a packet for the slot that has its track; false if there is none or it is of no use.
    pub fn write(&mut self, rtc: &mut Rtc, track: TrackId, packet: &Forwarded) -> bool {
        let slot = self.tracks.iter().position(|held| *held == Some(track));
        slot.is_some_and(|index| self.streams[index].write(rtc, packet))
    }

    /// Each slot's stream, to be changed, with what is in it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut SlotStream, Option<TrackId>)> {
        self.streams.iter_mut().zip(self.tracks.iter().copied())
    }

    /// The track and the layer for which a keyframe is rightly asked on `mid`.
    pub fn complaint(&mut self, now: Instant, mid: Mid) -> Option<(TrackId, u8)> {
        let index = self.streams.iter().position(|stream| stream.mid == mid)?;
        let track = self.tracks[index]?;
        let stream = &mut self.streams[index];
        let layer = stream.target?;
        stream.may_complain(now).then_some((track, layer))
    }
}
