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
    /// The payload, shared by all receivers.
    pub payload: Arc<[u8]>,
}

impl Forwarded {
    /// Whether a decoder can begin with it.
    fn starts_keyframe(&self) -> bool {
        self.vp8
            .is_some_and(|descriptor| descriptor.starts_keyframe(&self.payload))
    }
}

/// One slot's stream.
#[derive(Debug)]
pub struct SlotStream {
    mid: Mid,
    ssrc: Ssrc,
    payload_type: Pt,
    rewriter: Rewriter,
    vp8: Option<Vp8Rewriter>,
    awaits_keyframe: bool,
    last_complaint: Option<Instant>,
}

impl SlotStream {
    /// A stream for a source's kind; `start` is random.
    pub fn new(mid: Mid, ssrc: Ssrc, payload_type: Pt, source: Source, start: u64) -> Self {
        let video = source.is_video();
        let clock = if video { VP8_CLOCK } else { OPUS_CLOCK };
        Self {
            mid,
            ssrc,
            payload_type,
            rewriter: Rewriter::new(clock, start as u16, (start >> 16) as u32),
            vp8: video.then(Vp8Rewriter::default),
            awaits_keyframe: video,
            last_complaint: None,
        }
    }

    /// The slot's name.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// Whether nothing can be shown before a keyframe comes.
    pub fn awaits_keyframe(&self) -> bool {
        self.awaits_keyframe
    }

    fn switch(&mut self) {
        self.rewriter.switch();
        if let Some(vp8) = &mut self.vp8 {
            vp8.switch();
            self.awaits_keyframe = true;
        }
    }

    /// Queue a packet; false if it is of no use to the receiver.
    fn write(&mut self, rtc: &mut Rtc, packet: &Forwarded) -> bool {
        if self.awaits_keyframe {
            if !packet.starts_keyframe() {
                return false;
            }
            self.awaits_keyframe = false;
        }
        let Some((sequence, timestamp)) =
            self.rewriter
                .map(packet.arrived, packet.sequence, packet.timestamp)
        else {
            return false;
        };
        let mut direct = rtc.direct_api();
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

    /// The track for which a keyframe is rightly asked on `mid`.
    pub fn complaint(&mut self, now: Instant, mid: Mid) -> Option<TrackId> {
        let index = self.streams.iter().position(|stream| stream.mid == mid)?;
        let track = self.tracks[index]?;
        self.streams[index].may_complain(now).then_some(track)
    }
}
