//! How much a stream's packets vary in their way, and how long to hold them for it.
//!
//! Every packet's lateness is measured against the quickest of the last seconds and counted in a
//! histogram that forgets; the depth is what all but a few packets would have needed.

use std::time::{Duration, Instant};

/// Width of one column of the histogram.
const COLUMN: Duration = Duration::from_millis(20);
const COLUMNS: usize = 10;
/// Depth is never less than one column and never more than all of them: 20 to 200 ms.
pub(super) const MAX_DEPTH: Duration = COLUMN.saturating_mul(COLUMNS as u32);
/// Share of packets that the depth is to cover.
const COVERED: f32 = 0.97;
/// What a column keeps with each new packet: half is forgotten after 140, about three seconds.
const MEMORY: f32 = 0.995;
/// The quickest packet is looked for in this span and the one before.
const BASE_SPAN: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(super) struct DelayMeter {
    epoch: Option<Instant>,
    columns: [f32; COLUMNS],
    /// The quickest transit of the current span and of the one before, in seconds.
    quickest: [f64; 2],
    span_ends: Option<Instant>,
}

impl DelayMeter {
    pub(super) fn new() -> Self {
        let mut meter = Self {
            epoch: None,
            columns: [0.0; COLUMNS],
            quickest: [f64::MAX; 2],
            span_ends: None,
        };
        // Until something is known, 40 ms.
        meter.columns[1] = 1.0;
        meter
    }

    /// A packet that holds the sound of `media` seconds has come.
    pub(super) fn observe(&mut self, now: Instant, media: f64) {
        let epoch = *self.epoch.get_or_insert(now);
        let transit = now.saturating_duration_since(epoch).as_secs_f64() - media;
        if self.span_ends.is_none_or(|end| now >= end) {
            self.quickest = [f64::MAX, self.quickest[0]];
            self.span_ends = Some(now + BASE_SPAN);
        }
        self.quickest[0] = self.quickest[0].min(transit);
        let late = transit - self.quickest[0].min(self.quickest[1]);
        let column = columns_of(late).min(COLUMNS - 1);
        for (n, weight) in self.columns.iter_mut().enumerate() {
            *weight = *weight * MEMORY + if n == column { 1.0 - MEMORY } else { 0.0 };
        }
    }

    /// The timestamps have leapt: what was measured no longer compares.
    pub(super) fn forget_base(&mut self) {
        self.quickest = [f64::MAX; 2];
    }

    /// How long a packet should be held that came the quickest way.
    pub(super) fn depth(&self) -> Duration {
        let mut covered = 0.0;
        for (n, weight) in self.columns.iter().enumerate() {
            covered += weight;
            if covered >= COVERED {
                return COLUMN * (n as u32 + 1);
            }
        }
        MAX_DEPTH
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and a float cast saturates"
)]
fn columns_of(seconds: f64) -> usize {
    (seconds.max(0.0) / COLUMN.as_secs_f64()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feed packets of 20 ms, each late by what `lateness` says, in milliseconds.
    fn depth_after(packets: u64, lateness: impl Fn(u64) -> u64) -> u128 {
        let start = Instant::now();
        let mut meter = DelayMeter::new();
        for n in 0..packets {
            let now = start + Duration::from_millis(n * 20 + lateness(n));
            meter.observe(now, n as f64 * 0.02);
        }
        meter.depth().as_millis()
    }

    #[test]
    fn before_anything_is_known_depth_is_middling() {
        assert_eq!(DelayMeter::new().depth().as_millis(), 40);
    }

    #[test]
    fn an_even_stream_needs_no_depth() {
        assert_eq!(depth_after(1_000, |_| 3), 20);
    }

    #[test]
    fn an_uneven_stream_gets_what_it_needs() {
        assert_eq!(
            depth_after(1_000, |n| if n % 10 == 0 { 90 } else { 0 }),
            100
        );
    }

    #[test]
    fn rare_stragglers_are_given_up() {
        assert_eq!(
            depth_after(1_000, |n| if n % 100 == 50 { 150 } else { 0 }),
            20
        );
    }

    #[test]
    fn depth_has_an_end() {
        assert_eq!(depth_after(1_000, |n| n % 2 * 5_000), 200);
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        assert_eq!(
            depth_after(3_000, |n| if n < 1_000 { n % 2 * 100 } else { 0 }),
            20
        );
    }

    #[test]
    fn a_drifting_clock_is_not_taken_for_lateness() {
        // One part in a thousand: a minute makes 60 ms, but a few seconds hardly any.
        assert_eq!(depth_after(3_000, |n| n * 20 / 1_000), 20);
    }
}
