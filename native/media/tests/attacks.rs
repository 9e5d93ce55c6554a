//! What an attacker on the network can send to the browsers' socket, and that nothing comes of it.
//! Each test shows the honest case first.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::net::SocketAddr;
use std::time::Duration;

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
