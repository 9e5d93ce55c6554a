//! Recordings of rooms over a simulated network: who is in the file, when, and that nobody else is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::phone::{Phone, Tone, share_of};
use network::tape::{Block, Tape};
use network::{ALL, NONE, Network, ROOM};
use vestibule_media::codec::{Codec, Encoder};
use vestibule_media::level::measure;
use vestibule_media::srtp::Suite;
use vestibule_media::{Rights, Source, Unrecordable};

const LOW: f32 = 440.0;
const HIGH: f32 = 1_000.0;
const FRAME: Duration = Duration::from_millis(20);
/// What comes later than it was said: jitter buffers, the network, and the fade of a new voice.
const SLACK: u64 = 150;
const SILENCE: f32 = -70.0;

/// A browser that sends a tone and, if it has a camera on, frames that name it.
struct Person {
    index: usize,
    voice: Encoder,
    tone: Tone,
    camera: bool,
    silent: bool,
}

impl Person {
    fn join(network: &mut Network, name: &str, hertz: f32) -> Self {
        Self {
            index: network.connect(name, ALL),
            voice: Encoder::new(Codec::Opus).unwrap(),
            tone: Tone::new(hertz),
            camera: false,
            silent: false,
        }
    }

    fn act(&mut self, network: &mut Network) {
        let mut payload = Vec::new();
        self.voice.encode(&self.tone.frame(), &mut payload).unwrap();
        let now = network.now;
        let client = &mut network.clients[self.index];
        if !self.silent {
            client.send(now, Source::Audio, &payload, -20);
        }
        if self.camera {
            let asked = std::mem::take(&mut client.keyframe_requests) > 0;
            client.pictures += 1;
            let body = self.picture(client.pictures, asked);
            client.send(now, Source::Camera, &[&[0x10], body.as_slice()].concat(), 0);
        }
    }

    /// The encoded frame, as it ought to be in the file.
    fn picture(&self, number: u16, keyframe: bool) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        vec![u8::from(!keyframe), 0, self.index as u8, high, low]
    }

    fn is_in(&self, block: &Block) -> bool {
        block.frame.len() == 5 && block.frame[2] == self.index as u8
    }
}

fn act(network: &mut Network, people: &mut [&mut Person], duration: Duration) {
    let end = network.now + duration;
    while network.now < end {
        for person in people.iter_mut() {
            person.act(network);
        }
        network.run(FRAME);
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn assert_silent(sound: &[f32]) {
    let levels: Vec<i32> = sound.chunks(960).map(|f| measure(f) as i32).collect();
    assert!(measure(sound) < SILENCE, "{levels:?}");
}

fn start(network: &mut Network) {
    network.rooms.start_recording(network.now, ROOM).unwrap();
}

fn stop(network: &mut Network) -> Tape {
    network.rooms.stop_recording(network.now, ROOM);
    network.exchange();
    Tape::of(network)
}

fn consent(network: &mut Network, name: &str, recorded: bool) {
    network
        .rooms
        .set_recorded(network.now, ROOM, name, recorded);
}

#[test]
fn who_has_not_said_yes_is_not_heard() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    let mut bob = Person::join(&mut network, "bob", HIGH);
    start(&mut network);
    consent(&mut network, "alice", true);
    act(&mut network, &mut [&mut alice, &mut bob], seconds(3));
    assert_eq!(
        network.rooms.recorded_for(network.now, ROOM),
        Some(seconds(3))
    );
    let tape = stop(&mut network);
    let heard = tape.heard(1_000, 3_000);
    assert!(share_of(LOW, &heard) > 0.9, "{}", share_of(LOW, &heard));
    assert!(share_of(HIGH, &heard) < 0.001, "{}", share_of(HIGH, &heard));
    assert_eq!(tape.end, Some(None));
    assert_eq!(tape.duration, Some(3_000.0));
    let times: Vec<u64> = tape.sounds.iter().map(|b| b.milliseconds).collect();
    assert_eq!(times, (0..150).map(|n| n * 20).collect::<Vec<_>>());
}

#[test]
fn nobody_is_in_it_at_first_and_it_goes_on_all_the_same() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    alice.camera = true;
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(2));
    let tape = stop(&mut network);
    assert_eq!(tape.sounds.len(), 100);
    assert_silent(&tape.heard(0, 2_000));
    assert!(tape.pictures.iter().all(|block| !alice.is_in(block)));
    assert_eq!(tape.pictures.len(), 1, "a black one");
}

#[test]
fn a_room_that_everyone_left_is_recorded_until_it_is_closed() {
    let mut network = Network::new();
    start(&mut network);
    network.run(seconds(2));
    network.rooms.close_room(network.now, ROOM);
    network.exchange();
    let tape = Tape::of(&network);
    assert_eq!((tape.end, tape.duration), (Some(None), Some(2_000.0)));
    assert_eq!(network.rooms.recorded_for(network.now, ROOM), None);
}

#[test]
fn a_no_in_the_middle_is_in_force_at_once() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    alice.camera = true;
    consent(&mut network, "alice", true);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(2));
    consent(&mut network, "alice", false);
    act(&mut network, &mut [&mut alice], seconds(2));
    consent(&mut network, "alice", true);
    act(&mut network, &mut [&mut alice], seconds(2));
    let tape = stop(&mut network);
    assert!(share_of(LOW, &tape.heard(1_000, 2_000)) > 0.9);
    // Two frames, for what the codec looks ahead and how it fades out.
    assert_silent(&tape.heard(2_040, 4_000));
    assert!(share_of(LOW, &tape.heard(4_000 + SLACK, 6_000)) > 0.9);
    let seen = |from, to| {
        let between = |b: &&Block| (from..to).contains(&b.milliseconds);
        let pictures = tape.pictures.iter().filter(between);
        pictures.filter(|b| alice.is_in(b)).count()
    };
    assert!(seen(500, 2_000) > 60);
    assert_eq!(seen(2_001, 4_000), 0);
    assert!(seen(5_000, 6_000) > 40);
    let at_once = tape.pictures.iter().find(|b| b.milliseconds >= 2_000);
    assert!(!alice.is_in(at_once.unwrap()), "the picture doesn't stay");
    assert!(at_once.unwrap().milliseconds <= 2_002 && at_once.unwrap().keyframe);
}

#[test]
fn what_was_said_before_the_yes_is_not_in_it() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    // Somebody for whom her speech is decoded in any case.
    let suite = Suite::AeadAes128Gcm;
    let mut desk = Phone::join(&mut network, "desk", 20_000, Codec::Pcmu, suite, ALL);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(1));
    alice.silent = true;
    consent(&mut network, "alice", true);
    act(&mut network, &mut [&mut alice], seconds(1));
    desk.take(&mut network);
    assert!(
        share_of(LOW, &desk.sound[24_000..48_000]) > 0.9,
        "the phone heard it"
    );
    assert_silent(&stop(&mut network).heard(0, 2_000));
}

#[test]
fn rights_that_are_taken_away_end_it_too() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    alice.camera = true;
    consent(&mut network, "alice", true);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(1));
    network.rooms.set_rights(network.now, ROOM, "alice", NONE);
    act(&mut network, &mut [&mut alice], seconds(1));
    let rights = Rights {
        audio: true,
        ..NONE
    };
    network.rooms.set_rights(network.now, ROOM, "alice", rights);
    act(&mut network, &mut [&mut alice], seconds(1));
    let tape = stop(&mut network);
    assert_silent(&tape.heard(1_040, 2_000));
    assert!(share_of(LOW, &tape.heard(2_000 + SLACK, 3_000)) > 0.9);
    let late = tape.pictures.iter().filter(|b| b.milliseconds > 1_001);
    assert_eq!(late.filter(|b| alice.is_in(b)).count(), 0);
}

#[test]
fn a_yes_is_forgotten_when_its_endpoint_leaves() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    consent(&mut network, "alice", true);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(1));
    network.rooms.leave(network.now, ROOM, "alice");
    // The same address again would be the same connection to the simulated network.
    network.clients[alice.index].address.set_port(9);
    let mut again = Person::join(&mut network, "alice", LOW);
    let begun = network.rooms.recorded_for(network.now, ROOM).unwrap();
    act(&mut network, &mut [&mut again], seconds(1));
    let tape = stop(&mut network);
    assert!(share_of(LOW, &tape.heard(500, 1_000)) > 0.9);
    assert_silent(&tape.heard(begun.as_millis() as u64 + 40, 10_000));
}

#[test]
fn phones_are_heard_if_they_may() {
    let mut network = Network::new();
    let suite = Suite::AeadAes128Gcm;
    let mut desk = Phone::join(&mut network, "desk", 20_000, Codec::Pcma, suite, ALL);
    let mut hall = Phone::join(&mut network, "hall", 20_004, Codec::G722, suite, ALL);
    start(&mut network);
    consent(&mut network, "hall", true);
    let (mut low, mut high) = (Tone::new(LOW), Tone::new(HIGH));
    for _ in 0..150 {
        desk.say(&mut network, &low.frame());
        hall.say(&mut network, &high.frame());
        network.run(FRAME);
    }
    let heard = stop(&mut network).heard(1_000, 3_000);
    assert!(share_of(HIGH, &heard) > 0.9, "{}", share_of(HIGH, &heard));
    assert!(share_of(LOW, &heard) < 0.001, "{}", share_of(LOW, &heard));
    // The phones go on.
    desk.take(&mut network);
    assert!(desk.headers.len() > 140);
}

#[test]
fn the_picture_is_the_speakers_and_changes_with_a_keyframe() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    let mut bob = Person::join(&mut network, "bob", HIGH);
    let mut carol = Person::join(&mut network, "carol", HIGH);
    for person in [&mut alice, &mut bob, &mut carol] {
        person.camera = true;
        person.silent = true;
    }
    start(&mut network);
    consent(&mut network, "alice", true);
    consent(&mut network, "bob", true);
    for speaker in [0, 1, 2, 0] {
        let mut people = [&mut alice, &mut bob, &mut carol];
        people[speaker].silent = false;
        act(&mut network, &mut people, seconds(4));
        people[speaker].silent = true;
    }
    let tape = stop(&mut network);
    let shown: Vec<Option<usize>> = tape
        .pictures
        .iter()
        .map(|block| {
            let people = [&alice, &bob, &carol];
            people.iter().position(|person| person.is_in(block))
        })
        .collect();
    let mut scenes = shown.clone();
    scenes.dedup();
    // Carol, who said nothing of it, speaks and is not seen: Bob stays.
    assert_eq!(scenes, [None, Some(0), Some(1), Some(0)]);
    for pair in tape.pictures.windows(2).zip(shown.windows(2)) {
        let ([before, after], [was, is]) = pair else {
            unreachable!();
        };
        assert!(after.milliseconds > before.milliseconds);
        assert!(was == is || after.keyframe);
    }
    let keyframes = tape.pictures.iter().filter(|block| block.keyframe);
    assert!((4..=12).contains(&keyframes.count()));
    // Bob's from when he spoke to when Alice did again.
    let bobs = tape.pictures.iter().filter(|block| bob.is_in(block));
    assert!(bobs.count() > 330);
}

#[test]
fn a_camera_that_is_turned_off_leaves_no_picture_behind() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    alice.camera = true;
    consent(&mut network, "alice", true);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(2));
    alice.camera = false;
    act(&mut network, &mut [&mut alice], seconds(4));
    let tape = stop(&mut network);
    let last = tape.pictures.last().unwrap();
    assert!(!alice.is_in(last) && last.keyframe);
    assert!(
        (3_900..4_300).contains(&last.milliseconds),
        "{}",
        last.milliseconds
    );
}

#[test]
fn of_a_camera_with_layers_the_large_one_is_recorded() {
    let mut network = Network::new();
    let alice = network.connect_layered("alice");
    consent(&mut network, "alice", true);
    start(&mut network);
    for number in 0_u8..100 {
        let client = &mut network.clients[alice];
        let asked = std::mem::take(&mut client.layer_requests);
        for (layer, rid) in ["q", "h", "f"].into_iter().enumerate() {
            let keyframe = number == 0 || asked.iter().any(|other| other == rid);
            let frame = [0x10, u8::from(!keyframe), 0, layer as u8, number];
            client.send_layer(network.now, layer, &frame);
        }
        network.run(FRAME);
    }
    let tape = stop(&mut network);
    let layers: Vec<u8> = tape.pictures[1..].iter().map(|b| b.frame[2]).collect();
    let last: Vec<u8> = layers.iter().rev().take(60).copied().collect();
    assert_eq!(last, vec![2; 60]);
}

#[test]
fn a_crash_loses_little() {
    let mut network = Network::new();
    let mut alice = Person::join(&mut network, "alice", LOW);
    alice.camera = true;
    consent(&mut network, "alice", true);
    start(&mut network);
    act(&mut network, &mut [&mut alice], seconds(1));
    for second in 2..=5 {
        act(&mut network, &mut [&mut alice], seconds(1));
        // What the shell has by now is all that a crash would leave.
        let tape = Tape::of(&network);
        let last = tape.sounds.last().map_or(0, |block| block.milliseconds);
        assert!(last + 1_100 >= second * 1_000, "{last} after {second} s");
        assert_eq!((tape.end, tape.duration), (None, None));
    }
}

#[test]
fn there_is_one_recording_of_a_room_at_a_time() {
    let mut network = Network::new();
    let now = network.now;
    assert_eq!(
        network.rooms.start_recording(now, "elsewhere"),
        Err(Unrecordable::NoRoom)
    );
    start(&mut network);
    assert_eq!(
        network.rooms.start_recording(now, ROOM),
        Err(Unrecordable::Recorded)
    );
    assert_eq!(
        network.rooms.can_be_recorded(ROOM),
        Err(Unrecordable::Recorded)
    );
    stop(&mut network);
    assert_eq!(network.rooms.can_be_recorded(ROOM), Ok(()));
    network.rooms.stop_recording(now, ROOM);
    network.rooms.stop_recording(now, "elsewhere");
    consent(&mut network, "nobody", true);
    network.exchange();
    Tape::of(&network);
}

#[test]
fn without_a_recording_nothing_ticks() {
    let mut network = Network::new();
    assert_eq!(network.rooms.next_deadline(), None);
    start(&mut network);
    assert_eq!(network.rooms.next_deadline(), Some(network.now + FRAME));
    stop(&mut network);
    assert_eq!(network.rooms.next_deadline(), None);
}
