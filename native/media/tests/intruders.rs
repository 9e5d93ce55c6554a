//! What must not move a phone's pictures, or be moved by them, over a simulated network (ATTACKS 13, 32, 35, 42).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::net::SocketAddr;
use std::time::Duration;

use network::client::Received;
use network::screen::{CAMERA, Screen, frame};
use network::stage::{film, phone, scene};
use network::{ALL, Network, ROOM};
use vestibule_media::pcm::SILENT;
use vestibule_media::{Refused, VideoLeg};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn keyframes_are_asked_for_in_every_way_but_not_in_a_storm() {
    let (mut network, _desk, mut screen) = scene(1);
    film(&mut network, &[0], 0, SECOND);
    let ssrc = screen.newest(&mut network)[0].header.ssrc.to_be_bytes();
    let about = |head: &[u8], tail: &[u8]| [head, &CAMERA.to_be_bytes(), tail].concat();
    let lost = about(&[0x81, 206, 0, 2], &ssrc);
    let command = about(
        &[0x84, 206, 0, 4],
        &[&[0; 4], &ssrc[..], &[3, 0, 0, 0]].concat(),
    );
    let old = [&[0x80, 192, 0, 1], &ssrc[..]].concat();
    for wish in [&lost, &command, &old] {
        film(&mut network, &[0], 0, 2 * SECOND);
        network.clients[0].keyframe_requests = 0;
        for _ in 0..90 {
            screen.say(&mut network, wish.clone());
            network.run(Duration::from_millis(10));
        }
        assert_eq!(network.clients[0].keyframe_requests, 1, "{wish:?}");
    }
    film(&mut network, &[0], 0, 2 * SECOND);
    network.clients[0].keyframe_requests = 0;
    screen.say(&mut network, command);
    let other = about(&[0x81, 206, 0, 2], &[9, 9, 9, 9]);
    screen.say(&mut network, other);
    network.run(SECOND / 2);
    assert_eq!(
        network.clients[0].keyframe_requests, 0,
        "obeyed, and not ours"
    );
}

#[test]
fn lost_packets_are_sent_again_as_they_were() {
    let (mut network, _desk, mut screen) = scene(1);
    film(&mut network, &[0], 0, SECOND);
    let shown = screen.newest(&mut network);
    let lost = shown[shown.len() - 5].header;
    let request = [
        &[0x81, 205, 0, 3][..],
        &CAMERA.to_be_bytes(),
        &lost.ssrc.to_be_bytes(),
        &lost.sequence.to_be_bytes(),
        &[0, 1],
    ]
    .concat();
    for _ in 0..20 {
        screen.say(&mut network, request.clone());
        network.run(Duration::from_millis(20));
    }
    let again: Vec<usize> = network
        .elsewhere
        .iter()
        .filter(|(socket, _, data)| *socket == screen.sockets.rtp && data[1] & 0x7f == 98)
        .map(|(_, _, data)| usize::from(u16::from_be_bytes([data[2], data[3]])))
        .collect();
    let first = usize::from(lost.sequence);
    assert_eq!(again, [first, first + 1, first, first + 1], "twice at most");
}

#[test]
fn packets_that_are_not_authentic_change_nothing() {
    let (mut network, _desk, mut screen) = scene(1);
    film(&mut network, &[0], 0, SECOND);
    let ssrc = screen.newest(&mut network)[0].header.ssrc.to_be_bytes();
    let attacker: SocketAddr = "203.0.113.66:6666".parse().unwrap();
    let mut forged = screen.packet(&frame(1, true, 180, 300, 9));
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let wish = [&[0x81, 206, 0, 2], &[0; 4], &ssrc[..], &[0; 20]].concat();
    let plain = [
        &[0x80, 98, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21],
        &frame(1, true, 180, 300, 9)[..],
    ];
    network.clients[0].keyframe_requests = 0;
    let before = network.stats("desk");
    for data in [
        forged,
        wish,
        plain.concat(),
        vec![0; 40],
        vec![22; 40],
        Vec::new(),
    ] {
        network.inject(screen.sockets.rtp, attacker, data);
    }
    film(&mut network, &[0], 0, SECOND);
    assert_eq!(network.clients[0].keyframe_requests, 0);
    assert!(network.elsewhere.iter().all(|(_, to, _)| *to != attacker));
    assert!(
        screen.newest(&mut network).len() > 40,
        "it is still shown where it was"
    );
    let after = network.stats("desk");
    assert_eq!(after.packets_refused - before.packets_refused, 6);
    assert_eq!(after.packets_received, before.packets_received);
    assert_eq!(network.clients[0].slot_of("desk", "camera"), None);
}

#[test]
fn pictures_follow_authentic_packets_and_end_when_nobody_is_there() {
    let (mut network, mut desk, mut screen) = scene(1);
    let moved: SocketAddr = "198.51.100.9:4000".parse().unwrap();
    let packet = screen.packet(&frame(1, true, 180, 300, 9));
    network.inject(screen.sockets.rtp, moved, packet);
    film(&mut network, &[0], 0, SECOND);
    screen.address = moved;
    assert!(screen.newest(&mut network).len() > 40);
    for _ in 0..65 {
        desk.say(&mut network, &SILENT);
        network.run(SECOND);
    }
    film(&mut network, &[0], 0, SECOND);
    screen.newest(&mut network);
    film(&mut network, &[0], 0, SECOND);
    assert_eq!(screen.newest(&mut network), []);
    assert!(!network.is_gone("desk"), "its sound goes on");
}

#[test]
fn an_address_that_proves_nothing_gets_no_pictures() {
    for (known, seconds) in [(false, 0), (true, 12)] {
        let mut network = Network::new();
        network.connect("alice", ALL);
        let mut desk = phone(&mut network, 20_000);
        desk.say(&mut network, &SILENT);
        let change = |leg: &mut VideoLeg| leg.stream.remote_is_known = known;
        let mut screen = Screen::try_add(&mut network, "desk", 20_100, true, change).unwrap();
        network.run(SECOND * seconds);
        film(&mut network, &[0], 0, SECOND);
        screen.take(&mut network);
        assert_eq!(screen.shown, [], "known: {known}");
        screen.film(&mut network, &frame(1, true, 180, 300, 9));
        film(&mut network, &[0], 0, SECOND);
        screen.take(&mut network);
        assert!(screen.shown.len() > 40);
    }
}

#[test]
fn a_phones_camera_is_not_seen_if_it_may_not_send() {
    let mut network = Network::new();
    network.connect("alice", ALL);
    let mut desk = phone(&mut network, 20_000);
    desk.say(&mut network, &SILENT);
    let mut screen = Screen::try_add(&mut network, "desk", 20_100, false, |_| {}).unwrap();
    for id in 0..50 {
        screen.film(&mut network, &frame(id, true, 180, 300, 9));
        network.run(Duration::from_millis(20));
    }
    assert_eq!(network.clients[0].slot_of("desk", "camera"), None);
    assert_eq!(network.stats("desk").packets_forbidden, 50);
    let pictures = |r: &&Received| r.payload.last() == Some(&9) && r.payload.len() == 300;
    assert_eq!(network.clients[0].received.iter().find(pictures), None);
}

#[test]
fn pictures_that_cannot_be_are_refused_and_the_sound_goes_on() {
    let (mut network, _desk, _screen) = scene(0);
    let again = Screen::try_add(&mut network, "desk", 20_200, true, |_| {});
    assert_eq!(again.err(), Some(Refused::Duplicate));
    let nobody = Screen::try_add(&mut network, "nobody", 20_200, true, |_| {});
    assert_eq!(nobody.err(), Some(Refused::NoRoom));
    network.connect("alice", ALL);
    let browser = Screen::try_add(&mut network, "alice", 20_200, false, |_| {});
    assert!(browser.is_err());
    let everybody = "224.0.0.1:4000".parse().unwrap();
    let mut network = Network::new();
    phone(&mut network, 20_000);
    let refused = Screen::try_add(&mut network, "desk", 20_200, true, |leg| {
        leg.stream.remote = everybody;
    });
    assert_eq!(
        refused.err(),
        Some(Refused::Destination("224.0.0.1:4000".into()))
    );
    assert!(network.rooms.stats(ROOM, "desk").is_some());
}
