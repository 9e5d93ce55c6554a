//! Everything of media that goes out to one browser.
//!
//! ICE, DTLS, the data channel and what the browser sends are str0m's. What we send is not: its pacer wants to
//! be called for each packet and then looks at the whole connection, which costs several times what the packet
//! itself does (bench/README.md). Here a packet is numbered, kept for who may have lost it, paced, and
//! protected under the keys that DTLS agreed on; and the browser's reports of all that are read. Both sides
//! protect under the same keys but never the same SSRC, so that no nonce is used twice (RFC 7714 section 8.1).

mod control;
mod extensions;
mod reports;
mod resends;
mod stream;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use control::Control;
pub use extensions::ExtensionIds;
use stream::{Form, Stream};
pub use stream::{Plain, StreamShape};

use crate::events::Source;
use crate::media_keys::FutureKeys;
use crate::outbox::Outbox;
use crate::quality::{self, Gauge, Quality};
use crate::rtcp::{fixed_point, write_goodbye, write_report};
use crate::srtp::{SrtpReceiver, SrtpSender};

/// Between reports to a browser, and looks at its bandwidth.
const TICK: Duration = Duration::from_secs(1);
/// What the clock of reports begins with, in NTP's seconds: only differences count, but receivers may take a time
/// before 1970 for none.
const CLOCK_BASE: u64 = 0xe800_0000 << 32;
/// Packets that may wait; who has so many waiting will not see them in time.
const MOST_WAITING: usize = 2_000;
/// Of what goes out so much may go again, in percent of its octets, and a little at once.
const REPAIR_SHARE: u64 = 15;
const MOST_CREDIT: u64 = 100_000;
const FIRST_CREDIT: u64 = 30_000;
/// Streams in one compound report, so that it fits a packet.
const REPORTED: usize = 16;
/// Most octets of padding in a packet that has nothing else.
const MOST_PADDING: usize = 224;

/// See the module.
#[derive(Debug)]
pub struct Egress {
    streams: Vec<Stream>,
    keys: FutureKeys,
    srtp: Option<Box<(SrtpSender, SrtpReceiver)>>,
    destination: Option<SocketAddr>,
    control: Option<Control>,
    voices: Vec<Plain>,
    repairs: VecDeque<Plain>,
    pictures: VecDeque<Plain>,
    /// Octets of pictures that wait.
    waiting: usize,
    /// The stream in which gaps can be filled: the one that was sent last, of those that have repairs.
    filler: Option<usize>,
    repair_credit: u64,
    begun: Instant,
    next_tick: Instant,
    next_reading: Instant,
    round_trip: Option<(Instant, Duration)>,
    /// Packets and octets that were sent.
    sent: (u64, u64),
}

impl Egress {
    /// `reports_arrivals`: without reports of arrivals an estimate would never grow, so there is none.
    pub fn new(now: Instant, keys: FutureKeys, reports_arrivals: bool) -> Self {
        Self {
            streams: Vec::new(),
            keys,
            srtp: None,
            destination: None,
            control: reports_arrivals.then(|| Control::new(now)),
            voices: Vec::new(),
            repairs: VecDeque::new(),
            pictures: VecDeque::new(),
            waiting: 0,
            filler: None,
            repair_credit: FIRST_CREDIT,
            begun: now,
            next_tick: now + TICK,
            next_reading: now + quality::INTERVAL,
            round_trip: None,
            sent: (0, 0),
        }
    }

    /// One more stream; its place among all.
    pub fn add(&mut self, shape: StreamShape) -> usize {
        self.streams.push(Stream::new(shape));
        self.streams.len() - 1
    }

    /// DTLS is done: from now on packets can be protected. False: not with what was agreed on.
    pub fn open(&mut self) -> bool {
        let srtp = self.keys.get().and_then(|keys| keys.open().ok());
        self.srtp = srtp.map(Box::new);
        self.srtp.is_some()
    }

    /// Where the browser is.
    pub fn move_to(&mut self, destination: SocketAddr) {
        self.destination = Some(destination);
    }

    /// Packets and octets that have been sent.
    pub fn sent(&self) -> (u64, u64) {
        self.sent
    }

    /// Bits per second that the way carries; `None` if that can't be known.
    pub fn estimate(&self) -> Option<u64> {
        self.control.as_ref().map(Control::estimate)
    }

    /// Look for bandwidth, in bits per second: send that much even if it is padding, try to find `desired`.
    pub fn seek(&mut self, now: Instant, sustained: u64, desired: u64) {
        if let Some(control) = &mut self.control {
            control.seek(now, sustained, desired);
        }
    }

    /// When it wants to be flushed.
    pub fn deadline(&self) -> Option<Instant> {
        self.srtp.as_ref()?;
        let waits = !self.pictures.is_empty() || !self.repairs.is_empty();
        let can_fill = self.filler.is_some();
        let control = self.control.as_ref();
        let sends = control.and_then(|control| control.deadline(waits, can_fill));
        [Some(self.next_tick), sends].into_iter().flatten().min()
    }

    /// Queue a packet; `flush` sends it.
    pub fn queue(&mut self, packet: Plain) {
        let Some(stream) = self.streams.get(packet.stream) else {
            return;
        };
        if !stream.shape.source.is_video() {
            self.voices.push(packet);
            return;
        }
        if self.pictures.len() >= MOST_WAITING
            && let Some(dropped) = self.pictures.pop_front()
        {
            self.waiting -= dropped.payload.len();
        }
        self.waiting += packet.payload.len();
        self.pictures.push_back(packet);
    }

    /// Send what may leave now.
    pub fn flush(&mut self, now: Instant, out: &mut Outbox) {
        if now >= self.next_tick {
            self.tick(now, out);
        }
        for packet in std::mem::take(&mut self.voices) {
            self.send(now, &packet, Form::First, out);
        }
        while let Some((packet, form)) = self.next(now) {
            self.send(now, &packet, form, out);
        }
        self.fill(now, out);
    }

    /// The next packet that the pace lets go.
    fn next(&mut self, now: Instant) -> Option<(Plain, Form)> {
        if self.repairs.is_empty() && self.pictures.is_empty() {
            return None;
        }
        if let Some(control) = &mut self.control {
            control.set_rates(now, self.waiting);
            if !control.has_room(now) {
                return None;
            }
        }
        if let Some(packet) = self.repairs.pop_front() {
            return Some((packet, Form::Repair));
        }
        let packet = self.pictures.pop_front()?;
        self.waiting -= packet.payload.len();
        Some((packet, Form::First))
    }

    fn send(&mut self, now: Instant, packet: &Plain, form: Form, out: &mut Outbox) {
        let (Some(srtp), Some(destination)) = (&mut self.srtp, self.destination) else {
            return;
        };
        let Some(stream) = self.streams.get_mut(packet.stream) else {
            return;
        };
        let Some((mut octets, number)) = stream.write(packet, form) else {
            return;
        };
        if let Some(control) = &mut self.control {
            let length = octets.len();
            control.sent(length);
            if let Some(place) = number.and_then(|at| octets.get_mut(at..at + 2)) {
                place.copy_from_slice(&control.number(now, length).to_be_bytes());
            }
        }
        // It fails only if the key is used up or the number was used before: then nothing may be sent.
        if srtp.0.protect_rtp(&mut octets).is_err() {
            return;
        }
        stream.count(now, packet, form);
        if form == Form::First {
            let earned = octets.len() as u64 * REPAIR_SHARE / 100;
            self.repair_credit = (self.repair_credit + earned).min(MOST_CREDIT);
            // What bears no number tells nothing of the way.
            if stream.shape.repairs.is_some() && number.is_some() {
                self.filler = Some(packet.stream);
            }
        }
        self.post(destination, octets, out);
    }

    fn post(&mut self, destination: SocketAddr, octets: Vec<u8>, out: &mut Outbox) {
        self.sent.0 += 1;
        self.sent.1 += octets.len() as u64;
        out.send_browser(destination, octets);
    }

    /// Send what nobody needs, to find out how much gets through.
    fn fill(&mut self, now: Instant, out: &mut Outbox) {
        let filler = self.filler;
        let Some(control) = &mut self.control else {
            return;
        };
        control.tick(now, filler.is_some());
        let Some(filler) = filler else {
            return;
        };
        loop {
            let control = self.control.as_mut();
            let due = control.map_or(0, |control| control.filling(now));
            let newest = self.streams[filler].resends.newest().cloned();
            let (Some(packet), true) = (newest, due > 0) else {
                return;
            };
            let form = if packet.payload.len() <= due {
                Form::Repair
            } else {
                Form::Padding(due.min(MOST_PADDING) as u8)
            };
            self.send(now, &packet, form, out);
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Outbox) {
        self.next_tick = now + TICK;
        if now >= self.next_reading {
            self.next_reading = now + quality::INTERVAL;
            self.streams.iter_mut().for_each(|stream| stream.read(now));
        }
        self.report(now, out);
    }

    fn ntp(&self, now: Instant) -> u64 {
        CLOCK_BASE + fixed_point(now.saturating_duration_since(self.begun))
    }

    fn report(&mut self, now: Instant, out: &mut Outbox) {
        let ntp = self.ntp(now);
        let mut reports = Vec::new();
        for stream in &mut self.streams {
            let report = stream.report(now, ntp);
            reports.extend(report.map(|report| (stream.shape.ssrc, report)));
        }
        for some in reports.chunks(REPORTED) {
            let mut packet = Vec::new();
            for (ssrc, report) in some {
                write_report(&mut packet, *ssrc, Some(report), &[], "room");
            }
            self.send_rtcp(packet, out);
        }
    }

    /// All streams end.
    pub fn say_goodbye(&mut self, now: Instant, out: &mut Outbox) {
        let used = self.streams.iter().filter(|stream| stream.is_used());
        let ssrcs: Vec<u32> = used.map(|stream| stream.shape.ssrc).collect();
        let Some(first) = ssrcs.first() else {
            return;
        };
        self.report(now, out);
        let mut packet = Vec::new();
        write_report(&mut packet, *first, None, &[], "room");
        ssrcs
            .iter()
            .for_each(|ssrc| write_goodbye(&mut packet, *ssrc));
        self.send_rtcp(packet, out);
    }

    fn send_rtcp(&mut self, mut packet: Vec<u8>, out: &mut Outbox) {
        let (Some(srtp), Some(destination)) = (&mut self.srtp, self.destination) else {
            return;
        };
        if srtp.0.protect_rtcp(&mut packet).is_ok() {
            self.post(destination, packet, out);
        }
    }

    /// Put how its media fares into what is known of the browser.
    pub(crate) fn complete(&self, now: Instant, quality: &mut Quality) {
        for source in Source::ALL {
            let streams = self.streams.iter();
            let mine = streams.filter(|stream| stream.shape.source == source);
            let flow = Gauge::flow(now, mine.map(|stream| &stream.gauge));
            quality.sent[source as usize] = flow;
        }
        let fresh = |(at, _): &(Instant, Duration)| quality::is_fresh(now, *at);
        let trip = self.round_trip.filter(fresh).map(|(_, trip)| trip);
        quality.round_trip = trip.or(quality.round_trip);
    }
}

#[cfg(test)]
mod tests {
    use str0m::crypto::dtls::SrtpProfile;

    use super::stream::tests::{plain, shape};
    use super::*;
    use crate::events::SocketId;
    use crate::media_keys::MediaKeys;
    use crate::rtp::Extension;

    /// One that has its keys.
    fn open(now: Instant) -> Egress {
        let keys = FutureKeys::default();
        let mine = MediaKeys::new(SrtpProfile::AEAD_AES_128_GCM, &[1; 56], true, false);
        keys.set(mine.unwrap()).unwrap();
        let mut egress = Egress::new(now, keys, true);
        assert!(egress.open());
        egress.move_to(([192, 0, 2, 1], 4_000).into());
        egress
    }

    #[test]
    fn only_what_bears_a_number_uses_one_up() {
        let now = Instant::now();
        let mut egress = open(now);
        // As in Firefox: pictures have numbers, voices have none.
        let voice = egress.add(StreamShape {
            source: Source::Audio,
            ssrc: 7,
            repairs: None,
            ..shape()
        });
        let picture = egress.add(StreamShape {
            extensions: ExtensionIds::numbered(3),
            ..shape()
        });
        let mut out = Outbox::new(SocketId(0));
        for sequence in 0..5 {
            for stream in [voice, picture] {
                egress.queue(Plain {
                    stream,
                    ..plain(now, sequence)
                });
            }
            egress.flush(now, &mut out);
        }
        let numbers: Vec<_> = out
            .transmits
            .iter()
            .filter_map(|sent| Extension::of(&sent.payload)?.element(3).map(<[u8]>::to_vec))
            .collect();
        assert_eq!(numbers, [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]);
        assert_eq!(out.transmits.len(), 10);
    }
}
