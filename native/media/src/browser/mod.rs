//! One browser: ICE lite, DTLS, the data channel and what it sends are str0m's; what we send is in `egress`.

mod ingress;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use str0m::channel::ChannelId;
use str0m::ice::{StunMessage, TransId};
use str0m::media::{KeyframeRequestKind, Pt};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::Ssrc;
use str0m::{Event, IceConnectionState, Input, Output, Rtc};

use crate::call::Terms;
use crate::channel;
use crate::dtmf::Digit;
use crate::egress::Egress;
use crate::events::{Source, Stats};
use crate::layout::Layout;
use crate::offer::Shape;
use crate::outbox::Outbox;
use crate::outgoing::{Forwarded, SlotGroup};
use crate::quality::{BrowserMeter, Quality};
use crate::rtp::{Datagram, Header};
use crate::slots::TrackId;

/// STUN's type field of a Binding success response (RFC 8489 section 5).
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
/// The packet type of a sender report (RFC 3550 section 6.4.1).
const SENDER_REPORT: u8 = 200;

/// What came of bytes or time.
#[derive(Debug)]
pub enum Heard {
    /// ICE and DTLS are done.
    Connected,
    /// An authentic packet.
    Packet(Source, Forwarded),
    /// A key of the telephone was pressed.
    Digit(Digit),
    /// The receiver can't decode what is in a slot.
    KeyframeWanted(TrackId, u8),
    /// Nor what is made for it of that track.
    FreshPictureWanted(TrackId),
    /// What it can take, or how it shows it, has changed.
    LayoutChanged,
    /// It ended, and why.
    Gone(String),
}

/// What an offer and an answer came to.
pub(crate) struct Negotiated {
    pub(crate) rtc: Rtc,
    pub(crate) shape: Shape,
    /// Where we are.
    pub(crate) address: SocketAddr,
    pub(crate) ufrag: String,
    /// Payload types of its sound and its pictures.
    pub(crate) receives: [Pt; 2],
    /// Payload types of its repairs.
    pub(crate) repairs: Vec<u8>,
    pub(crate) groups: [SlotGroup; 3],
    pub(crate) egress: Egress,
    /// If it is in a call of two, not in a meeting.
    pub(crate) call: Option<Terms>,
}

/// One browser in a room.
pub struct Browser {
    pub(crate) rtc: Rtc,
    pub(crate) shape: Shape,
    pub(crate) address: SocketAddr,
    ufrag: String,
    receives: [Pt; 2],
    repairs: Vec<u8>,
    groups: [SlotGroup; 3],
    egress: Egress,
    sources: HashMap<Ssrc, (Source, u8)>,
    core_deadline: Instant,
    /// Whether the core has something to do before its time.
    stirred: bool,
    /// The transaction of the newest check that nominates the address it comes from.
    nominating: Option<TransId>,
    stats: Stats,
    meter: BrowserMeter,
    connected: bool,
    messages: Messages,
    pub(crate) layout: Layout,
    pub(crate) call: Option<Terms>,
}

/// The newest message of each kind that the data channel has yet to take.
#[derive(Debug, Default)]
struct Messages {
    channel: Option<ChannelId>,
    slots: Option<String>,
    speaker: Option<String>,
}

impl Browser {
    /// It has yet to connect.
    pub(crate) fn new(now: Instant, negotiated: Negotiated) -> Self {
        Self {
            rtc: negotiated.rtc,
            shape: negotiated.shape,
            address: negotiated.address,
            ufrag: negotiated.ufrag,
            receives: negotiated.receives,
            repairs: negotiated.repairs,
            groups: negotiated.groups,
            egress: negotiated.egress,
            sources: HashMap::new(),
            core_deadline: now,
            stirred: true,
            nominating: None,
            stats: Stats::default(),
            meter: BrowserMeter::default(),
            connected: false,
            messages: Messages::default(),
            layout: Layout::new(now),
            call: negotiated.call,
        }
    }

    /// The name by which its connectivity checks are known.
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// Its counters; levels and rights are the room's business.
    pub fn stats(&self) -> Stats {
        let (packets, octets) = self.egress.sent();
        Stats {
            packets_sent: self.stats.packets_sent + packets,
            bytes_sent: self.stats.bytes_sent + octets,
            ..self.stats
        }
    }

    /// How its media fares; whether it is connected is the room's business.
    pub fn quality(&self, now: Instant) -> Quality {
        let mut quality = self.meter.quality(now);
        self.egress.complete(now, &mut quality);
        quality
    }

    /// When it wants to be called.
    pub fn deadline(&self) -> Instant {
        let egress = self.egress.deadline();
        egress.map_or(self.core_deadline, |at| at.min(self.core_deadline))
    }

    /// Its slots for a source.
    pub fn group(&mut self, source: Source) -> &mut SlotGroup {
        &mut self.groups[source as usize]
    }

    /// All its slots.
    pub fn groups(&self) -> &[SlotGroup; 3] {
        &self.groups
    }

    /// A datagram whose sender has been checked: connectivity checks prove themselves, everything
    /// else must come from an address that has sent a good one.
    pub fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        let kind = Datagram::classify(data);
        if kind == Datagram::Rtcp && !self.receive_rtcp(now, data, heard, out) {
            return;
        }
        if kind == Datagram::Stun
            && let Some(transaction) = nominates(data)
        {
            self.nominating = Some(transaction);
        }
        let media = match kind {
            Datagram::Rtp => Some(Header::parse(data)),
            _ => None,
        };
        let admitted = match &media {
            None => true,
            Some(Ok((header, _))) => self.admits(header.ssrc, data),
            Some(Err(_)) => false,
        };
        let parsed = Receive::new(Protocol::Udp, source, self.address, data);
        let (true, Ok(receive)) = (admitted, parsed) else {
            self.stats.packets_refused += 1;
            return;
        };
        let before = self.stats.packets_received;
        // An error is a record that DTLS could not read; it is counted and the session goes on, for
        // anyone may send garbage. A handshake that failed shows by never being done.
        if self.rtc.handle_input(Input::Receive(now, receive)).is_err() {
            self.stats.packets_refused += 1;
        }
        self.drain(now, heard, out);
        let silent = self.stats.packets_received == before;
        if let Some(Ok((header, _))) = media
            && silent
            && self.counts_if_silent(&header)
        {
            self.stats.packets_refused += 1;
        }
    }

    /// Time has passed, or something was queued.
    pub fn pump(&mut self, now: Instant, heard: &mut Vec<Heard>, out: &mut Outbox) {
        if self.stirred || now >= self.core_deadline {
            self.stirred = false;
            if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
                heard.push(Heard::Gone(error.to_string()));
                return;
            }
            self.drain(now, heard, out);
        }
        self.egress.flush(now, out);
    }

    /// Say goodbye (RTCP BYE, DTLS close_notify).
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        self.egress.say_goodbye(now, out);
        if self.rtc.close().is_ok() {
            self.drain(now, &mut Vec::new(), out);
        }
    }

    /// Queue a packet for the slot that shows its track. True: `pump` it.
    pub fn forward(&mut self, track: TrackId, packet: &Forwarded) -> bool {
        self.connected && self.groups[track.source as usize].write(&mut self.egress, track, packet)
    }

    /// Ask the browser for a keyframe of a layer that it sends. True: `pump` it.
    pub fn request_keyframe(&mut self, source: Source, layer: u8) -> bool {
        let mid = self.shape.sources[source as usize].1;
        let rid = match source {
            Source::Camera => self.shape.simulcast.rids.get(usize::from(layer)).copied(),
            Source::Audio | Source::Screen => None,
        };
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_rx_by_mid(mid, rid) else {
            return false;
        };
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.stirred = true;
        true
    }

    /// Look for bandwidth, in bits per second: send that much even if it is padding, try to find `desired`.
    pub fn seek_bandwidth(&mut self, now: Instant, sustained: u64, desired: u64) {
        if self.layout.seeks(sustained, desired) {
            self.egress.seek(now, sustained, desired);
        }
    }

    /// Tell the whole slot map. True: `pump` it.
    pub fn tell_slots(&mut self, message: String) -> bool {
        self.messages.slots = Some(message);
        self.write_messages()
    }

    /// Tell who is speaking. True: `pump` it.
    pub fn tell_speaker(&mut self, message: String) -> bool {
        self.messages.speaker = Some(message);
        self.write_messages()
    }

    /// What the channel does not take now is kept, the newest of each kind, for the next call.
    pub fn write_messages(&mut self) -> bool {
        let messages = &mut self.messages;
        let Some(channel) = messages.channel else {
            return false;
        };
        let mut wrote = false;
        for message in [&mut messages.slots, &mut messages.speaker] {
            let Some(text) = message else { continue };
            let Some(mut channel) = self.rtc.channel(channel) else {
                continue;
            };
            if matches!(channel.write(false, text.as_bytes()), Ok(true)) {
                *message = None;
                wrote = true;
            }
        }
        self.stirred |= wrote;
        wrote
    }

    /// What the browser reports of what we send. True: the core is to have the packet too.
    fn receive_rtcp(
        &mut self,
        now: Instant,
        data: &mut [u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) -> bool {
        if !self.connected {
            return true;
        }
        let is_for_core = data.get(1) == Some(&SENDER_REPORT);
        let told = if is_for_core {
            self.egress.receive_rtcp(now, &mut data.to_vec())
        } else {
            self.egress.receive_rtcp(now, data)
        };
        if !told.is_authentic {
            self.stats.packets_refused += 1;
            return false;
        }
        for stream in told.unreadable {
            let mut groups = self.groups.iter_mut();
            let complaint = groups.find_map(|group| group.complaint(now, stream));
            heard.extend(complaint.map(|(track, layer)| Heard::KeyframeWanted(track, layer)));
        }
        let estimate = self.egress.estimate().filter(|_| told.has_arrivals);
        if estimate.is_some_and(|estimate| self.layout.learn_estimate(estimate)) {
            heard.push(Heard::LayoutChanged);
        }
        self.egress.flush(now, out);
        is_for_core
    }

    fn drain(&mut self, now: Instant, heard: &mut Vec<Heard>, out: &mut Outbox) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.core_deadline = at;
                    break;
                }
                Ok(Output::Transmit(transmit)) => self.send(transmit, out),
                Ok(Output::Event(event)) => self.on_event(now, event, heard),
                Err(error) => {
                    heard.push(Heard::Gone(error.to_string()));
                    self.rtc.disconnect();
                    break;
                }
            }
        }
        if !self.rtc.is_alive() {
            heard.push(Heard::Gone("closed".to_owned()));
        }
    }

    fn send(&mut self, transmit: Transmit, out: &mut Outbox) {
        let payload: Vec<u8> = transmit.contents.into();
        self.count_sent(&payload);
        // The core answers a check so only after its integrity has been verified.
        if payload.starts_with(&BINDING_SUCCESS) {
            out.verified.push(transmit.destination);
            let answered = StunMessage::parse(&payload).ok().map(|m| m.trans_id());
            if self.nominating.is_some() && self.nominating == answered {
                self.nominating = None;
                self.egress.move_to(transmit.destination);
            }
        } else {
            self.egress.move_to(transmit.destination);
        }
        out.send_browser(transmit.destination, payload);
    }

    fn on_event(&mut self, now: Instant, event: Event, heard: &mut Vec<Heard>) {
        match event {
            Event::Connected => {
                self.connected = true;
                if !self.egress.open() {
                    heard.push(Heard::Gone("no keys for media".to_owned()));
                }
                heard.push(Heard::Connected);
            }
            Event::RtpPacket(packet) => heard.extend(self.on_packet(packet)),
            Event::ChannelData(data) if self.messages.channel == Some(data.id) => {
                self.on_message(now, &data.data, heard);
            }
            Event::ChannelOpen(id, label) if label == channel::LABEL => {
                self.messages.channel = Some(id);
                self.write_messages();
            }
            Event::ChannelClose(id) if self.messages.channel == Some(id) => {
                self.messages.channel = None;
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                heard.push(Heard::Gone("no more connectivity checks".to_owned()));
            }
            Event::MediaIngressStats(stats) => {
                if let Some(source) = self.source_from(stats.mid) {
                    self.meter.ingress(source, &stats);
                }
            }
            Event::Closed => heard.push(Heard::Gone("closed by the browser".to_owned())),
            _ => {}
        }
    }

    /// What it wants to see; anything else, or too much of it, is refused and changes nothing.
    fn on_message(&mut self, now: Instant, message: &[u8], heard: &mut Vec<Heard>) {
        let groups = &self.groups;
        let wanted = self.layout.hear(now, message, |mid| {
            let video = &groups[Source::Camera as usize..];
            video
                .iter()
                .flat_map(SlotGroup::iter)
                .any(|(stream, _)| stream.mid() == mid)
        });
        if wanted {
            heard.push(Heard::LayoutChanged);
        } else {
            self.stats.packets_refused += 1;
        }
    }

    fn count_sent(&mut self, payload: &[u8]) {
        let kind = Datagram::classify(payload);
        if matches!(kind, Datagram::Rtp | Datagram::Rtcp) {
            self.stats.packets_sent += 1;
            self.stats.bytes_sent += payload.len() as u64;
        }
    }
}

/// The transaction of a connectivity check with which the browser nominates a pair (RFC 8445 section 7.3.1.5).
fn nominates(check: &[u8]) -> Option<TransId> {
    let check = StunMessage::parse(check).ok()?;
    check.use_candidate().then(|| check.trans_id())
}
