//! Whole VP8 frames from the packets of one stream (RFC 7741), from a keyframe on without a gap.
//!
//! A frame that can't be decoded is worse than one that stands still, so after a loss nothing comes
//! out until the next keyframe. Packets may come out of order; a lost one is waited for a while, for
//! it may be sent again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::layers::descriptor_octets;
use crate::outgoing::Forwarded;

/// How long a missing packet is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// Packets that may wait: a very large keyframe, and more.
const MOST_WAITING: usize = 2_048;
/// ... and before a keyframe has begun: what may have overtaken its beginning.
const MOST_EARLY: usize = 64;

/// A frame as a decoder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// A decoder can begin with it.
    pub keyframe: bool,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When the last of it came.
    pub arrived: Instant,
    /// The encoded picture.
    pub octets: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    /// It begins a frame.
    first: bool,
    /// It ends one.
    last: bool,
    keyframe: bool,
    picture: Option<u16>,
    timestamp: u32,
    arrived: Instant,
    body: usize,
    payload: Arc<[u8]>,
}

impl Waiting {
    fn of(packet: &Forwarded) -> Option<Self> {
        let head = *packet.payload.first()?;
        Some(Self {
            // The S bit, in partition 0.
            first: head & 0x17 == 0x10,
            last: packet.marker,
            keyframe: packet.starts_keyframe(),
            picture: packet.vp8.and_then(|descriptor| descriptor.picture_id()),
            timestamp: packet.timestamp,
            arrived: packet.arrived,
            body: descriptor_octets(&packet.payload)?,
            payload: Arc::clone(&packet.payload),
        })
    }

    fn body(&self) -> &[u8] {
        self.payload.get(self.body..).unwrap_or_default()
    }

    /// Whether its picture is the one after another: then nothing is lost between them, whatever the
    /// sequence numbers say, for padding takes some too.
    fn follows(&self, picture: Option<u16>) -> bool {
        let next = picture.map(|before| before.wrapping_add(1));
        let own = self.picture.zip(next);
        // Ids have 7 or 15 bits.
        self.first && own.is_some_and(|(own, next)| own == next & 0x7fff || own == next & 0x7f)
    }
}

/// The frames of one stream.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: BTreeMap<u64, Waiting>,
    /// The sequence number that comes next, once there was a keyframe.
    next: Option<u64>,
    /// What is older has been taken, or given up.
    floor: u64,
    /// The id of the last picture.
    picture: Option<u16>,
    /// Since when something is missing that others wait behind.
    stalled: Option<Instant>,
}

impl Frames {
    /// Whether a keyframe must come before anything else can.
    pub fn await_keyframe(&self) -> bool {
        self.next.is_none()
    }

    /// Begin anew, with the next keyframe.
    pub fn restart(&mut self) {
        if let Some((sequence, _)) = self.waiting.pop_first() {
            self.floor = sequence + 1;
        }
        self.next = None;
        self.picture = None;
        self.stalled = None;
    }

    /// A packet of the stream; the frames that can be decoded now.
    pub fn push(&mut self, packet: &Forwarded) -> Vec<Frame> {
        if packet.sequence >= self.floor
            && let Some(waiting) = Waiting::of(packet)
        {
            self.waiting.entry(packet.sequence).or_insert(waiting);
        }
        let frames = self.ready();
        self.note_gap(packet.arrived);
        frames
    }

    fn ready(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(first) = self.first() {
            let last = self.end_of(first);
            let Some(frame) = last.and_then(|last| self.take(first, last)) else {
                break;
            };
            frames.push(frame);
        }
        frames
    }

    /// Where the next frame begins, if its beginning is there.
    fn first(&mut self) -> Option<u64> {
        let Some(next) = self.next else {
            let (at, _) = self.waiting.iter().find(|(_, packet)| packet.keyframe)?;
            let at = *at;
            self.waiting = self.waiting.split_off(&at);
            self.next = Some(at);
            return Some(at);
        };
        let (at, packet) = self.waiting.first_key_value()?;
        let begins = if *at == next {
            packet.first
        } else {
            packet.follows(self.picture)
        };
        begins.then_some(*at)
    }

    /// The last packet of the frame that begins there, if all of it is there.
    fn end_of(&self, first: u64) -> Option<u64> {
        for (at, (sequence, packet)) in (first..).zip(self.waiting.range(first..)) {
            if *sequence != at {
                return None;
            }
            // A sender that forgets the marker shows the end by the next beginning.
            if at != first && packet.first {
                return Some(at - 1);
            }
            if packet.last {
                return Some(at);
            }
        }
        None
    }

    fn take(&mut self, first: u64, last: u64) -> Option<Frame> {
        let rest = self.waiting.split_off(&(last + 1));
        let packets = std::mem::replace(&mut self.waiting, rest);
        self.floor = last + 1;
        self.next = Some(last + 1);
        self.stalled = None;
        let head = packets.get(&first)?;
        self.picture = head.picture;
        Some(Frame {
            keyframe: head.keyframe,
            timestamp: head.timestamp,
            arrived: packets.values().map(|p| p.arrived).max()?,
            octets: packets.values().flat_map(|p| p.body()).copied().collect(),
        })
    }

    /// Something is missing if packets wait; after a while it is lost.
    fn note_gap(&mut self, now: Instant) {
        while self.next.is_none() && self.waiting.len() > MOST_EARLY {
            self.waiting.pop_first();
        }
        if self.next.is_none() || self.waiting.is_empty() {
            self.stalled = None;
            return;
        }
        let since = *self.stalled.get_or_insert(now);
        if now >= since + PATIENCE || self.waiting.len() > MOST_WAITING {
            self.restart();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use str0m::rtp::Vp8Descriptor;

    use super::*;
    use crate::vp8_payload::Temporal;

    /// A frame's packets: each payload has a descriptor with a picture id, then the frame's number.
    fn packets(
        at: Instant,
        sequence: &mut u64,
        number: u16,
        keyframe: bool,
        count: usize,
    ) -> Vec<Forwarded> {
        (0..count)
            .map(|n| {
                let [high, low] = (number | 0x8000).to_be_bytes();
                let start = if n == 0 { 0x90 } else { 0x80 };
                let body = u8::from(!keyframe || n > 0);
                let payload = vec![start, 0x80, high, low, body, n as u8, low];
                *sequence += 1;
                Forwarded {
                    sequence: *sequence,
                    timestamp: u32::from(number) * 3_000,
                    marker: n + 1 == count,
                    arrived: at,
                    level: None,
                    orientation: None,
                    vp8: Vp8Descriptor::parse(&payload).ok(),
                    layer: 0,
                    temporal: Temporal::default(),
                    payload: payload.into(),
                }
            })
            .collect()
    }

    /// Frames of two packets each, the first and every tenth a keyframe.
    fn film(start: Instant, frames: u16) -> Vec<Forwarded> {
        let mut sequence = 70_000;
        (0..frames)
            .flat_map(|number| {
                let at = start + Duration::from_millis(33) * u32::from(number);
                packets(at, &mut sequence, number, number % 10 == 0, 2)
            })
            .collect()
    }

    fn numbers(frames: &[Frame]) -> Vec<u32> {
        frames.iter().map(|frame| frame.timestamp / 3_000).collect()
    }

    fn all(film: &[Forwarded]) -> Vec<Frame> {
        let mut frames = Frames::default();
        film.iter().flat_map(|packet| frames.push(packet)).collect()
    }

    #[test]
    fn frames_are_put_together_without_their_descriptors() {
        let frames = all(&film(Instant::now(), 12));
        assert_eq!(numbers(&frames), (0..12).collect::<Vec<_>>());
        assert_eq!(frames[3].octets, [1, 0, 3, 1, 1, 3]);
        assert!(frames[0].keyframe && !frames[1].keyframe && frames[10].keyframe);
    }

    #[test]
    fn it_begins_with_a_keyframe() {
        let film = film(Instant::now(), 15);
        assert_eq!(numbers(&all(&film[3..])), [10, 11, 12, 13, 14]);
    }

    #[test]
    fn a_packet_that_comes_late_is_waited_for() {
        let mut film = film(Instant::now(), 8);
        let late = film.remove(5);
        film.insert(9, late);
        assert_eq!(numbers(&all(&film)), (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn after_a_loss_nothing_comes_before_a_keyframe() {
        let mut film = film(Instant::now(), 40);
        film.remove(5);
        let frames = all(&film);
        // Frame 2 is broken; half a second later it is given up.
        assert_eq!(numbers(&frames)[..2], [0, 1]);
        assert_eq!(numbers(&frames)[2] % 10, 0);
        assert_eq!(*numbers(&frames).last().unwrap(), 39);
    }

    #[test]
    fn padding_between_frames_is_no_loss() {
        let mut film = film(Instant::now(), 6);
        for packet in &mut film[4..] {
            packet.sequence += 3;
        }
        assert_eq!(numbers(&all(&film)), (0..6).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn whatever_the_network_does_what_comes_out_can_be_decoded(
            frames in 1_u16..60,
            lost in prop::collection::vec(0_usize..120, 0..8),
            swapped in prop::collection::vec(0_usize..119, 0..20),
            twice in prop::collection::vec(0_usize..120, 0..8),
        ) {
            let whole = film(Instant::now(), frames);
            let expected = all(&whole);
            let mut film: Vec<_> = whole
                .iter()
                .enumerate()
                .filter(|(n, _)| !lost.contains(n))
                .map(|(_, packet)| packet.clone())
                .collect();
            for at in twice.into_iter().filter(|at| *at < whole.len()) {
                film.push(whole[at].clone());
            }
            for at in swapped {
                if at + 1 < film.len() {
                    film.swap(at, at + 1);
                }
            }
            let came = all(&film);
            let numbers = numbers(&came);
            prop_assert!(numbers.is_sorted_by(|a, b| a < b));
            let mut last = None;
            for (number, frame) in numbers.iter().zip(&came) {
                prop_assert!(frame.keyframe || last.is_some_and(|last: u32| last + 1 == *number));
                prop_assert_eq!(&frame.octets, &expected[*number as usize].octets);
                last = Some(*number);
            }
        }

        #[test]
        fn any_payloads_are_taken(
            drawn in prop::collection::vec(
                (0_u64..40, any::<bool>(), prop::collection::vec(any::<u8>(), 1..12)), 0..60),
        ) {
            let mut frames = Frames::default();
            let mut seen = 0;
            for (sequence, marker, payload) in drawn {
                let mut packet = packets(Instant::now(), &mut 0, 1, false, 1).remove(0);
                packet.sequence = sequence;
                packet.marker = marker;
                packet.vp8 = Vp8Descriptor::parse(&payload).ok();
                packet.payload = payload.into();
                seen += frames.push(&packet).len();
            }
            prop_assert!(seen <= 60);
        }
    }
}
