//! How an endpoint's media fares: what comes from it, what goes to it, what it reports of that.
//!
//! Nothing here runs per packet: counters that exist anyway are read every [`INTERVAL`], and reports
//! (RFC 3550 section 6.4) are noted when they come. What the far end says is its claim; it decides
//! nothing, it is only shown.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use str0m::media::{Mid, Rid};
use str0m::stats::MediaIngressStats;

use crate::events::Source;

/// Between two readings of counters.
pub const INTERVAL: Duration = Duration::from_secs(2);
/// A report older than this says nothing of now; phones report every five seconds (RFC 3550 section 6.2).
const REPORT_LIFE: Duration = Duration::from_secs(15);
/// No round trip takes longer; what seems to is a wrong clock or a wrong report.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(30);

/// One source's media in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flow {
    /// Packets since the endpoint joined, retransmissions too.
    pub packets: u64,
    /// Octets of payload in them.
    pub octets: u64,
    /// Bits of payload a second, lately.
    pub bitrate: u64,
    /// 0.0 to 1.0: the share that was lost lately, as the receiver of the flow reports it.
    pub loss: Option<f32>,
    /// Interarrival jitter, as the receiver of the flow reports it.
    pub jitter: Option<Duration>,
}

/// One endpoint's media. Flows are by [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Whether it is a phone.
    pub is_phone: bool,
    /// Whether media flows.
    pub is_connected: bool,
    /// The audio codec by its SDP name.
    pub audio_codec: &'static str,
    /// From us to the endpoint and back, by its newest report.
    pub round_trip: Option<Duration>,
    /// From the endpoint to us; loss and jitter are what we see.
    pub received: [Flow; 3],
    /// From us to the endpoint; loss and jitter are what it reports.
    pub sent: [Flow; 3],
}

/// One stream's counters, read now and then.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gauge {
    read: Option<Instant>,
    packets: u64,
    octets: u64,
    /// Packets between the last two readings.
    recent: u64,
    bitrate: u64,
    reported: Option<(Instant, f32, Duration)>,
}

impl Gauge {
    /// The counters stand so now.
    pub(crate) fn read(&mut self, now: Instant, packets: u64, octets: u64) {
        let span = self
            .read
            .map_or(INTERVAL, |at| now.saturating_duration_since(at));
        if !span.is_zero() {
            let bits = 8 * u128::from(octets.saturating_sub(self.octets));
            let rate = bits * 1_000_000 / span.as_micros().max(1);
            self.bitrate = u64::try_from(rate).unwrap_or(u64::MAX);
            self.recent = packets.saturating_sub(self.packets);
        }
        self.read = Some(now);
        self.packets = packets;
        self.octets = octets;
    }

    /// The receiver's newest report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, jitter: Duration) {
        self.reported = Some((now, loss.clamp(0.0, 1.0), jitter));
    }

    /// Packets lost of all sent, 0 to 1, as the receiver said lately.
    pub(crate) fn loss(&self, now: Instant) -> Option<f32> {
        let (at, loss, _) = self.reported?;
        is_fresh(now, at).then_some(loss)
    }

    /// What is known of several streams as one flow. Loss is weighted by packets, jitter the worst.
    pub(crate) fn flow<'a>(now: Instant, gauges: impl Iterator<Item = &'a Self>) -> Flow {
        let mut flow = Flow::default();
        let (mut lost, mut weight) = (0.0, 0.0);
        for gauge in gauges {
            flow.packets += gauge.packets;
            flow.octets += gauge.octets;
            flow.bitrate = flow.bitrate.saturating_add(gauge.bitrate);
            let Some((_, loss, jitter)) = gauge
                .reported
                .filter(|_| gauge.recent > 0)
                .filter(|(at, _, _)| is_fresh(now, *at))
            else {
                continue;
            };
            let recent = gauge.recent as f32;
            lost += loss * recent;
            weight += recent;
            flow.jitter = Some(flow.jitter.map_or(jitter, |worst| worst.max(jitter)));
        }
        flow.loss = (weight > 0.0).then(|| lost / weight);
        flow
    }
}

/// A time in ticks of a source's RTP clock.
pub(crate) fn from_ticks(ticks: u32, clock_rate: u32) -> Duration {
    Duration::from_secs_f64(f64::from(ticks) / f64::from(clock_rate.max(1)))
}

/// Whether what was reported then says something of now.
pub(crate) fn is_fresh(now: Instant, reported: Instant) -> bool {
    now.saturating_duration_since(reported) <= REPORT_LIFE
}

/// A round trip that can be.
pub(crate) fn plausible(round_trip: Duration) -> Option<Duration> {
    (round_trip <= MAX_ROUND_TRIP).then_some(round_trip)
}

/// The round trip that a report block tells (RFC 3550 section 6.4.1): both times of the day and the
/// peer's delay are in 65536ths of a second. None if the peer has had no report of ours.
pub(crate) fn round_trip(now: u32, last_report: u32, delay: u32) -> Option<Duration> {
    if last_report == 0 {
        return None;
    }
    let span = now.wrapping_sub(last_report).wrapping_sub(delay);
    // Clocks tick differently: a trip of almost nothing may come out a little below it.
    let span = span.cast_signed().max(0).cast_unsigned();
    plausible(from_ticks(span, 65_536))
}

type Stream = (Mid, Option<Rid>);

/// What is known of a browser's own streams. Its core tells of all of them every [`INTERVAL`].
#[derive(Debug, Default)]
pub(crate) struct BrowserMeter {
    received: HashMap<Stream, (Source, Gauge)>,
    round_trip: Option<(Instant, Duration)>,
}

impl BrowserMeter {
    /// A stream from the browser.
    pub(crate) fn ingress(&mut self, source: Source, stats: &MediaIngressStats) {
        let now = stats.timestamp;
        let stream = (stats.mid, stats.rid);
        let (_, gauge) = self
            .received
            .entry(stream)
            .or_insert_with(|| (source, Gauge::default()));
        gauge.read(now, stats.packets, stats.bytes);
        if let Some(loss) = stats.loss {
            gauge.report(now, loss, from_ticks(stats.jitter, clock_of(source)));
        }
        self.take_round_trip(now, stats.rtt);
    }

    fn take_round_trip(&mut self, now: Instant, round_trip: Option<Duration>) {
        let newer = round_trip.and_then(plausible).map(|span| (now, span));
        self.round_trip = newer.or(self.round_trip);
    }

    /// All of it now.
    pub(crate) fn quality(&self, now: Instant) -> Quality {
        let received = Source::ALL.map(|source| {
            let mine = self.received.values().filter(|(other, _)| *other == source);
            Gauge::flow(now, mine.map(|(_, gauge)| gauge))
        });
        let fresh = |(at, _): &(Instant, Duration)| is_fresh(now, *at);
        Quality {
            audio_codec: "opus",
            round_trip: self.round_trip.filter(fresh).map(|(_, span)| span),
            received,
            ..Quality::default()
        }
    }
}

/// RTP clock rates of the only two codecs of browsers (RFC 7587, RFC 7741).
fn clock_of(source: Source) -> u32 {
    if source.is_video() { 90_000 } else { 48_000 }
}

/// What is known of a phone's two streams of one kind.
#[derive(Debug)]
pub(crate) struct PhoneMeter {
    pub(crate) received: Gauge,
    pub(crate) sent: Gauge,
    /// Packets and octets of media that have been sent.
    pub(crate) spoken: (u64, u64),
    round_trip: Option<(Instant, Duration)>,
    next: Instant,
}

impl PhoneMeter {
    /// Nothing has been sent or received.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            received: Gauge::default(),
            sent: Gauge::default(),
            spoken: (0, 0),
            round_trip: None,
            next: now + INTERVAL,
        }
    }

    /// Time has passed: the counters are read if it is time to. `received` is packets and octets.
    pub(crate) fn tick(&mut self, now: Instant, received: (u64, u64)) {
        if now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        self.received.read(now, received.0, received.1);
        self.sent.read(now, self.spoken.0, self.spoken.1);
    }

    /// The phone has told how long a report took to it and back.
    pub(crate) fn take_round_trip(&mut self, now: Instant, round_trip: Option<Duration>) {
        let newer = round_trip.map(|span| (now, span));
        self.round_trip = newer.or(self.round_trip);
    }

    /// All of it now.
    pub(crate) fn quality(&self, now: Instant, audio_codec: &'static str) -> Quality {
        let fresh = |(at, _): &(Instant, Duration)| is_fresh(now, *at);
        let mut quality = Quality {
            is_phone: true,
            audio_codec,
            round_trip: self.round_trip.filter(fresh).map(|(_, span)| span),
            ..Quality::default()
        };
        let audio = Source::Audio as usize;
        (quality.received[audio], quality.sent[audio]) = self.flows(now);
        quality
    }

    /// What comes from it, and what goes to it.
    pub(crate) fn flows(&self, now: Instant) -> (Flow, Flow) {
        let flow = |gauge| Gauge::flow(now, std::iter::once(gauge));
        (flow(&self.received), flow(&self.sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_flow_is_all_its_streams() {
        let start = Instant::now();
        let (mut busy, mut calm, mut idle) = (Gauge::default(), Gauge::default(), Gauge::default());
        for (gauge, packets) in [(&mut busy, 300), (&mut calm, 100), (&mut idle, 0)] {
            gauge.read(start, 10, 1_000);
            gauge.read(start + INTERVAL, 10 + packets, 1_000 + packets * 100);
        }
        busy.report(start, 0.2, 5 * MS);
        calm.report(start, 0.0, 9 * MS);
        idle.report(start, 1.0, 99 * MS);
        let flow = Gauge::flow(start + INTERVAL, [busy, calm, idle].iter());
        assert_eq!((flow.packets, flow.octets), (430, 43_000));
        assert_eq!(flow.bitrate, 400 * 100 * 8 / 2);
        assert!((flow.loss.unwrap() - 0.15).abs() < 1e-6);
        assert_eq!(flow.jitter, Some(9 * MS));
        let later = Gauge::flow(start + INTERVAL + REPORT_LIFE, [busy].iter());
        assert_eq!((later.loss, later.jitter), (None, None));
    }

    #[test]
    fn the_round_trip_is_what_is_left_when_the_peers_delay_is_taken_off() {
        assert_eq!(round_trip(0, 0, 0), None, "no report of ours has come yet");
        assert_eq!(
            round_trip(10 * 65_536, 8 * 65_536, 65_536),
            Some(1_000 * MS)
        );
        assert_eq!(round_trip(5, u32::MAX - 4, 5), Some(from_ticks(5, 65_536)));
        assert_eq!(round_trip(100, 100, 1), Some(Duration::ZERO));
        assert_eq!(round_trip(0x4000_0000, 1, 0), None, "a wrong clock");
    }

    proptest! {
        #[test]
        fn any_counters_and_reports_are_taken(
            readings in prop::collection::vec((0u64..100_000, any::<u64>(), any::<u64>(), any::<f32>()), 1..50),
            words in any::<(u32, u32, u32)>(),
        ) {
            let start = Instant::now();
            let mut gauge = Gauge::default();
            for (millis, packets, octets, loss) in readings {
                let now = start + Duration::from_millis(millis);
                gauge.read(now, packets, octets);
                if !loss.is_nan() {
                    gauge.report(now, loss, from_ticks(words.0, 8_000));
                }
                let flow = Gauge::flow(now, [gauge].iter());
                prop_assert!(flow.loss.is_none_or(|loss| (0.0..=1.0).contains(&loss)));
            }
            let trip = round_trip(words.0, words.1, words.2);
            prop_assert!(trip.is_none_or(|trip| trip <= MAX_ROUND_TRIP));
        }
    }
}
