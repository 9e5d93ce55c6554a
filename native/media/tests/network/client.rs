//! A browser as str0m plays it: full ICE, the offerer, RTP in and out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};
use vestibule_media::Source;

/// A media packet that came in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub mid: String,
    pub sequence: u64,
    pub timestamp: u32,
    pub payload: Vec<u8>,
}

pub struct Client {
    pub name: String,
    pub rtc: Rtc,
    pub address: SocketAddr,
    pub connected: bool,
    pub received: Vec<Received>,
    pub messages: Vec<String>,
    pub keyframe_requests: usize,
    pub outgoing: Vec<Vec<u8>>,
    pub sources: HashMap<Source, Mid>,
    pub audio_slots: Vec<Mid>,
    pub video_slots: Vec<Mid>,
    pub screen_slot: Option<Mid>,
    sequences: HashMap<Source, u64>,
    pending: Option<SdpPendingOffer>,
    counts: (usize, usize),
}

impl Client {
    pub fn new(
        name: &str,
        now: Instant,
        address: SocketAddr,
        audio_slots: usize,
        video_slots: usize,
    ) -> Self {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            name: name.to_owned(),
            rtc,
            address,
            connected: false,
            received: Vec::new(),
            messages: Vec::new(),
            keyframe_requests: 0,
            outgoing: Vec::new(),
            sources: HashMap::new(),
            audio_slots: Vec::new(),
            video_slots: Vec::new(),
            screen_slot: None,
            sequences: HashMap::new(),
            pending: None,
            counts: (audio_slots, video_slots),
        }
    }

    pub fn offer(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        let mut line = |kind, direction| change.add_media(kind, direction, None, None, None);
        self.sources = HashMap::from([
            (Source::Audio, line(MediaKind::Audio, Direction::SendOnly)),
            (Source::Camera, line(MediaKind::Video, Direction::SendOnly)),
            (Source::Screen, line(MediaKind::Video, Direction::SendOnly)),
        ]);
        change.add_channel("room".to_owned());
        let mut slots = |kind, count| -> Vec<Mid> {
            (0..count)
                .map(|_| change.add_media(kind, Direction::RecvOnly, None, None, None))
                .collect()
        };
        self.audio_slots = slots(MediaKind::Audio, self.counts.0);
        self.video_slots = slots(MediaKind::Video, self.counts.1);
        self.screen_slot = slots(MediaKind::Video, 1).pop();
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain();
    }

    pub fn timeout(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
    }

    pub fn receive(&mut self, now: Instant, source: SocketAddr, data: &[u8]) {
        let receive = Receive::new(Protocol::Udp, source, self.address, data).unwrap();
        self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        self.drain();
    }

    /// Send a packet on what the source is negotiated as; `level` in dBov for audio.
    pub fn send(&mut self, now: Instant, source: Source, payload: &[u8], level: i8) {
        let codec = if source == Source::Audio {
            Codec::Opus
        } else {
            Codec::Vp8
        };
        let params = self.rtc.codec_config().find(|p| p.spec().codec == codec);
        let payload_type = params.unwrap().pt();
        let sequence = self.sequences.entry(source).or_insert(1_000);
        *sequence += 1;
        let mut direct = self.rtc.direct_api();
        let stream = direct
            .stream_tx_by_mid(self.sources[&source], None)
            .unwrap();
        let audio = source == Source::Audio;
        let extensions = ExtensionValues {
            audio_level: audio.then_some(level),
            voice_activity: audio.then_some(true),
            ..ExtensionValues::default()
        };
        stream.write_rtp(
            RtpWrite::new(
                payload_type,
                (*sequence).into(),
                (*sequence * 960) as u32,
                now,
                payload.to_vec(),
            )
            .marker(true)
            .nackable(!audio)
            .ext_vals(extensions),
        );
        self.timeout(now);
    }

    /// The newest slot map as sent.
    pub fn newest_slots(&self) -> Option<&str> {
        let mut messages = self.messages.iter().rev();
        messages
            .find(|m| m.starts_with(r#"{"type":"slots""#))
            .map(String::as_str)
    }

    /// The newest speaker message as sent.
    pub fn newest_speaker(&self) -> Option<&str> {
        let mut messages = self.messages.iter().rev();
        messages
            .find(|m| m.starts_with(r#"{"type":"speaker""#))
            .map(String::as_str)
    }

    /// Whether the newest slot map has that in some slot; the slot's mid.
    pub fn slot_of(&self, endpoint: &str, source: &str) -> Option<String> {
        let wanted = format!(r#":{{"endpoint":"{endpoint}","source":"{source}"}}"#);
        let slots = self.newest_slots()?;
        let head = slots[..slots.find(&wanted)?].trim_end_matches('"');
        Some(head[head.rfind('"')? + 1..].to_owned())
    }

    /// Everything that came with that payload.
    pub fn heard(&self, payload: &[u8]) -> Vec<&Received> {
        self.received
            .iter()
            .filter(|r| r.payload == payload)
            .collect()
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => self.outgoing.push(transmit.contents.into()),
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::ChannelData(data) => self.messages.push(String::from_utf8(data.data).unwrap()),
            Event::KeyframeRequest(_) => self.keyframe_requests += 1,
            Event::RtpPacket(packet) => {
                let mut direct = self.rtc.direct_api();
                let mid = direct.stream_rx(&packet.header.ssrc).unwrap().mid();
                self.received.push(Received {
                    mid: mid.to_string(),
                    sequence: *packet.seq_no,
                    timestamp: packet.header.timestamp,
                    payload: packet.payload.to_vec(),
                });
            }
            _ => {}
        }
    }
}
