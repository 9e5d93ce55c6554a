//! The way between the node and one client: loss, and a bottleneck with a queue.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Longest that a datagram waits in the bottleneck's queue before it is dropped.
const MAX_WAIT: Duration = Duration::from_millis(300);

/// Deterministic: every so-manieth media packet is lost.
#[derive(Default)]
pub struct Link {
    /// Of media packets to the client, lose each n-th.
    pub lose_down: Option<u32>,
    /// Of media packets from the client, lose each n-th.
    pub lose_up: Option<u32>,
    /// Bits per second to the client.
    pub rate: Option<u64>,
    /// Of so many media packets to the client, lose so many.
    pub share: Option<(u32, u32)>,
    /// Datagrams that were lost or dropped.
    pub lost: usize,
    /// Octets that have arrived at the client.
    pub carried: usize,
    counts: (u32, u32),
    free_at: Option<Instant>,
    queue: VecDeque<(Instant, Vec<u8>)>,
}

impl Link {
    /// A bottleneck of so many bits per second.
    pub fn narrow(rate: u64) -> Self {
        Self {
            rate: Some(rate),
            ..Self::default()
        }
    }

    /// Loses each n-th media packet from and to the client.
    pub fn lossy(up: Option<u32>, down: Option<u32>) -> Self {
        Self {
            lose_up: up,
            lose_down: down,
            ..Self::default()
        }
    }

    /// Loses `lost` of each `of` media packets to the client.
    pub fn losing(lost: u32, of: u32) -> Self {
        Self {
            share: Some((lost, of)),
            ..Self::default()
        }
    }

    pub fn loses_up(&mut self, data: &[u8]) -> bool {
        let loses = is_media(data) && nth(&mut self.counts.0, self.lose_up);
        self.lost += usize::from(loses);
        loses
    }

    fn loses_down(&mut self) -> bool {
        let nth = nth(&mut self.counts.1, self.lose_down);
        nth || self
            .share
            .is_some_and(|(lost, of)| self.counts.1 % of < lost)
    }

    /// Take a datagram for the client in.
    pub fn carry(&mut self, now: Instant, data: Vec<u8>) {
        let start = self.free_at.map_or(now, |at| at.max(now));
        let lost = is_media(&data) && self.loses_down();
        if lost || start > now + MAX_WAIT {
            self.lost += 1;
            return;
        }
        let bits = data.len() as u64 * 8;
        let time = self.rate.map_or(0, |rate| bits * 1_000_000 / rate);
        let at = start + Duration::from_micros(time);
        self.free_at = Some(at);
        self.queue.push_back((at, data));
    }

    /// What has arrived by now.
    pub fn arrivals(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let due = self.queue.partition_point(|(at, _)| *at <= now);
        let due: Vec<Vec<u8>> = self.queue.drain(..due).map(|(_, data)| data).collect();
        self.carried += due.iter().map(Vec::len).sum::<usize>();
        due
    }
}

fn nth(count: &mut u32, each: Option<u32>) -> bool {
    *count += 1;
    each.is_some_and(|each| count.is_multiple_of(each))
}

/// SRTP, not SRTCP.
pub fn is_media(data: &[u8]) -> bool {
    matches!(data, [128..=191, second, ..] if !(192..224).contains(second))
}
