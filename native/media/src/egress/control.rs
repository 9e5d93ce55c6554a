//! How much may go to one browser, and when: its bandwidth, what is paced, and what fills gaps.

use std::time::{Duration, Instant};

use crate::bandwidth::Estimator;
use crate::pacing::Bucket;

/// Bits per second to a browser before its first reports.
const FIRST_ESTIMATE: u64 = 2_000_000;
/// Packets leave at this many percent of the estimate at most: pictures come in lumps.
const PACE: u64 = 250;
/// Nothing is held back for longer.
const MOST_WAIT: Duration = Duration::from_secs(1);
/// A large picture makes filling unnecessary for so long at most.
const MOST_FILL_DEBT: Duration = Duration::from_millis(500);
/// Octets of filling that leave at a time, and at least so often in a second.
const FILLING: usize = 1_200;
const FILLINGS: u64 = 25;

/// See the module.
#[derive(Debug)]
pub(super) struct Control {
    estimator: Estimator,
    paced: Bucket,
    filled: Bucket,
    sustained: u64,
}

impl Control {
    pub(super) fn new(now: Instant) -> Self {
        let mut control = Self {
            estimator: Estimator::new(now, FIRST_ESTIMATE),
            paced: Bucket::new(now, MOST_WAIT),
            filled: Bucket::new(now, MOST_FILL_DEBT),
            sustained: 0,
        };
        control.set_rates(now, 0);
        control
    }

    /// Bits per second to send even if nobody needs them, and bits that would be enough.
    pub(super) fn seek(&mut self, now: Instant, sustained: u64, desired: u64) {
        self.sustained = sustained;
        self.estimator.desire(desired);
        self.set_rates(now, 0);
    }

    /// Bits per second that may be sent.
    pub(super) fn estimate(&self) -> u64 {
        self.estimator.bits()
    }

    /// How long a packet's report takes.
    pub(super) fn round_trip(&self) -> Duration {
        self.estimator.round_trip()
    }

    /// A report of arrivals. False: it is malformed.
    pub(super) fn report(&mut self, now: Instant, body: &[u8]) -> bool {
        self.estimator.report(now, body)
    }

    /// So many octets wait: what waited longest has waited enough after a second.
    pub(super) fn set_rates(&mut self, now: Instant, waiting: usize) {
        let estimate = self.estimate();
        let draining = waiting as u64 * 8;
        self.paced
            .set_rate(now, (estimate * PACE / 100).max(draining));
        self.filled.set_rate(now, self.sustained.min(estimate));
    }

    /// Whether a packet may leave.
    pub(super) fn has_room(&mut self, now: Instant) -> bool {
        self.paced.has_room(now) || self.estimator.probe_due(now).is_some_and(|due| due > 0)
    }

    /// A packet of so many octets leaves.
    pub(super) fn sent(&mut self, octets: usize) {
        self.paced.take(octets);
        self.filled.take(octets);
    }

    /// The transport-wide number of a packet that leaves, if it has room for one: what bears none is reported by nobody,
    /// and must not seem to be lost.
    pub(super) fn number(&mut self, now: Instant, octets: usize) -> u16 {
        self.estimator.sent(now, octets)
    }

    /// Time has passed. `can_fill`: there is something to fill with.
    pub(super) fn tick(&mut self, now: Instant, can_fill: bool) {
        self.estimator.tick(now, can_fill);
    }

    /// Octets that are to leave now although nobody needs them.
    pub(super) fn filling(&mut self, now: Instant) -> usize {
        if let Some(due) = self.estimator.probe_due(now) {
            return due;
        }
        let rate = self.sustained.min(self.estimate());
        if rate == 0 || !self.filled.is_empty(now) {
            return 0;
        }
        FILLING.min((rate / 8 / FILLINGS) as usize)
    }

    /// When more may leave. `waits`: something does. `can_fill`: there is something to fill with.
    pub(super) fn deadline(&self, waits: bool, can_fill: bool) -> Option<Instant> {
        let paced = self.paced.empty_at().filter(|_| waits);
        let fills = can_fill && self.sustained > 0;
        let filled = self.filled.empty_at().filter(|_| fills);
        let probe = self.estimator.probe_deadline();
        [paced, filled, probe].into_iter().flatten().min()
    }
}
