//! Scenes of cameras and a phone that watches them.

use std::time::Duration;

use vestibule_media::codec::Codec;
use vestibule_media::pcm::SILENT;
use vestibule_media::srtp::Suite;
use vestibule_media::{Rights, Source};

use super::phone::Phone;
use super::screen::{Screen, Shown, frame, steps, temporal_frame};
use super::{ALL, NONE, Network};

/// What a phone may send before it has a camera.
const SOUND: Rights = Rights {
    audio: true,
    ..NONE
};

pub fn phone(network: &mut Network, port: u16) -> Phone {
    let suite = Suite::AeadAes256Gcm;
    Phone::join(network, "desk", port, Codec::G722, suite, SOUND)
}

/// Some browsers, the first of whom talks, and a phone with a screen.
pub fn scene(cameras: usize) -> (Network, Phone, Screen) {
    let mut network = Network::new();
    for index in 0..cameras {
        network.connect(&format!("browser{index}"), ALL);
    }
    let mut desk = phone(&mut network, 20_000);
    desk.say(&mut network, &SILENT);
    let screen = Screen::add(&mut network, "desk", 20_100);
    (network, desk, screen)
}

/// Let each of these browsers film for a while, 20 ms a frame, keyframes where they are asked for; `talker` talks.
pub fn film(network: &mut Network, cameras: &[usize], talker: usize, duration: Duration) {
    for _ in 0..steps(duration) {
        for who in cameras {
            let client = &mut network.clients[*who];
            let keyframe = std::mem::take(&mut client.keyframe_requests) > 0;
            client.pictures = (client.pictures + 1) & 0x7fff;
            let payload = frame(client.pictures, keyframe, 180, 300, *who as u8);
            client.send(network.now, Source::Camera, &payload, 0);
            let level = if *who == talker { -20 } else { -90 };
            client.send(network.now, Source::Audio, &[1; 40], level);
        }
        network.run(Duration::from_millis(20));
    }
}

pub fn mark(packet: &Shown) -> u8 {
    *packet.payload.last().unwrap()
}

/// The stream goes on without a break, whoever is in it.
pub fn assert_continuous(shown: &[Shown]) {
    for pair in shown.windows(2) {
        let [one, two] = [&pair[0], &pair[1]];
        assert_eq!(two.header.ssrc, one.header.ssrc);
        assert_eq!(two.header.sequence, one.header.sequence.wrapping_add(1));
        let step = two.header.timestamp.wrapping_sub(one.header.timestamp);
        assert!(step < 3 * 90_000, "{step}");
        if let (Some(before), Some(after)) = (one.picture, two.picture) {
            let step = after.wrapping_sub(before) & 0x7fff;
            assert!(
                step == 1 || (step == 0 && step_in_picture(pair)),
                "{before} {after}"
            );
        }
    }
}

pub fn step_in_picture(pair: &[Shown]) -> bool {
    pair[0].header.timestamp == pair[1].header.timestamp
}

/// Let a camera with three layers run, as tests of browsers do.
pub fn film_layers(network: &mut Network, who: usize, duration: Duration) {
    for _ in 0..steps(duration) {
        let asked = std::mem::take(&mut network.clients[who].layer_requests);
        let client = &mut network.clients[who];
        client.pictures += 1;
        for (layer, (rid, height, octets)) in [("q", 90, 300), ("h", 180, 1_000), ("f", 252, 1_100)]
            .into_iter()
            .enumerate()
        {
            let keyframe = asked.iter().any(|other| other == rid);
            let payload = frame(client.pictures, keyframe, height, octets, layer as u8);
            client.send_layer(network.now, layer, &payload);
            if layer == 2 {
                client.send_layer(network.now, layer, &payload[..]);
                client.send_layer(network.now, layer, &payload[..]);
            }
        }
        network.run(Duration::from_millis(20));
    }
}

/// Let a camera with three temporal layers run: half of its frames are of the highest, a quarter of the lowest.
/// 25 frames a second of 1,000 octets make about 200 kbit/s, of which the lowest has 50.
pub fn film_frames(network: &mut Network, who: usize, duration: Duration) {
    for _ in 0..steps(duration) / 2 {
        let client = &mut network.clients[who];
        let asked = std::mem::take(&mut client.keyframe_requests) > 0;
        // Keyframes are of the lowest layer, with which each turn of the pattern begins.
        client.pictures += if asked { 4 - client.pictures % 4 } else { 1 };
        let id = client.pictures;
        let layer = [0, 2, 1, 2][usize::from(id % 4)];
        let sync = id % 16 < 4 && layer > 0;
        let payload = temporal_frame(id, asked, 1_000, layer, sync);
        client.send(network.now, Source::Camera, &payload, 0);
        network.run(Duration::from_millis(40));
    }
}
