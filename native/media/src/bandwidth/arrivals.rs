//! When packets arrived, as their receiver tells it (draft-holmer-rmcat-transport-wide-cc-extensions-01
//! section 3.1).

/// Packets that one report may tell of: more than anybody has on the way, and few enough to walk through.
const MOST: u16 = 4_096;
/// Microseconds in a unit of the reference time, and in one of the deltas.
const REFERENCE: i64 = 64_000;
const DELTA: i64 = 250;
/// Octets before the chunks.
const HEAD: usize = 8;

/// One packet of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its transport-wide sequence number.
    pub number: u16,
    /// Microseconds on the receiver's clock; `None`: it has not arrived.
    pub at: Option<i64>,
}

/// The receiver's reference times are 24 bits of 64 ms; this makes them one clock.
#[derive(Debug, Default)]
pub struct ReceiverClock {
    last: Option<i64>,
}

impl ReceiverClock {
    fn extend(&mut self, reference: u32) -> i64 {
        let reference = i64::from(reference);
        let extended = self.last.map_or(reference, |last| {
            let step = (reference - last).rem_euclid(1 << 24);
            let step = if step < 1 << 23 {
                step
            } else {
                step - (1 << 24)
            };
            last + step
        });
        self.last = Some(extended);
        extended
    }
}

/// Read what follows the two SSRCs of a report; `None` if it is malformed or tells of too many packets.
pub fn read(clock: &mut ReceiverClock, body: &[u8]) -> Option<Vec<Arrival>> {
    let head: &[u8; HEAD] = body.first_chunk()?;
    let first = u16::from_be_bytes([head[0], head[1]]);
    let count = u16::from_be_bytes([head[2], head[3]]);
    if count > MOST {
        return None;
    }
    let (kinds, rest) = read_kinds(usize::from(count), &body[HEAD..])?;
    let mut at = clock.extend(u32::from_be_bytes([0, head[4], head[5], head[6]])) * REFERENCE;
    let mut rest = rest.iter().copied();
    let mut arrivals = Vec::with_capacity(kinds.len());
    for (number, kind) in (0..count).zip(kinds) {
        let delta = match kind {
            Kind::Missing => None,
            Kind::Small => Some(i64::from(rest.next()?)),
            Kind::Large => Some(i64::from(i16::from_be_bytes([rest.next()?, rest.next()?]))),
        };
        at += delta.unwrap_or_default() * DELTA;
        arrivals.push(Arrival {
            number: first.wrapping_add(number),
            at: delta.map(|_| at),
        });
    }
    Some(arrivals)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Missing,
    /// One octet tells when it came.
    Small,
    /// Two octets do.
    Large,
}

impl Kind {
    fn of(symbol: u16) -> Option<Self> {
        match symbol {
            0 => Some(Self::Missing),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }
}

/// The kinds of `count` packets, and what follows the chunks.
fn read_kinds(count: usize, mut body: &[u8]) -> Option<(Vec<Kind>, &[u8])> {
    let mut kinds = Vec::with_capacity(count);
    while kinds.len() < count {
        let (chunk, rest) = body.split_first_chunk::<2>()?;
        body = rest;
        let chunk = u16::from_be_bytes(*chunk);
        let left = count - kinds.len();
        match chunk >> 14 {
            0 | 1 => {
                let run = usize::from(chunk & 0x1fff).min(left);
                let kind = Kind::of(chunk >> 13 & 0b11)?;
                if run == 0 {
                    return None;
                }
                kinds.extend(std::iter::repeat_n(kind, run));
            }
            2 => {
                let bits = (0..14_usize.min(left)).map(|at| Kind::of(chunk >> (13 - at) & 1));
                kinds.extend(bits.flatten());
            }
            _ => {
                for at in 0..7_usize.min(left) {
                    kinds.push(Kind::of(chunk >> (12 - 2 * at) & 0b11)?);
                }
            }
        }
    }
    Some((kinds, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(number: u16, at: i64) -> Arrival {
        Arrival {
            number,
            at: Some(at),
        }
    }

    fn missing(number: u16) -> Arrival {
        Arrival { number, at: None }
    }

    #[test]
    fn runs_and_vectors_are_read() {
        let body = [
            0xff,
            0xff,
            0,
            6,
            0,
            0,
            2,
            7, // from 65535 on, six packets, 128 ms
            0b0010_0000,
            2, // two of small deltas
            0b1010_0000,
            0, // bits: one came, the others didn't; only four of them count
            4,
            8,
            12,
        ];
        let read = read(&mut ReceiverClock::default(), &body).unwrap();
        let came = [at(65_535, 129_000), at(0, 131_000), at(1, 134_000)];
        assert_eq!(read[..3], came);
        assert_eq!(read[3..], [missing(2), missing(3), missing(4)]);
    }

    #[test]
    fn large_deltas_may_go_back() {
        let body = [0, 5, 0, 2, 0, 0, 1, 0, 0b1110_0100, 0, 0xff, 0xfc, 4];
        let read = read(&mut ReceiverClock::default(), &body).unwrap();
        assert_eq!(read, [at(5, 63_000), at(6, 64_000)]);
    }

    #[test]
    fn the_clock_goes_on_when_24_bits_are_full() {
        let mut clock = ReceiverClock::default();
        assert_eq!(clock.extend(0xff_ffff), 0xff_ffff);
        assert_eq!(clock.extend(1), 0x100_0001);
        assert_eq!(clock.extend(0xff_fffe), 0xff_fffe);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let mut clock = ReceiverClock::default();
        let too_many = [0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff];
        let no_deltas = [0, 0, 0, 1, 0, 0, 0, 0, 0b0010_0000, 1];
        let reserved = [0, 0, 0, 1, 0, 0, 0, 0, 0b0110_0000, 1, 0];
        let endless = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for body in [&too_many[..], &no_deltas, &reserved, &endless, &[1, 2, 3]] {
            assert_eq!(read(&mut clock, body), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(arrivals) = read(&mut ReceiverClock::default(), &body) {
                prop_assert!(arrivals.len() <= usize::from(MOST));
            }
        }
    }
}
