use str0m::rtp::Vp8Descriptor;

use super::super::places::Places;
use super::*;
use crate::vp8_payload::Temporal;

fn limits() -> Limits {
    Limits {
        bits: 300_000,
        level: Level::up_to(31).unwrap(),
    }
}

/// A sender of thirty frames a second, each in one packet, and what becomes of them.
struct Sender {
    now: Instant,
    count: u16,
    size: (u16, u16),
    /// Octets after a frame's head.
    body: usize,
    stream: Transcoding,
}

impl Sender {
    fn new() -> Self {
        let place = Places::new(1).take().unwrap();
        Self {
            now: Instant::now(),
            count: 0,
            size: (640, 360),
            body: 0,
            stream: Transcoding::new(1, place, 0, limits()),
        }
    }

    fn send(&mut self, keyframe: bool) -> Vec<Step> {
        let [high, low] = (self.count | 0x8000).to_be_bytes();
        let mut payload = vec![0x90, 0x80, high, low];
        if keyframe {
            payload.extend([0x10, 0, 0, 0x9d, 1, 0x2a]);
            payload.extend(self.size.0.to_le_bytes());
            payload.extend(self.size.1.to_le_bytes());
        } else {
            payload.extend([0x11, 0, 0]);
        }
        payload.resize(payload.len() + self.body, 0);
        let packet = Forwarded {
            sequence: 70_000 + u64::from(self.count),
            timestamp: u32::from(self.count) * 3_000,
            marker: true,
            arrived: self.now,
            level: None,
            orientation: None,
            vp8: Vp8Descriptor::parse(&payload).ok(),
            layer: 0,
            temporal: Temporal::default(),
            payload: payload.into(),
        };
        self.count += 1;
        self.now += Duration::from_micros(33_333);
        self.stream.push(&packet)
    }

    /// As `send`, and it is done at once; what was wanted of it.
    fn film(&mut self, keyframe: bool) -> Option<Wanted> {
        let steps = self.send(keyframe);
        steps
            .iter()
            .for_each(|_| assert!(self.stream.done(Outcome::Nothing).is_none()));
        match steps.first() {
            Some(Step::Frame { wanted, .. }) => *wanted,
            _ => None,
        }
    }
}

#[test]
fn all_frames_are_decoded_and_every_other_one_is_encoded() {
    let mut sender = Sender::new();
    assert!(sender.film(true).unwrap().fresh);
    let wanted: Vec<_> = (0..60).map(|_| sender.film(false)).collect();
    let count = wanted.iter().flatten().count();
    assert_eq!(count, 30);
    assert!(wanted.iter().flatten().all(|wanted| !wanted.fresh));
    assert!(!sender.stream.wants_keyframe());
}

#[test]
fn a_low_level_has_fewer_pictures() {
    let mut sender = Sender::new();
    sender.stream.limits.level = Level::up_to(11).unwrap();
    sender.film(true);
    let wanted = (0..60).filter(|_| sender.film(false).is_some()).count();
    // 3,000 macroblocks a second, 240 in a picture.
    assert!((20..=25).contains(&wanted), "{wanted}");
}

#[test]
fn who_cannot_keep_up_decodes_only_and_then_waits_for_a_keyframe() {
    let mut sender = Sender::new();
    assert_eq!(sender.send(true).len(), 1);
    let steps: Vec<Vec<Step>> = (0..20).map(|_| sender.send(false)).collect();
    let taken: Vec<_> = steps.iter().flatten().collect();
    assert_eq!(taken.len(), MOST_WAITING - 1);
    let wanted = taken.iter().filter(|step| {
        matches!(
            step,
            Step::Frame {
                wanted: Some(_),
                ..
            }
        )
    });
    assert_eq!(wanted.count(), 1, "behind, nothing is encoded");
    assert!(sender.stream.wants_keyframe());
    for _ in 0..MOST_WAITING {
        sender.stream.done(Outcome::Nothing);
    }
    assert_eq!(sender.send(false), [], "it has missed some");
    assert_eq!(sender.send(true).len(), 1);
    assert!(!sender.stream.wants_keyframe());
}

#[test]
fn what_cannot_be_decoded_is_not_built_on() {
    for outcome in [Outcome::Undecodable, Outcome::Dropped] {
        let mut sender = Sender::new();
        sender.send(true);
        assert!(sender.stream.done(outcome).is_none());
        assert!(sender.stream.wants_keyframe());
        assert_eq!(sender.send(false), []);
        assert_eq!(sender.send(true).len(), 1);
    }
}

#[test]
fn too_large_a_picture_is_not_handed_out_nor_asked_for_again() {
    let mut sender = Sender::new();
    sender.size = (1_296, 720);
    assert_eq!(sender.send(true), []);
    assert_eq!(sender.send(false), []);
    assert!(!sender.stream.is_visible() && !sender.stream.wants_keyframe());
    sender.size = (1_280, 720);
    assert_eq!(sender.send(true).len(), 1);
    assert!(sender.stream.is_visible());
}

#[test]
fn a_frame_of_too_many_octets_is_left_out_up_to_the_next_keyframe() {
    let mut sender = Sender::new();
    sender.film(true);
    sender.body = MOST_OCTETS;
    assert_eq!(sender.send(false), []);
    sender.body = 0;
    assert_eq!(sender.send(false), []);
    assert!(sender.stream.wants_keyframe());
    assert_eq!(sender.send(true).len(), 1);
}

#[test]
fn who_asks_for_a_fresh_picture_has_it_but_not_too_often() {
    let mut sender = Sender::new();
    sender.film(true);
    sender.stream.refresh();
    let fresh: Vec<bool> = (0..60)
        .filter_map(|_| sender.film(false))
        .map(|wanted| wanted.fresh)
        .collect();
    assert_eq!(fresh.iter().filter(|fresh| **fresh).count(), 1);
    let place = fresh.iter().position(|fresh| *fresh).unwrap();
    assert!((13..=16).contains(&place), "a second later: {place}");
}

#[test]
fn a_picture_that_stands_still_is_made_again_for_who_asks() {
    let mut sender = Sender::new();
    let first = sender.film(true).unwrap();
    sender.now += Duration::from_secs(2);
    assert_eq!(sender.stream.tick(sender.now), None, "nobody asks");
    sender.stream.refresh();
    let Some(Step::Again { wanted }) = sender.stream.tick(sender.now) else {
        panic!("nothing");
    };
    assert!(wanted.fresh);
    let passed = wanted.timestamp.wrapping_sub(first.timestamp);
    assert!((180_000..190_000).contains(&passed), "{passed}");
    assert_eq!(sender.stream.tick(sender.now), None, "it is being made");
    sender.stream.done(Outcome::Nothing);
    sender.now += PAUSE;
    let next = sender.film(false).unwrap();
    let step = next.timestamp.wrapping_sub(wanted.timestamp);
    assert!((1..10_000).contains(&step), "{step}");
}

#[test]
fn packets_of_pictures_are_numbered_without_a_gap() {
    let mut sender = Sender::new();
    let mut shots = Vec::new();
    for units in [
        vec![vec![0x67, 1], vec![0x68, 1], vec![0x65; 3_000]],
        vec![vec![0x41; 9]],
    ] {
        sender.send(true);
        let picture = Outcome::Picture {
            timestamp: 5,
            units,
        };
        shots.push(sender.stream.done(picture).unwrap());
    }
    assert!(shots[0].fresh && !shots[1].fresh);
    assert_eq!(shots[0].payloads.len(), 4);
    assert_eq!((shots[0].sequence, shots[1].sequence), (1, 5));
}

#[test]
fn nothing_comes_of_it_once_a_codec_has_failed() {
    let places = Places::new(1);
    let mut sender = Sender::new();
    sender.stream = Transcoding::new(1, places.take().unwrap(), 0, limits());
    sender.send(true);
    assert!(places.take().is_none());
    sender.stream.done(Outcome::Broken);
    assert!(places.take().is_some(), "its place is free");
    assert_eq!(sender.send(true), []);
    assert!(!sender.stream.wants_keyframe() && !sender.stream.is_visible());
}
