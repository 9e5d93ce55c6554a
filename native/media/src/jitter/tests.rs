//! The buffer against streams as networks deliver them.

use proptest::prelude::*;

use super::*;

/// A stream of 20 ms packets at 8 kHz, driven by a made-up clock in milliseconds.
struct Line {
    buffer: JitterBuffer,
    start: Instant,
}

impl Line {
    fn new() -> Self {
        Self {
            buffer: JitterBuffer::new(8_000),
            start: Instant::now(),
        }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// Packet `n` comes; its payload is its number.
    fn push(&mut self, millis: u64, n: u16) {
        let arrival = Arrival {
            sequence: n.wrapping_add(65_530),
            timestamp: (u32::from(n) * 160).wrapping_sub(480),
            ticks: 160,
            payload: &n.to_be_bytes(),
        };
        self.buffer.push(self.at(millis), arrival);
    }

    fn pop(&mut self, millis: u64) -> Heard {
        let now = self.at(millis);
        match self.buffer.pop(now) {
            Due::Packet { payload, .. } => {
                Heard::Packet(u16::from_be_bytes(payload.try_into().unwrap()))
            }
            Due::Lost { next: [], .. } => Heard::Lost(None),
            Due::Lost { next, .. } => {
                Heard::Lost(Some(u16::from_be_bytes(next.try_into().unwrap())))
            }
            Due::Dry { .. } => Heard::Dry,
            Due::Paused => Heard::Paused,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Packet(u16),
    Lost(Option<u16>),
    Dry,
    Paused,
}

use Heard::{Dry, Lost, Packet, Paused};

#[test]
fn an_even_stream_plays_in_order_across_both_wraps() {
    let mut line = Line::new();
    let mut heard = Vec::new();
    for n in 0..20 {
        line.push(u64::from(n) * 20, n);
        heard.push(line.pop(u64::from(n) * 20 + 1));
    }
    let first = heard.iter().position(|due| *due == Packet(0)).unwrap();
    assert!(heard[..first].iter().all(|due| *due == Paused));
    assert!(
        heard[first..]
            .iter()
            .enumerate()
            .all(|(n, due)| *due == Packet(n as u16))
    );
    assert_eq!(line.buffer.counters().lost, 0);
}

#[test]
fn nothing_plays_before_the_depth_is_reached() {
    let mut line = Line::new();
    assert_eq!(line.pop(0), Paused);
    line.push(0, 0);
    assert_eq!(line.pop(10), Paused);
    assert_eq!(
        line.pop(40),
        Packet(0),
        "a lone packet has waited long enough"
    );
}

#[test]
fn packets_out_of_order_are_sorted_and_doubles_dropped() {
    let mut line = Line::new();
    for n in [2, 0, 1, 1, 3] {
        line.push(0, n);
    }
    let heard: Vec<_> = (0..4).map(|n| line.pop(n * 20)).collect();
    assert_eq!(heard, [Packet(0), Packet(1), Packet(2), Packet(3)]);
    assert_eq!(line.buffer.counters().duplicate, 1);
}

#[test]
fn a_lost_packet_is_told_with_the_one_after_it() {
    let mut line = Line::new();
    for n in [0, 1, 3, 6] {
        line.push(0, n);
    }
    let heard: Vec<_> = (0..7).map(|n| line.pop(n * 20)).collect();
    let lost = [
        Lost(Some(3)),
        Packet(3),
        Lost(None),
        Lost(Some(6)),
        Packet(6),
    ];
    assert_eq!(heard[..2], [Packet(0), Packet(1)]);
    assert_eq!(heard[2..], lost);
    assert_eq!(line.buffer.counters().lost, 3);
}

#[test]
fn a_packet_after_its_time_is_late() {
    let mut line = Line::new();
    for n in [0, 1, 3] {
        line.push(0, n);
    }
    for n in 0..4 {
        line.pop(n * 20);
    }
    line.push(80, 2);
    assert_eq!(line.buffer.counters().late, 1);
    assert_eq!(line.pop(80), Dry);
}

#[test]
fn a_delayed_stream_waits_in_place_and_loses_nothing() {
    let mut line = Line::new();
    for n in 0..3 {
        line.push(0, n);
    }
    for n in 0..3 {
        assert_eq!(line.pop(u64::from(n) * 20), Packet(n));
    }
    assert_eq!(line.pop(60), Dry);
    assert_eq!(line.pop(80), Dry);
    line.push(90, 3);
    line.push(90, 4);
    assert_eq!(line.pop(100), Packet(3));
    assert_eq!(line.pop(120), Packet(4));
    assert_eq!(line.buffer.counters().dry, 1);
}

#[test]
fn sound_bridged_while_dry_is_not_made_up_again() {
    let mut line = Line::new();
    line.push(0, 0);
    line.push(0, 1);
    assert_eq!(line.pop(0), Packet(0));
    assert_eq!(line.pop(20), Packet(1));
    assert_eq!(line.pop(40), Dry);
    // Packet 2 was lost, and its time is bridged already.
    line.push(50, 3);
    assert_eq!(line.pop(60), Packet(3));
}

#[test]
fn a_pause_makes_it_fill_anew_without_a_gap() {
    let mut line = Line::new();
    line.push(0, 0);
    line.push(0, 1);
    let heard: Vec<_> = (0..9).map(|n| line.pop(n * 20)).collect();
    assert_eq!(heard[..2], [Packet(0), Packet(1)]);
    assert_eq!(heard[2..7], [Dry; 5]);
    assert_eq!(heard[7..], [Paused; 2]);
    line.push(1_000, 50);
    assert_eq!(line.pop(1_001), Paused);
    assert_eq!(line.pop(1_100), Packet(50));
}

#[test]
fn a_long_gap_is_leapt_over() {
    let mut line = Line::new();
    line.push(0, 0);
    line.push(0, 1);
    line.push(0, 30);
    let heard: Vec<_> = (0..3).map(|n| line.pop(n * 20)).collect();
    assert_eq!(heard, [Packet(0), Packet(1), Packet(30)]);
}

#[test]
fn a_stream_that_begins_anew_is_followed() {
    let mut line = Line::new();
    line.push(0, 0);
    line.push(0, 1);
    assert_eq!(line.pop(0), Packet(0));
    line.push(20, 20_000);
    line.push(20, 20_001);
    assert_eq!(line.pop(40), Packet(20_000));
    assert_eq!(line.pop(60), Packet(20_001));
}

#[test]
fn a_flood_pushes_out_the_oldest() {
    let mut line = Line::new();
    for n in 0..100 {
        line.push(0, n);
    }
    assert_eq!(line.buffer.counters().overflowed, 100 - CAPACITY as u64);
    assert_eq!(line.pop(0), Packet(100 - CAPACITY as u16));
}

#[test]
fn a_buffer_that_stays_too_full_marks_surplus() {
    let mut line = Line::new();
    for n in 0..12 {
        line.push(0, n);
    }
    for n in 12..400u16 {
        let millis = u64::from(n - 11) * 20;
        line.push(millis, n);
        let now = line.at(millis);
        if let Due::Packet { surplus: true, .. } = line.buffer.pop(now) {
            // What the player does: take the next one at once.
            line.buffer.pop(now);
        }
    }
    assert!(
        line.buffer.counters().surplus >= 2,
        "{:?}",
        line.buffer.counters()
    );
    assert!(line.buffer.buffered() <= line.buffer.depth() + SURPLUS + Duration::from_millis(20));
    assert_eq!(line.buffer.counters().lost, 0);
}

#[test]
fn unfit_packets_are_counted_and_dropped() {
    let mut line = Line::new();
    let now = line.start;
    let oversized = [0; MAX_PAYLOAD + 1];
    for (ticks, payload) in [(0, &[1][..]), (160, &[]), (160, &oversized)] {
        line.buffer.push(
            now,
            Arrival {
                sequence: 1,
                timestamp: 1,
                ticks,
                payload,
            },
        );
    }
    assert_eq!(line.buffer.counters().unfit, 3);
    assert_eq!(line.pop(500), Paused);
}

proptest! {
    /// Whatever comes in whatever order, nothing panics, and what plays has come, in rising order
    /// of sequence within a stream.
    #[test]
    fn anything_may_arrive(
        steps in prop::collection::vec((any::<bool>(), any::<u16>(), any::<u32>(), 0u32..6_000, 0u64..50), 0..300)
    ) {
        let mut line = Line::new();
        let mut millis = 0;
        for (push, sequence, timestamp, ticks, pass) in steps {
            millis += pass;
            let now = line.at(millis);
            if push {
                line.buffer.push(now, Arrival { sequence, timestamp, ticks, payload: &[1; 20] });
            } else {
                let _ = line.buffer.pop(now);
            }
            prop_assert!(line.buffer.waiting.len() <= CAPACITY);
        }
    }

    #[test]
    fn a_shuffled_stream_plays_each_packet_at_most_once_and_in_order(
        offsets in prop::collection::vec(0u64..120, 100),
        lost in prop::collection::vec(prop::bool::weighted(0.1), 100),
    ) {
        let mut arrivals: Vec<(u64, u16)> = (0..100u16)
            .filter(|n| !lost[usize::from(*n)])
            .map(|n| (u64::from(n) * 20 + offsets[usize::from(n)], n))
            .collect();
        arrivals.sort_unstable();
        let mut arrivals = arrivals.into_iter().peekable();
        let mut line = Line::new();
        let mut newest = None;
        for tick in 0..150 {
            while let Some((millis, n)) = arrivals.next_if(|(millis, _)| *millis <= tick * 20) {
                line.push(millis, n);
            }
            if let Packet(n) = line.pop(tick * 20) {
                prop_assert!(newest.is_none_or(|newest| n > newest));
                newest = Some(n);
            }
        }
        let counters = line.buffer.counters();
        prop_assert!(counters.stored + counters.late >= 60);
    }
}
