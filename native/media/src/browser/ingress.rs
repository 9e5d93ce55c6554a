//! What a browser sends: which streams are let in, and whose each packet is.

use str0m::media::Mid;
use str0m::rtp::{RtpPacket, Ssrc, Vp8Descriptor};

use super::{Browser, Heard};
use crate::events::Source;
use crate::outgoing::Forwarded;
use crate::rtp::{Extension, Header};
use crate::vp8_payload::Temporal;

impl Browser {
    /// Whether a packet's SSRC is one that the offer declared. The core below would map any SSRC with
    /// a mid extension to a track before the packet is authenticated.
    pub(super) fn admits(&mut self, ssrc: u32, packet: &[u8]) -> bool {
        // SSRC 0 is how libwebrtc probes for bandwidth; it carries no media.
        self.shape.undeclared
            || ssrc == 0
            || self.shape.ssrcs.contains_key(&ssrc)
            || self.sources.contains_key(&Ssrc::from(ssrc))
            || self.admits_layer(ssrc, packet)
    }

    /// A layer of the camera is of the SSRC that first proved to be it; until then, and for repairs, a
    /// packet must name one that the offer has.
    fn admits_layer(&mut self, ssrc: u32, packet: &[u8]) -> bool {
        let simulcast = &self.shape.simulcast;
        if simulcast.rids.is_empty() {
            return false;
        }
        match simulcast.named(Extension::of(packet)) {
            Some((_, true)) => true,
            Some((layer, false)) => {
                let place = (Source::Camera, layer as u8);
                !self.sources.values().any(|known| *known == place)
            }
            None => self.repairs_layer(Ssrc::from(ssrc)),
        }
    }

    /// Once a repair stream is acknowledged its packets name no layer any more.
    fn repairs_layer(&mut self, ssrc: Ssrc) -> bool {
        let mid = self.shape.sources[Source::Camera as usize].1;
        let mut direct = self.rtc.direct_api();
        let mut rids = self.shape.simulcast.rids.iter();
        rids.any(|rid| {
            let stream = direct.stream_rx_by_mid(mid, Some(*rid));
            stream.and_then(|stream| stream.rtx()) == Some(ssrc)
        })
    }

    /// Probes and repair packets may come to nothing honestly; a media packet that does was refused.
    pub(super) fn counts_if_silent(&self, header: &Header) -> bool {
        header.ssrc != 0 && !self.repairs.contains(&header.payload_type)
    }

    pub(super) fn on_packet(&mut self, packet: RtpPacket) -> Option<Heard> {
        self.stats.packets_received += 1;
        self.stats.bytes_received += packet.payload.len() as u64;
        let (source, layer) = self.source_of(packet.header.ssrc)?;
        let video = source.is_video();
        if packet.header.payload_type != self.receives[usize::from(video)] {
            return None;
        }
        let vp8 = match video.then(|| Vp8Descriptor::parse(&packet.payload)) {
            None => None,
            Some(Ok(descriptor)) => Some(descriptor),
            Some(Err(_)) => return None,
        };
        let extensions = &packet.header.ext_vals;
        let forwarded = Forwarded {
            sequence: *packet.seq_no,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            arrived: packet.timestamp,
            level: extensions
                .audio_level
                .map(|level| (level, extensions.voice_activity.unwrap_or_default())),
            orientation: extensions.video_orientation,
            vp8,
            layer,
            temporal: vp8.map_or_else(Temporal::default, |_| Temporal::of(&packet.payload)),
            payload: packet.payload,
        };
        Some(Heard::Packet(source, forwarded))
    }

    /// What the browser sends on an m-line.
    pub(super) fn source_from(&self, mid: Mid) -> Option<Source> {
        let mut sources = self.shape.sources.iter();
        sources.find(|(_, m)| *m == mid).map(|(source, _)| *source)
    }

    fn source_of(&mut self, ssrc: Ssrc) -> Option<(Source, u8)> {
        if let Some(known) = self.sources.get(&ssrc) {
            return Some(*known);
        }
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_rx(&ssrc)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let source = self.source_from(mid)?;
        let layer = match rid {
            Some(rid) => self.shape.simulcast.layer(rid.as_bytes())?,
            None => 0,
        };
        let place = (source, layer as u8);
        self.sources.insert(ssrc, place);
        Some(place)
    }
}
