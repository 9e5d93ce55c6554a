//! Telephone keys as RTP events (RFC 4733): heard once each, however often they are sent.

/// How far apart two timestamps may be for the later one to be later (RFC 1982).
const HALF: u32 = 1 << 31;
/// A key held for so long goes on under a new timestamp (RFC 4733 section 2.5.1.3).
const LONGEST: u16 = u16::MAX;

/// A key of the telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// The key of that event code: 0 to 15.
    #[must_use]
    pub fn from_event(event: u8) -> Option<Self> {
        (event < 16).then_some(Self(event))
    }

    /// What is printed on it: 0-9, *, #, A-D.
    #[must_use]
    pub fn symbol(self) -> char {
        char::from(b"0123456789*#ABCD"[usize::from(self.0 & 15)])
    }
}

/// The payload of one telephone-event packet (RFC 4733 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code; 0 to 15 are keys.
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// Power below 1 mW, in decibels: 0 to 63.
    pub volume: u8,
    /// How long it has lasted, in timestamp ticks.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Read a payload; further events in it are ignored.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Press {
    timestamp: u32,
    event: u8,
    duration: u16,
}

/// Receiver of one endpoint's telephone events. Feed it authentic packets of that endpoint only:
/// a key belongs to who pressed it.
#[derive(Debug, Default)]
pub struct DtmfReceiver {
    last: Option<Press>,
}

impl DtmfReceiver {
    /// Nothing pressed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A telephone-event packet has come, with its RTP timestamp. The key, when it is a new press:
    /// every packet of one press has the same timestamp, and the first to arrive tells.
    pub fn receive(&mut self, timestamp: u32, payload: &[u8]) -> Option<Digit> {
        let event = TelephoneEvent::parse(payload)?;
        let press = Press {
            timestamp,
            event: event.event,
            duration: event.duration,
        };
        let is_new = match &mut self.last {
            None => true,
            Some(last) if last.timestamp == timestamp => {
                last.duration = last.duration.max(event.duration);
                false
            }
            // A straggler of a press before.
            Some(last) if timestamp.wrapping_sub(last.timestamp) >= HALF => false,
            Some(last) => {
                let is_segment = last.event == event.event
                    && last.duration == LONGEST
                    && timestamp.wrapping_sub(last.timestamp) == u32::from(LONGEST);
                *last = press;
                !is_segment
            }
        };
        self.last.get_or_insert(press);
        if is_new {
            Digit::from_event(event.event)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload(event: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [event, u8::from(end) << 7 | 10, high, low]
    }

    fn symbols(packets: &[(u32, [u8; 4])]) -> String {
        let mut receiver = DtmfReceiver::new();
        let digits = packets
            .iter()
            .filter_map(|(time, payload)| receiver.receive(*time, payload));
        digits.map(Digit::symbol).collect()
    }

    #[test]
    fn a_payload_is_read() {
        let event = TelephoneEvent::parse(&[11, 0x8A, 0x03, 0x20]).unwrap();
        assert_eq!(
            event,
            TelephoneEvent {
                event: 11,
                end: true,
                volume: 10,
                duration: 800
            }
        );
        assert_eq!(TelephoneEvent::parse(&[11, 0x8A, 3]), None);
    }

    #[test]
    fn a_press_of_many_packets_is_one_digit() {
        let packets: Vec<_> = (1..=8)
            .map(|n| (1_000, payload(5, n > 5, (n * 160).min(800))))
            .chain((1..=3).map(|n| (3_000, payload(5, n == 3, n * 160))))
            .chain([(9_000, payload(11, true, 800))])
            .collect();
        assert_eq!(symbols(&packets), "55#");
    }

    #[test]
    fn a_press_of_which_only_the_end_arrives_counts() {
        assert_eq!(symbols(&[(1_000, payload(10, true, 800))]), "*");
    }

    #[test]
    fn stragglers_are_not_pressed_again_even_across_the_wrap() {
        let first = (u32::MAX - 100, payload(1, true, 800));
        let second = (2_000, payload(2, false, 160));
        assert_eq!(symbols(&[first, second, first, second]), "12");
    }

    #[test]
    fn a_key_held_for_long_is_one_digit() {
        let packets = [
            (0, payload(7, false, 65_000)),
            (0, payload(7, false, u16::MAX)),
            (65_535, payload(7, false, 160)),
            (65_535, payload(7, true, 320)),
        ];
        assert_eq!(symbols(&packets), "7");
    }

    #[test]
    fn flashes_and_tones_are_no_digits() {
        assert_eq!(
            symbols(&[(0, payload(16, true, 800)), (9, payload(200, true, 800))]),
            ""
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(
            packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..9)), 0..50)
        ) {
            let mut receiver = DtmfReceiver::new();
            for (timestamp, payload) in packets {
                if let Some(digit) = receiver.receive(timestamp, &payload) {
                    prop_assert!("0123456789*#ABCD".contains(digit.symbol()));
                }
            }
        }
    }
}
