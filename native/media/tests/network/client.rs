//! A browser as str0m plays it: full ICE, the offerer, RTP in and out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc};
use vestibule_media::Source;

/// A media packet that came in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub mid: String,
    pub sequence: u64,
    pub timestamp: u32,
    pub payload: Vec<u8>,
    /// The newest sender report: wall clock, and the stream's clock at that time.
    pub report: Option<(SystemTime, u32)>,
    pub arrived: Instant,
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
    pub channel: Option<ChannelId>,
    /// Pictures its camera has taken.
    pub pictures: u16,
    /// Keyframe requests by the rid they were for.
    pub layer_requests: Vec<String>,
    /// Simulcast layers of the camera, the smallest first; none: it is sent as it is.
    pub rids: Vec<&'static str>,
    sequences: HashMap<(Source, usize), u64>,
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
            channel: None,
            pictures: 0,
            layer_requests: Vec::new(),
            rids: Vec::new(),
            sequences: HashMap::new(),
            pending: None,
            counts: (audio_slots, video_slots),
        }
    }

    pub fn offer(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        let layers = self
            .rids
            .iter()
            .map(|rid| SimulcastLayer::new(rid))
            .collect();
        let simulcast = (!self.rids.is_empty()).then_some(Simulcast {
            send: layers,
            recv: Vec::new(),
        });
        let mut line =
            |kind, layers| change.add_media(kind, Direction::SendOnly, None, None, layers);
        self.sources = HashMap::from([
            (Source::Audio, line(MediaKind::Audio, None)),
            (Source::Camera, line(MediaKind::Video, simulcast)),
            (Source::Screen, line(MediaKind::Video, None)),
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

    /// An offer of a call: sound both ways, and a picture, which nobody will take.
    pub fn call(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        let mut line = |kind| change.add_media(kind, Direction::SendRecv, None, None, None);
        line(MediaKind::Video);
        self.sources = HashMap::from([(Source::Audio, line(MediaKind::Audio))]);
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// Take an offer of a call; returns the answer.
    pub fn take_call(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).unwrap();
        let answer = self.rtc.sdp_api().accept_offer(offer).unwrap();
        let answer = answer.to_sdp_string();
        let mid = answer.lines().find_map(|line| line.strip_prefix("a=mid:"));
        self.sources = HashMap::from([(Source::Audio, Mid::from(mid.unwrap()))]);
        self.drain();
        answer
    }

    /// A new offer in the call: sound goes that way from now on.
    pub fn turn(&mut self, direction: Direction) -> String {
        let mut change = self.rtc.sdp_api();
        change.set_direction(self.sources[&Source::Audio], direction);
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
        self.write(now, (source, 0), payload, level);
        self.timeout(now);
    }

    /// Send a packet of a layer of the camera.
    pub fn send_layer(&mut self, now: Instant, layer: usize, payload: &[u8]) {
        self.write(now, (Source::Camera, layer), payload, 0);
        self.timeout(now);
    }

    fn write(&mut self, now: Instant, stream: (Source, usize), payload: &[u8], level: i8) {
        let (source, layer) = stream;
        let audio = source == Source::Audio;
        let codec = if audio { Codec::Opus } else { Codec::Vp8 };
        let params = self.rtc.codec_config().find(|p| p.spec().codec == codec);
        let payload_type = params.unwrap().pt();
        let sequence = self.sequences.entry(stream).or_insert(1_000);
        *sequence += 1;
        let rids = if source == Source::Camera {
            self.rids.as_slice()
        } else {
            &[]
        };
        let rid = rids.get(layer).map(|rid| Rid::from(*rid));
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(self.sources[&source], rid).unwrap();
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
    }

    /// Complain of every slot, whether there is something in it or not.
    pub fn complain(&mut self, now: Instant) {
        let mut slots = self.video_slots.clone();
        slots.extend(self.screen_slot);
        let mut direct = self.rtc.direct_api();
        let ssrcs: Vec<Ssrc> = slots
            .iter()
            .filter_map(|mid| direct.stream_rx_by_mid(*mid, None).map(|s| s.ssrc()))
            .collect();
        for ssrc in ssrcs {
            direct.send_pli_feedback(1.into(), ssrc);
        }
        self.timeout(now);
    }

    /// Say something over the data channel.
    pub fn say(&mut self, now: Instant, message: &[u8]) {
        let mut channel = self.rtc.channel(self.channel.unwrap()).unwrap();
        channel.write(false, message).unwrap();
        self.timeout(now);
    }

    /// Say how large a slot is shown.
    pub fn want(&mut self, now: Instant, mid: &str, height: u16) {
        let message = format!(r#"{{"type":"want","heights":{{"{mid}":{height}}}}}"#);
        self.say(now, message.as_bytes());
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
            Event::ChannelOpen(id, _) => self.channel = Some(id),
            Event::KeyframeRequest(request) => {
                self.keyframe_requests += 1;
                let rid = request.rid.map(|rid| rid.to_string());
                self.layer_requests.push(rid.unwrap_or_default());
            }
            Event::RtpPacket(packet) => {
                let mut direct = self.rtc.direct_api();
                let mid = direct.stream_rx(&packet.header.ssrc).unwrap().mid();
                self.received.push(Received {
                    mid: mid.to_string(),
                    sequence: *packet.seq_no,
                    timestamp: packet.header.timestamp,
                    payload: packet.payload.to_vec(),
                    report: packet
                        .last_sender_info
                        .map(|info| (info.ntp_time, info.rtp_time.numer() as u32)),
                    arrived: packet.timestamp,
                });
            }
            _ => {}
        }
    }
}
