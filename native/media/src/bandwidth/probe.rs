//! Finding out whether more gets through: a short burst at a higher rate, and how fast it arrives.

use std::time::{Duration, Instant};

/// A burst takes this long at least, and has so many packets.
const BURST: Duration = Duration::from_millis(15);
const PACKETS: u32 = 5;
/// How much of a burst leaves at a time.
const STEP: Duration = Duration::from_millis(2);
/// Looked for: this many times what is believed.
const FACTOR: u64 = 2;
/// A burst that arrives at this share of its rate has found that much, in percent; the way is full.
const FULL: u64 = 90;
const OF_FULL: u64 = 95;
/// What must have arrived of a burst to say anything, in percent.
const ARRIVED: u64 = 80;
/// What arrives must be this share of what was looked for to go on at once, in percent.
const PROMISING: u64 = 70;
/// After this the receiver won't tell any more.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between bursts that find nothing.
const PAUSE: Duration = Duration::from_secs(5);

/// Which burst a packet is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeId(u32);

#[derive(Debug, Clone, Copy)]
struct Burst {
    id: ProbeId,
    bits: u64,
    begun: Option<Instant>,
    ended: Option<Instant>,
    octets: u64,
    packets: u32,
    arrived: Option<Arrived>,
}

/// What arrived of a burst; times are microseconds of the receiver's clock.
#[derive(Debug, Clone, Copy)]
struct Arrived {
    octets: u64,
    packets: u32,
    first: (i64, u64),
    last: i64,
    sent: (Instant, Instant, u64),
}

/// See the module.
#[derive(Debug)]
pub struct Prober {
    burst: Option<Burst>,
    next_id: u32,
    not_before: Instant,
}

impl Prober {
    /// It may begin at once.
    pub fn new(now: Instant) -> Self {
        Self {
            burst: None,
            next_id: 0,
            not_before: now,
        }
    }

    /// Begin a burst if it is time to: `estimate` is believed, `desired` would be enough, bits per second.
    pub fn consider(&mut self, now: Instant, estimate: u64, desired: u64) {
        let is_lost = |burst: &Burst| burst.ended.is_some_and(|at| now > at + PATIENCE);
        if self.burst.as_ref().is_some_and(is_lost) {
            self.give_up(now);
        }
        if self.burst.is_some() || now < self.not_before || desired <= estimate {
            return;
        }
        self.burst = Some(Burst {
            id: ProbeId(self.next_id),
            bits: (estimate * FACTOR).min(desired + desired / 10),
            begun: None,
            ended: None,
            octets: 0,
            packets: 0,
            arrived: None,
        });
        self.next_id = self.next_id.wrapping_add(1);
    }

    /// A queue grows: this is no time to look for more.
    pub fn give_up(&mut self, now: Instant) {
        self.burst = None;
        self.not_before = now + PAUSE;
    }

    /// Octets of a burst that are due; `None` if none is going out.
    pub fn due(&self, now: Instant) -> Option<usize> {
        let burst = self.running()?;
        let span = burst
            .begun
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let octets = octets_in(burst.bits, span + STEP).saturating_sub(burst.octets);
        Some(octets as usize)
    }

    /// When the next packets of a burst are due.
    pub fn deadline(&self) -> Option<Instant> {
        let burst = self.running()?;
        let micros = burst.octets * 8_000_000 / burst.bits.max(1);
        Some(burst.begun? + Duration::from_micros(micros))
    }

    /// A packet leaves: the burst that it is of.
    pub fn sent(&mut self, now: Instant, octets: usize) -> Option<ProbeId> {
        let burst = self.burst.as_mut().filter(|burst| burst.ended.is_none())?;
        let begun = *burst.begun.get_or_insert(now);
        burst.octets += octets as u64;
        burst.packets += 1;
        let is_enough = burst.octets >= octets_in(burst.bits, BURST);
        if is_enough && burst.packets >= PACKETS || now > begun + PATIENCE {
            burst.ended = Some(now);
        }
        Some(burst.id)
    }

    /// A packet of a burst arrived.
    pub fn arrived(&mut self, id: ProbeId, sent: Instant, at: i64, octets: u32) {
        let Some(burst) = self.burst.as_mut().filter(|burst| burst.id == id) else {
            return;
        };
        let octets = u64::from(octets);
        let arrived = burst.arrived.get_or_insert(Arrived {
            octets: 0,
            packets: 0,
            first: (at, octets),
            last: at,
            sent: (sent, sent, octets),
        });
        arrived.octets += octets;
        arrived.packets += 1;
        if at < arrived.first.0 {
            arrived.first = (at, octets);
        }
        arrived.last = arrived.last.max(at);
        if sent >= arrived.sent.1 {
            arrived.sent = (arrived.sent.0, sent, octets);
        }
    }

    /// Bits per second that a burst has shown to get through, once, when enough of it has arrived.
    pub fn result(&mut self, now: Instant) -> Option<u64> {
        let burst = self.burst.filter(|burst| burst.ended.is_some())?;
        let arrived = burst.arrived?;
        if arrived.octets * 100 < burst.octets * ARRIVED || arrived.packets + 1 < PACKETS {
            return None;
        }
        self.burst = None;
        let bits = arrived.bits();
        let is_promising = bits * 100 >= burst.bits * PROMISING;
        self.not_before = if is_promising { now } else { now + PAUSE };
        Some(bits)
    }

    fn running(&self) -> Option<&Burst> {
        self.burst.as_ref().filter(|burst| burst.ended.is_none())
    }
}

impl Arrived {
    /// The rate at which it left or that at which it arrived, whichever is smaller.
    fn bits(&self) -> u64 {
        let (first, last, last_octets) = self.sent;
        let left = rate(
            self.octets - last_octets,
            last.saturating_duration_since(first).as_micros() as u64,
        );
        let span = self.last.saturating_sub(self.first.0).unsigned_abs();
        let came = rate(self.octets - self.first.1, span);
        if came * 100 < left * FULL {
            came * OF_FULL / 100
        } else {
            came.min(left)
        }
    }
}

/// What leaves or arrives all at once tells of no rate beyond a millisecond's.
fn rate(octets: u64, micros: u64) -> u64 {
    octets.saturating_mul(8_000_000) / micros.max(1_000)
}

fn octets_in(bits: u64, span: Duration) -> u64 {
    (u128::from(bits) * span.as_micros() / 8_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Send a burst of 500-octet packets that a way of so many bits per second carries.
    fn probe(prober: &mut Prober, start: Instant, way: u64) -> Option<u64> {
        let (mut now, mut free) = (start, 0_u64);
        while let Some(due) = prober.due(now) {
            for _ in 0..due.div_ceil(500) {
                let Some(id) = prober.sent(now, 500) else {
                    break;
                };
                let at = free.max((now - start).as_micros() as u64) + 500 * 8_000_000 / way;
                free = at;
                prober.arrived(id, now, at as i64, 500);
            }
            now += MS;
            assert!(now < start + 1_000 * MS);
        }
        prober.result(now)
    }

    #[test]
    fn a_wide_way_shows_what_was_looked_for_and_a_narrow_one_itself() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        prober.consider(start, 1_000_000, 5_000_000);
        let found = probe(&mut prober, start, 100_000_000).unwrap();
        assert!((1_700_000..2_700_000).contains(&found), "{found}");
        prober.consider(start + 100 * MS, 2_000_000, 5_000_000);
        let found = probe(&mut prober, start + 100 * MS, 2_500_000).unwrap();
        assert!((2_200_000..2_500_000).contains(&found), "{found}");
        let soon = start + 500 * MS;
        prober.consider(soon, 2_300_000, 5_000_000);
        assert_eq!(prober.due(soon), None, "the way is full");
        prober.consider(soon + PAUSE, 2_300_000, 5_000_000);
        assert!(prober.due(soon + PAUSE).is_some());
    }

    #[test]
    fn nothing_is_looked_for_beyond_what_is_desired_nor_while_a_queue_grows() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        prober.consider(start, 1_000_000, 1_000_000);
        assert_eq!(prober.due(start), None);
        prober.consider(start, 1_000_000, 1_100_000);
        assert_eq!(prober.burst.unwrap().bits, 1_210_000);
        prober.give_up(start);
        prober.consider(start, 1_000_000, 2_000_000);
        assert_eq!(prober.due(start), None);
    }

    #[test]
    fn what_never_arrives_is_waited_for_in_patience_only() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        prober.consider(start, 100_000, 300_000);
        for _ in 0..9 {
            prober.sent(start, 300);
        }
        assert!(prober.due(start).is_none() && prober.result(start).is_none());
        let later = start + PATIENCE + MS;
        prober.consider(later, 100_000, 300_000);
        prober.consider(later + PAUSE, 100_000, 300_000);
        assert!(prober.due(later + PAUSE).is_some());
    }
}
