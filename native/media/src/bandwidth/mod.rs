//! How much a way can carry, estimated by who sends (Google congestion control, draft-ietf-rmcat-gcc-02):
//! from when packets arrive, from how many don't, and by trying.
//!
//! Pure: everything comes in, times too. What a receiver tells is its claim: it decides how much is sent to
//! itself, and nothing else.

mod arrivals;
mod delay;
mod loss;
mod probe;
mod rate;
mod sent;
mod throughput;

use std::time::{Duration, Instant};

use arrivals::{Arrival, ReceiverClock};
use delay::{DelayTrend, Usage};
use loss::LossLimit;
use probe::Prober;
use rate::Rate;
use sent::Sent;
use throughput::Throughput;

/// Bits per second below and above which nothing is believed.
const LIMITS: (u64, u64) = (10_000, 100_000_000);
/// Until something has been reported.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);

/// The estimate for one way.
#[derive(Debug)]
pub struct Estimator {
    clock: ReceiverClock,
    sent: Sent,
    trend: DelayTrend,
    throughput: Throughput,
    rate: Rate,
    losses: LossLimit,
    prober: Prober,
    round_trip: Duration,
    desired: u64,
}

impl Estimator {
    /// `bits` per second is believed at first.
    pub fn new(now: Instant, bits: u64) -> Self {
        Self {
            clock: ReceiverClock::default(),
            sent: Sent::default(),
            trend: DelayTrend::default(),
            throughput: Throughput::default(),
            rate: Rate::new(bits),
            losses: LossLimit::default(),
            prober: Prober::new(now),
            round_trip: FIRST_ROUND_TRIP,
            desired: 0,
        }
    }

    /// Bits per second that may be sent.
    pub fn bits(&self) -> u64 {
        let bits = self.rate.bits().min(self.losses.bits());
        bits.clamp(LIMITS.0, LIMITS.1)
    }

    /// From a packet's leaving to its being reported, at best.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// Bits per second that would be enough: no more is looked for.
    pub fn desire(&mut self, bits: u64) {
        self.desired = bits.min(LIMITS.1);
    }

    /// A packet of so many octets leaves: the transport-wide number that it bears.
    pub fn sent(&mut self, now: Instant, octets: usize) -> u16 {
        let probe = self.prober.sent(now, octets);
        self.sent.record(now, octets, probe)
    }

    /// A report, without the two SSRCs that it begins with. False: it is malformed.
    pub fn report(&mut self, now: Instant, body: &[u8]) -> bool {
        let Some(arrivals) = arrivals::read(&mut self.clock, body) else {
            return false;
        };
        let (mut lost, mut told) = (0, 0);
        let mut quickest = None;
        for Arrival { number, at } in arrivals {
            let Some(packet) = self.sent.get_mut(number).filter(|packet| !packet.arrived) else {
                continue;
            };
            told += 1;
            let Some(at) = at else {
                lost += 1;
                continue;
            };
            packet.arrived = true;
            let packet = *packet;
            let trip = now.saturating_duration_since(packet.at);
            quickest = Some(quickest.map_or(trip, |quickest: Duration| quickest.min(trip)));
            self.throughput.arrived(at, packet.octets);
            self.trend.arrived(packet.at, at);
            if let Some(probe) = packet.probe {
                self.prober.arrived(probe, packet.at, at, packet.octets);
            }
        }
        self.round_trip = quickest.unwrap_or(self.round_trip);
        self.conclude(now, lost, told);
        true
    }

    fn conclude(&mut self, now: Instant, lost: u32, told: u32) {
        if let Some(usage) = self.trend.usage() {
            if usage == Usage::Over {
                self.prober.give_up(now);
            }
            let arriving = self.throughput.bits();
            self.rate.update(now, usage, arriving, self.round_trip);
        }
        self.losses.report(now, lost, told, self.rate.bits());
        if self.losses.is_lossy() {
            self.prober.give_up(now);
        }
        if let Some(found) = self.prober.result(now)
            && found > self.bits()
        {
            self.rate.prove(now, found);
            self.losses.prove(found);
        }
    }

    /// Time has passed: it may be time to look for more. `can_fill`: there is something to look with.
    pub fn tick(&mut self, now: Instant, can_fill: bool) {
        if can_fill {
            self.prober.consider(now, self.bits(), self.desired);
        }
    }

    /// Octets that are due now to find out whether more gets through; `None`: nothing is being looked for.
    pub fn probe_due(&self, now: Instant) -> Option<usize> {
        self.prober.due(now)
    }

    /// When more of them are.
    pub fn probe_deadline(&self) -> Option<Instant> {
        self.prober.deadline()
    }
}

#[cfg(test)]
mod tests;
