//! The receive slots of one browser, seen from our side: streams to it, and what is in them.

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::media::{Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc, VideoOrientation, Vp8Descriptor};

use crate::events::Source;
use crate::showing::Showing;
use crate::slots::TrackId;
use crate::vp8_payload::Temporal;

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
    /// Its place among the frames of a layer with temporal layers.
    pub temporal: Temporal,
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
    /// What goes out.
    pub showing: Showing,
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
        Self {
            mid,
            ssrc,
            rtx,
            declared: false,
            payload_type,
            showing: Showing::new(source.is_video(), start),
        }
    }

    /// The slot's name.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// Queue a packet; false if it is of no use to the receiver.
    fn write(&mut self, rtc: &mut Rtc, packet: &Forwarded) -> bool {
        let Some(numbers) = self.showing.place(packet) else {
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
            numbers.sequence.into(),
            numbers.timestamp,
            packet.arrived,
            Arc::clone(&packet.payload),
        )
        .marker(packet.marker)
        .ext_vals(extensions)
        .nackable(packet.vp8.is_some());
        let ids = numbers.vp8.zip(packet.vp8.as_ref());
        if let Some(patch) = ids.and_then(|(ids, descriptor)| ids.patch(descriptor)) {
            write = write.vp8_patch(patch);
        }
        stream.write_rtp(write);
        true
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
            self.streams[*index].showing.switch();
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
        let layer = self.streams[index].showing.complain(now)?;
        Some((track, layer))
    }
}
