//! What an attacker on the network can send to the browsers' socket, and that nothing comes of it.
//! Each test shows the honest case first.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::net::SocketAddr;
use std::time::Duration;

use network::link::Link;
use network::{ALL, BROWSERS, Network};
use proptest::prelude::*;
use vestibule_media::Source;

const VOICE: &[u8] = &[1, 2, 3, 4, 5];

fn elsewhere() -> SocketAddr {
    "203.0.113.66:6666".parse().unwrap()
}

/// Two browsers, the first of which is heard by the second; and the packet that was heard.
fn conversation() -> (Network, usize, usize, Vec<u8>) {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    network.record = true;
    network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
    network.exchange();
    assert_eq!(network.clients[bob].heard(VOICE).len(), 1);
    let from = network.clients[alice].address;
    let packet = network
        .seen
        .iter()
        .find(|(source, data)| *source == from && is_media(data))
        .map(|(_, data)| data.clone())
        .unwrap();
    (network, alice, bob, packet)
}

fn is_media(data: &[u8]) -> bool {
    (128..192).contains(&data[0]) && !(192..224).contains(&data[1])
}

#[test]
fn a_replayed_or_altered_packet_only_counts() {
    let (mut network, alice, bob, packet) = conversation();
    let source = network.clients[alice].address;
    network.inject(BROWSERS, source, packet.clone());
    assert_eq!(network.stats("alice").packets_refused, 1);
    for index in [1, 3, 7, 20, packet.len() - 1] {
        let mut altered = packet.clone();
        altered[index] ^= 1;
        network.inject(BROWSERS, source, altered);
    }
    assert_eq!(network.stats("alice").packets_refused, 6);
    assert_eq!(network.stats("alice").packets_received, 1);
    assert_eq!(network.clients[bob].received.len(), 1);
    network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
    network.exchange();
    assert_eq!(network.clients[bob].received.len(), 2);
}

#[test]
fn media_from_an_unproven_address_is_nobodys() {
    let (mut network, _, bob, packet) = conversation();
    let strays = network.rooms.strays();
    network.inject(BROWSERS, elsewhere(), packet);
    assert_eq!(network.rooms.strays(), strays + 1);
    assert_eq!(network.stats("alice").packets_refused, 0);
    assert_eq!(network.clients[bob].received.len(), 1);
    assert!(network.elsewhere.is_empty());
}

#[test]
fn another_ssrc_does_not_take_the_track() {
    let (mut network, alice, bob, packet) = conversation();
    let source = network.clients[alice].address;
    for ssrc in 1..50_u32 {
        let mut other = packet.clone();
        other[8..12].copy_from_slice(&ssrc.to_be_bytes());
        network.inject(BROWSERS, source, other);
    }
    network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
    network.exchange();
    assert_eq!(network.clients[bob].received.len(), 2);
    assert_eq!(network.stats("alice").packets_refused, 49);
}

#[test]
fn a_client_hello_from_elsewhere_gets_no_answer() {
    let mut network = Network::new();
    network.record = true;
    network.connect("alice", ALL);
    let hellos: Vec<Vec<u8>> = network
        .seen
        .iter()
        .filter(|(_, data)| data[0] == 22)
        .map(|(_, data)| data.clone())
        .collect();
    assert!(!hellos.is_empty(), "the honest handshake was seen");
    let bob = network.join("bob", ALL, 1, 1);
    for hello in &hellos {
        network.inject(BROWSERS, elsewhere(), hello.clone());
    }
    network.until(|n| n.clients[bob].connected);
    for data in hellos {
        network.inject(BROWSERS, elsewhere(), data);
    }
    network.inject(
        BROWSERS,
        elsewhere(),
        vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40],
    );
    network.run(Duration::from_secs(1));
    assert!(network.elsewhere.is_empty());
    assert!(!network.is_gone("alice") && !network.is_gone("bob"));
}

#[test]
fn garbage_from_the_right_address_ends_nothing() {
    let (mut network, alice, bob, _) = conversation();
    let source = network.clients[alice].address;
    for first in 0..=255_u8 {
        let mut data = vec![first; 60];
        data[1] = 111;
        network.inject(BROWSERS, source, data);
    }
    // A DTLS alert without protection, "fatal, handshake failure".
    let alert = vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    network.inject(BROWSERS, source, alert);
    network.run(Duration::from_secs(1));
    network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
    network.exchange();
    assert_eq!(network.clients[bob].received.len(), 2);
    assert!(!network.is_gone("alice"));
}

#[test]
fn a_check_replayed_from_elsewhere_does_not_move_the_media() {
    let mut network = Network::new();
    network.record = true;
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    let from = network.clients[alice].address;
    let checks: Vec<Vec<u8>> = network
        .seen
        .iter()
        .filter(|(source, data)| *source == from && data[..2] == [0, 1])
        .map(|(_, data)| data.clone())
        .collect();
    assert!(!checks.is_empty(), "the honest checks were seen");
    for check in checks {
        network.inject(BROWSERS, elsewhere(), check);
    }
    network.clients[bob].send(network.now, Source::Audio, VOICE, -20);
    network.run(Duration::from_secs(3));
    assert_eq!(network.clients[alice].heard(VOICE).len(), 1);
    assert!(network.elsewhere.is_empty());
}

#[test]
fn an_altered_check_gets_no_answer() {
    let mut network = Network::new();
    network.record = true;
    network.connect("alice", ALL);
    let check = network
        .seen
        .iter()
        .find(|(_, data)| data[..2] == [0, 1])
        .map(|(_, data)| data.clone())
        .unwrap();
    for index in 8..check.len() {
        let mut altered = check.clone();
        altered[index] ^= 0x20;
        network.inject(BROWSERS, elsewhere(), altered);
    }
    assert!(network.elsewhere.is_empty());
}

const KEYFRAME: &[u8] = &[0x10, 0x00, 0xaa, 0xbb];
const PICTURE: &[u8] = &[0x10, 0x01, 0xcc, 0xdd];

/// Alice sends her camera to Bob, who has seen a keyframe of it.
fn film() -> (Network, usize, usize) {
    let mut network = Network::new();
    // Bandwidth is estimated from when packets arrive.
    network.pace = Duration::from_millis(1);
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
    network.until(|n| n.clients[alice].keyframe_requests > 0);
    network.clients[alice].send(network.now, Source::Camera, KEYFRAME, 0);
    network.until(|n| !n.clients[bob].heard(KEYFRAME).is_empty());
    (network, alice, bob)
}

#[test]
fn a_storm_of_complaints_reaches_nobody() {
    let (mut network, alice, bob) = film();
    let honest = network.clients[alice].keyframe_requests;
    let end = network.now + Duration::from_secs(3);
    while network.now < end {
        network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
        for _ in 0..10 {
            let now = network.now;
            network.clients[bob].complain(now);
        }
        network.run(Duration::from_millis(10));
    }
    let asked = network.clients[alice].keyframe_requests - honest;
    assert!((1..=4).contains(&asked), "{asked} for 3000 complaints");
    assert!(!network.is_gone("bob"));
}

#[test]
fn a_storm_of_repair_requests_is_answered_in_part() {
    let (mut network, alice, bob) = film();
    let address = network.clients[bob].address;
    // One of three media packets is lost, repairs too, and asked for again and again.
    network.links.insert(address, Link::losing(1, 3));
    let packet = [PICTURE, &[5; 1_000]].concat();
    let before = network.stats("bob").bytes_sent;
    for _ in 0..500 {
        network.clients[alice].send(network.now, Source::Camera, &packet, 0);
        network.run(Duration::from_millis(20));
    }
    let sent = network.stats("bob").bytes_sent - before;
    let media = 500 * packet.len() as u64;
    assert!(sent < media * 8 / 5, "{sent} octets for {media} of media");
}

#[test]
fn forged_reports_are_counted_and_change_nothing() {
    let (mut network, alice, bob) = film();
    network.record = true;
    let address = network.clients[bob].address;
    let now = network.now;
    network.clients[bob].complain(now);
    network.exchange();
    let is_report = |data: &[u8]| matches!(data, [128..=191, 192..=223, ..]);
    let reports = network.seen.iter();
    let report = reports
        .filter(|(from, data)| *from == address && is_report(data))
        .map(|(_, data)| data.clone())
        .next_back()
        .unwrap();
    network.run(Duration::from_secs(2));
    let asked = network.clients[alice].keyframe_requests;
    let refused = network.stats("bob").packets_refused;
    let mut altered = report.clone();
    altered[12] ^= 1;
    for forged in [
        report,
        altered,
        vec![0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
    ] {
        network.inject(BROWSERS, address, forged);
    }
    network.run(Duration::from_millis(100));
    assert_eq!(network.stats("bob").packets_refused - refused, 3);
    assert_eq!(network.clients[alice].keyframe_requests, asked);
    assert!(!network.is_gone("bob"));
}

#[test]
fn hostile_messages_change_nothing() {
    let (mut network, alice, bob) = film();
    let slot = network.clients[bob].slot_of("alice", "camera").unwrap();
    let before = network.stats("bob").packets_refused;
    let deep = vec![b'['; 15_000];
    let huge = vec![b' '; 15_000];
    let messages: [&[u8]; 5] = [
        b"\xff\xfe",
        b"{\"type\":\"want\"}",
        &deep,
        &huge,
        b"{\"type\":\"want\",\"heights\":{\"nobody\":0}}",
    ];
    for message in messages {
        let now = network.now;
        network.clients[bob].say(now, message);
        network.run(Duration::from_millis(300));
    }
    assert_eq!(network.stats("bob").packets_refused - before, 5);
    // Far too many, all of them good.
    for count in 0..500_u16 {
        let now = network.now;
        network.clients[bob].want(now, &slot, 100 + count);
    }
    network.run(Duration::from_millis(500));
    assert!(network.stats("bob").packets_refused - before > 400);
    assert!(!network.is_gone("bob") && !network.is_gone("alice"));
    network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
    network.until(|n| n.clients[bob].heard(VOICE).len() == 1);
}

#[test]
fn another_ssrc_does_not_take_a_layer() {
    let mut network = Network::new();
    let alice = network.connect_layered("alice");
    let bob = network.connect("bob", ALL);
    network.record = true;
    network.clients[alice].send_layer(network.now, 0, PICTURE);
    network.until(|n| !n.clients[alice].layer_requests.is_empty());
    network.clients[alice].send_layer(network.now, 0, KEYFRAME);
    network.until(|n| !n.clients[bob].heard(KEYFRAME).is_empty());
    let source = network.clients[alice].address;
    let packet = network
        .seen
        .iter()
        .find(|(from, data)| *from == source && is_media(data))
        .map(|(_, data)| data.clone())
        .unwrap();
    // Until the first reports have come; from then on packets name their layer no more.
    for _ in 0..100 {
        network.clients[alice].send_layer(network.now, 0, PICTURE);
        network.run(Duration::from_millis(100));
    }
    let refused = network.stats("alice").packets_refused;
    for ssrc in 1..50_u32 {
        let mut other = packet.clone();
        other[8..12].copy_from_slice(&ssrc.to_be_bytes());
        network.inject(BROWSERS, source, other);
    }
    assert_eq!(network.stats("alice").packets_refused - refused, 49);
    let heard = network.clients[bob].received.len();
    network.clients[alice].send_layer(network.now, 0, PICTURE);
    network.run(Duration::from_millis(50));
    assert_eq!(network.clients[bob].received.len(), heard + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_from_anywhere_end_nothing(
        datagrams in prop::collection::vec(
            (any::<bool>(), 0_usize..4, prop::collection::vec(any::<u8>(), 0..200)), 1..40),
    ) {
        let (mut network, alice, bob, packet) = conversation();
        let source = network.clients[alice].address;
        for (inside, kind, mut data) in datagrams {
            // Half of them begin like something real.
            match (kind, data.len()) {
                (1, 13..) => data[..3].copy_from_slice(&[22, 254, 253]),
                (2, 12..) => data[..12].copy_from_slice(&packet[..12]),
                (3, 20..) => data[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]),
                _ => {}
            }
            network.inject(BROWSERS, if inside { source } else { elsewhere() }, data);
        }
        network.run(Duration::from_millis(100));
        network.clients[alice].send(network.now, Source::Audio, VOICE, -20);
        network.exchange();
        prop_assert_eq!(network.clients[bob].received.len(), 2);
        prop_assert!(!network.is_gone("alice"));
    }
}
