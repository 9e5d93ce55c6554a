//! A jitter buffer: packets in as they come, packets out as they are due.
//!
//! Order is by sequence number, time by timestamp. Before it plays, the buffer fills to the depth
//! that the stream's unevenness asks for (20 to 200 ms, see `delay.rs`); when it runs dry it waits
//! in place, so that delay grows by just what was missing; when it stays too full it marks a
//! packet as surplus, for the player to fold into the next. It knows no clock and no codec.

mod delay;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use delay::DelayMeter;

/// Packets held at most: more than a second of 20 ms each.
const CAPACITY: usize = 64;
/// Octets of a payload at most; nothing longer fits a datagram of ours.
const MAX_PAYLOAD: usize = 1_500;
/// A sequence number this far from the newest begins a new stream.
const RESTART: u64 = 3_000;
/// Gaps up to this are filled; after a longer one the stream goes on where it is.
const MAX_GAP: Duration = Duration::from_millis(200);
/// Dry for so long, the stream has paused: fill up anew before going on.
const PATIENCE: Duration = Duration::from_millis(100);
/// So much above its depth the buffer is too full ...
const SURPLUS: Duration = Duration::from_millis(40);
/// ... if that lasts for this many packets.
const SURPLUS_PACKETS: u32 = 25;

/// A packet as it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// How many timestamp ticks the payload lasts.
    pub ticks: u32,
    /// The encoded sound.
    pub payload: &'a [u8],
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Due<'a> {
    /// The next packet.
    Packet {
        /// Its payload.
        payload: &'a [u8],
        /// How long it lasts.
        ticks: u32,
        /// There is too much in the buffer: shorten this one and the next to the time of one.
        surplus: bool,
    },
    /// A packet is lost (or too late) and others wait behind it: make up its sound.
    Lost {
        /// The packet after the gap, where a codec may find a copy of what is lost.
        next: &'a [u8],
        /// How much to make up.
        ticks: u32,
    },
    /// Nothing is there. Bridge this many ticks and ask again.
    Dry {
        /// How much to make up.
        ticks: u32,
    },
    /// Nothing plays: the stream has not begun, or pauses.
    Paused,
}

/// What has happened to packets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JitterCounters {
    /// Taken into the buffer.
    pub stored: u64,
    /// Came after their time.
    pub late: u64,
    /// Came twice.
    pub duplicate: u64,
    /// Too long, or without sound.
    pub unfit: u64,
    /// Pushed out because the buffer was full.
    pub overflowed: u64,
    /// Gaps that had to be filled.
    pub lost: u64,
    /// Times that the buffer ran dry.
    pub dry: u64,
    /// Shortened because the buffer stayed too full.
    pub surplus: u64,
}

#[derive(Debug, Default)]
struct Stored {
    sequence: u64,
    /// Extended timestamp.
    media: i64,
    ticks: u32,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for enough; since when the first packet waits.
    Filling(Option<Instant>),
    Playing,
}

/// The jitter buffer of one incoming stream.
#[derive(Debug)]
pub struct JitterBuffer {
    clock_rate: u32,
    state: State,
    /// By rising sequence number.
    waiting: VecDeque<Stored>,
    /// What was given out last; its payload is borrowed by the caller.
    current: Stored,
    /// Empty payloads to be used again.
    spare: Vec<Vec<u8>>,
    /// The newest extended sequence number and timestamp.
    newest: Option<(u64, i64)>,
    /// Everything up to this extended sequence number has been played or given up.
    played: Option<u64>,
    /// The extended timestamp that plays next.
    due: i64,
    /// Ticks made up since the last packet while the buffer was dry.
    bridged: i64,
    overfull: u32,
    meter: DelayMeter,
    counters: JitterCounters,
}

impl JitterBuffer {
    /// For a stream whose timestamps count `clock_rate` ticks a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            state: State::Filling(None),
            waiting: VecDeque::with_capacity(CAPACITY),
            current: Stored::default(),
            spare: Vec::new(),
            newest: None,
            played: None,
            due: 0,
            bridged: 0,
            overfull: 0,
            meter: DelayMeter::new(),
            counters: JitterCounters::default(),
        }
    }

    /// A packet has come.
    pub fn push(&mut self, now: Instant, arrival: Arrival<'_>) {
        let fits = (1..=MAX_PAYLOAD).contains(&arrival.payload.len());
        if !fits || arrival.ticks == 0 {
            self.counters.unfit += 1;
            return;
        }
        let (sequence, media) = self.place(&arrival);
        self.meter
            .observe(now, media as f64 / f64::from(self.clock_rate));
        if self.played.is_some_and(|played| sequence <= played) {
            self.counters.late += 1;
            return;
        }
        let position = self
            .waiting
            .partition_point(|stored| stored.sequence < sequence);
        if self
            .waiting
            .get(position)
            .is_some_and(|stored| stored.sequence == sequence)
        {
            self.counters.duplicate += 1;
            return;
        }
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.extend_from_slice(arrival.payload);
        self.waiting.insert(
            position,
            Stored {
                sequence,
                media,
                ticks: arrival.ticks,
                payload,
            },
        );
        self.counters.stored += 1;
        self.make_room();
        if self.state == State::Filling(None) {
            self.state = State::Filling(Some(now));
        }
    }

    /// Extended sequence number and timestamp; a stream that begins anew starts over.
    fn place(&mut self, arrival: &Arrival<'_>) -> (u64, i64) {
        // One cycle up, so that what precedes the first packet has a number too.
        let fresh = (
            0x1_0000 + u64::from(arrival.sequence),
            i64::from(arrival.timestamp),
        );
        let Some((newest, media)) = self.newest else {
            self.newest = Some(fresh);
            return fresh;
        };
        let ahead = arrival.sequence.wrapping_sub(newest as u16) as i16;
        if u64::from(ahead.unsigned_abs()) > RESTART {
            self.restart();
            self.newest = Some(fresh);
            return fresh;
        }
        let later = arrival.timestamp.wrapping_sub(media as u32) as i32;
        let placed = (
            newest.saturating_add_signed(i64::from(ahead)),
            media + i64::from(later),
        );
        if ahead > 0 {
            if later.unsigned_abs() / self.clock_rate > 60 {
                self.meter.forget_base();
            }
            self.newest = Some(placed);
        }
        placed
    }

    fn restart(&mut self) {
        while let Some(stored) = self.waiting.pop_front() {
            self.recycle(stored.payload);
        }
        self.state = State::Filling(None);
        self.played = None;
        self.meter.forget_base();
    }

    fn recycle(&mut self, mut payload: Vec<u8>) {
        if payload.capacity() > 0 && self.spare.len() < CAPACITY {
            payload.clear();
            self.spare.push(payload);
        }
    }

    fn make_room(&mut self) {
        while self.waiting.len() > CAPACITY {
            if let Some(stored) = self.waiting.pop_front() {
                self.counters.overflowed += 1;
                self.played = Some(stored.sequence);
                self.due = stored.media + i64::from(stored.ticks);
                self.recycle(stored.payload);
            }
        }
    }

    /// Take what is due now.
    pub fn pop(&mut self, now: Instant) -> Due<'_> {
        if let State::Filling(since) = self.state {
            if !self.is_filled(now, since) {
                return Due::Paused;
            }
            self.state = State::Playing;
            self.overfull = 0;
            self.bridged = 0;
            self.due = self.waiting.front().map_or(0, |stored| stored.media);
        }
        let Some(first) = self.waiting.front() else {
            return self.run_dry();
        };
        let gap = first.media - self.due - self.bridged;
        if gap > 0 && gap <= self.to_ticks(MAX_GAP) {
            return self.fill_gap(gap);
        }
        self.play()
    }

    fn is_filled(&self, now: Instant, since: Option<Instant>) -> bool {
        let depth = self.meter.depth();
        let waited = since.is_some_and(|since| now.saturating_duration_since(since) >= depth);
        !self.waiting.is_empty() && (waited || self.buffered() >= depth)
    }

    fn run_dry(&mut self) -> Due<'_> {
        let ticks = self.to_ticks(Duration::from_millis(20));
        if self.bridged == 0 {
            self.counters.dry += 1;
        }
        self.bridged += ticks;
        if self.bridged > self.to_ticks(PATIENCE) {
            self.state = State::Filling(None);
            return Due::Paused;
        }
        Due::Dry {
            ticks: to_u32(ticks),
        }
    }

    fn fill_gap(&mut self, gap: i64) -> Due<'_> {
        let ticks = gap.min(self.to_ticks(Duration::from_millis(20)));
        self.counters.lost += 1;
        self.due += ticks;
        // Only the last piece of a gap can be found in the packet right after it.
        let adjoins = gap == ticks;
        let next = self.waiting.front().filter(|_| adjoins);
        Due::Lost {
            next: next.map_or(&[], |stored| &stored.payload),
            ticks: to_u32(ticks),
        }
    }

    fn play(&mut self) -> Due<'_> {
        let surplus = self.is_overfull();
        let Some(stored) = self.waiting.pop_front() else {
            return Due::Paused;
        };
        let before = std::mem::replace(&mut self.current, stored);
        self.recycle(before.payload);
        self.played = Some(self.current.sequence);
        self.due = self.current.media + i64::from(self.current.ticks);
        self.bridged = 0;
        if surplus {
            self.counters.surplus += 1;
        }
        Due::Packet {
            payload: &self.current.payload,
            ticks: self.current.ticks,
            surplus,
        }
    }

    fn is_overfull(&mut self) -> bool {
        // Only what adjoins can be folded together.
        let adjoins = |first: &Stored, second: &Stored| {
            first.media.saturating_add(i64::from(first.ticks)) == second.media
        };
        let pair = self.waiting.front().zip(self.waiting.get(1));
        if self.buffered() <= self.meter.depth() + SURPLUS {
            self.overfull = 0;
            return false;
        }
        if !pair.is_some_and(|(first, second)| adjoins(first, second)) {
            return false;
        }
        self.overfull += 1;
        if self.overfull < SURPLUS_PACKETS {
            return false;
        }
        self.overfull = 0;
        true
    }

    /// How much sound waits.
    #[must_use]
    pub fn buffered(&self) -> Duration {
        let (Some(first), Some(last)) = (self.waiting.front(), self.waiting.back()) else {
            return Duration::ZERO;
        };
        let ticks = last
            .media
            .saturating_add(i64::from(last.ticks))
            .saturating_sub(first.media);
        Duration::from_secs_f64(
            ticks.clamp(0, i64::from(u32::MAX)) as f64 / f64::from(self.clock_rate),
        )
    }

    /// How long packets are held at the moment, as far as the network asks for it.
    #[must_use]
    pub fn depth(&self) -> Duration {
        self.meter.depth()
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> JitterCounters {
        self.counters
    }

    fn to_ticks(&self, span: Duration) -> i64 {
        i64::from(self.clock_rate) * span.as_millis() as i64 / 1_000
    }
}

fn to_u32(ticks: i64) -> u32 {
    u32::try_from(ticks).unwrap_or(0)
}

#[cfg(test)]
mod tests;
