//! Simulcast and bandwidth: which layer a receiver gets, over a simulated network.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::client::Received;
use network::link::Link;
use network::stage::film_frames;
use network::{ALL, Network};
use vestibule_media::Source;

/// Payload octets of a packet of each layer; at 50 a second about 120, 400 and 1,200 kbit/s.
const SIZES: [usize; 3] = [300, 1_000, 1_100];
const PACKETS: [usize; 3] = [1, 1, 3];
const HEIGHTS: [u8; 3] = [90, 180, 252];

/// A VP8 packet of a layer, with picture id and TL0PICIDX. Its last octet tells the layer.
fn picture(layer: usize, id: u16, keyframe: bool, first: bool) -> Vec<u8> {
    let [high, low] = (id | 0x8000).to_be_bytes();
    let mut payload = vec![
        if first { 0x90 } else { 0x80 },
        0xe0,
        high,
        low,
        id as u8,
        0x00,
    ];
    payload.extend([
        u8::from(!keyframe),
        0,
        0,
        0x9d,
        0x01,
        0x2a,
        160,
        0,
        HEIGHTS[layer],
        0,
    ]);
    payload.resize(SIZES[layer], 7);
    payload[SIZES[layer] - 1] = layer as u8;
    payload
}

fn layer_of(packet: &Received) -> u8 {
    *packet.payload.last().unwrap()
}

/// Let a camera with three layers run: a frame of each every 20 ms, keyframes where they are asked for.
fn film(network: &mut Network, who: usize, duration: Duration) {
    let end = network.now + duration;
    while network.now < end {
        let asked = std::mem::take(&mut network.clients[who].layer_requests);
        let pictures = &mut network.clients[who].pictures;
        *pictures = (*pictures + 1) & 0x7fff;
        let id = *pictures;
        for (layer, rid) in ["q", "h", "f"].into_iter().enumerate() {
            let keyframe = asked.iter().any(|other| other == rid);
            for part in 0..PACKETS[layer] {
                let payload = picture(layer, id, keyframe, part == 0);
                network.clients[who].send_layer(network.now, layer, &payload);
            }
        }
        network.run(Duration::from_millis(20));
    }
}

/// Alice with three layers, Bob who watches; and the mid of the slot in which he sees her.
fn show() -> (Network, usize, usize, String) {
    let mut network = Network::new();
    // Bandwidth is estimated from when packets arrive.
    network.pace = Duration::from_millis(1);
    let alice = network.connect_layered("alice");
    let bob = network.connect("bob", ALL);
    film(&mut network, alice, Duration::from_millis(500));
    let slot = network.clients[bob].slot_of("alice", "camera").unwrap();
    (network, alice, bob, slot)
}

/// Let a camera run until what a receiver gets is of a layer for which that is so; fails after 20 seconds.
fn film_until(network: &mut Network, who: usize, receiver: usize, is_it: impl Fn(u8) -> bool) {
    for _ in 0..40 {
        film(network, who, Duration::from_millis(500));
        if newest(network, receiver).1.is_some_and(&is_it) {
            return;
        }
    }
    panic!("not within 20 seconds");
}

/// What came since the last call, and of which layer the newest is.
fn newest(network: &mut Network, who: usize) -> (Vec<Received>, Option<u8>) {
    let received = std::mem::take(&mut network.clients[who].received);
    let layer = received.last().map(layer_of);
    (received, layer)
}

#[test]
fn the_room_answers_simulcast() {
    let mut network = Network::new();
    let mut client = network.client("x", 1, 1);
    client.rids = vec!["q", "h", "f"];
    let offer = client.offer();
    let answer = network
        .rooms
        .join_browser(network.now, network::ROOM, "x", &offer, ALL)
        .unwrap();
    assert!(answer.contains("a=simulcast:recv q;h;f"), "{answer}");
    assert!(
        answer.contains("useinbandfec=1"),
        "Opus' own FEC passes through"
    );
    for other in ["red/", "ulpfec", "flexfec"] {
        assert!(
            !answer.contains(other),
            "{other} would be forwarded by nobody"
        );
    }
    assert!(answer.contains("transport-cc") && answer.contains("rtx/90000"));
}

#[test]
fn a_small_picture_gets_the_small_layer_and_a_large_one_the_large() {
    let (mut network, alice, bob, slot) = show();
    for (height, layer) in [(90, 0), (252, 2), (180, 1), (90, 0)] {
        let now = network.now;
        network.clients[bob].want(now, &slot, height);
        film_until(&mut network, alice, bob, |got| got == layer);
        film(&mut network, alice, Duration::from_secs(1));
        let (received, _) = newest(&mut network, bob);
        assert!(received.iter().all(|packet| layer_of(packet) == layer));
        assert!(received.len() >= 49, "{}", received.len());
    }
}

#[test]
fn a_change_of_layers_is_a_keyframe_in_a_stream_without_gaps() {
    let (mut network, alice, bob, slot) = show();
    for height in [90, 252, 90, 180] {
        let now = network.now;
        network.clients[bob].want(now, &slot, height);
        film(&mut network, alice, Duration::from_secs(6));
    }
    let received = &network.clients[bob].received;
    for pair in received.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(step < 90_000, "{step}");
        if layer_of(&pair[0]) != layer_of(&pair[1]) {
            assert_eq!(pair[1].payload[6] & 1, 0, "a keyframe");
            let ids = [0, 1].map(|at| {
                let payload = &pair[at].payload;
                u16::from_be_bytes([payload[2] & 0x7f, payload[3]])
            });
            assert_eq!(ids[1], (ids[0] + 1) & 0x7fff);
        }
    }
    let layers: std::collections::BTreeSet<u8> = received.iter().map(layer_of).collect();
    assert_eq!(layers.len(), 3);
}

#[test]
fn what_is_not_shown_is_not_sent() {
    let (mut network, alice, bob, slot) = show();
    let now = network.now;
    network.clients[bob].want(now, &slot, 0);
    film(&mut network, alice, Duration::from_millis(300));
    newest(&mut network, bob);
    film(&mut network, alice, Duration::from_millis(500));
    assert_eq!(newest(&mut network, bob).1, None);
    let now = network.now;
    network.clients[bob].want(now, &slot, 180);
    film(&mut network, alice, Duration::from_millis(1_000));
    assert_eq!(newest(&mut network, bob).1, Some(1));
}

#[test]
fn a_layer_that_is_sent_no_more_is_replaced() {
    let (mut network, alice, bob, slot) = show();
    let now = network.now;
    network.clients[bob].want(now, &slot, 252);
    film(&mut network, alice, Duration::from_secs(1));
    newest(&mut network, bob);
    for count in 0..150_u16 {
        let keyframe = !network.clients[alice].layer_requests.is_empty();
        network.clients[alice].layer_requests.clear();
        let payload = picture(0, count, keyframe, true);
        let now = network.now;
        network.clients[alice].send_layer(now, 0, &payload);
        network.run(Duration::from_millis(20));
    }
    let (received, newest) = newest(&mut network, bob);
    assert_eq!(newest, Some(0));
    assert!(received.len() > 20);
}

#[test]
fn a_narrow_way_gets_a_smaller_layer_and_a_wide_one_the_large_again() {
    let (mut network, alice, bob, slot) = show();
    let now = network.now;
    network.clients[bob].want(now, &slot, 252);
    film_until(&mut network, alice, bob, |layer| layer == 2);
    let address = network.clients[bob].address;
    network.links.insert(address, Link::narrow(500_000));
    film(&mut network, alice, Duration::from_secs(8));
    newest(&mut network, bob);
    film(&mut network, alice, Duration::from_secs(4));
    let (received, layer) = newest(&mut network, bob);
    assert!(received.len() > 50, "it goes on: {}", received.len());
    assert!(layer < Some(2), "{layer:?}");
    let lost = network.links[&address].lost;
    film(&mut network, alice, Duration::from_secs(4));
    let lost = network.links[&address].lost - lost;
    assert!(lost < 20, "it fits: {lost} lost in four seconds");
    network.links.remove(&address);
    film_until(&mut network, alice, bob, |layer| layer == 2);
}

#[test]
fn when_not_even_the_smallest_fits_video_is_paused_and_said_to_be() {
    let (mut network, alice, bob, _) = show();
    let address = network.clients[bob].address;
    network.links.insert(address, Link::narrow(60_000));
    let is_paused = |network: &Network| {
        let message = network.clients[bob].newest_slots().unwrap();
        message.contains(r#""source":"camera","paused":true"#)
    };
    let film_while = |network: &mut Network, paused: bool| {
        for _ in 0..60 {
            if is_paused(network) != paused {
                return true;
            }
            let now = network.now;
            network.clients[alice].send(now, Source::Audio, &[1, 2, 3], -20);
            film(network, alice, Duration::from_millis(500));
        }
        false
    };
    assert!(film_while(&mut network, false), "it is paused");
    network.links.remove(&address);
    assert!(film_while(&mut network, true), "it is resumed");
    film_until(&mut network, alice, bob, |_| true);
}

#[test]
fn before_a_picture_is_paused_it_has_fewer_frames_and_later_all_again() {
    let mut network = Network::new();
    network.pace = Duration::from_millis(1);
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    film_frames(&mut network, alice, Duration::from_secs(2));
    let address = network.clients[bob].address;
    network.links.insert(address, Link::narrow(160_000));
    film_frames(&mut network, alice, Duration::from_secs(12));
    newest(&mut network, bob);
    let lost = network.links[&address].lost;
    film_frames(&mut network, alice, Duration::from_secs(4));
    let (received, layer) = newest(&mut network, bob);
    assert!(received.len() >= 24, "it goes on: {}", received.len());
    assert!(layer < Some(2), "{layer:?}");
    let slots = network.clients[bob].newest_slots().unwrap();
    assert!(!slots.contains("paused"), "{slots}");
    if network.links[&address].lost == lost {
        let steps = received.windows(2);
        assert!(
            steps
                .into_iter()
                .all(|pair| pair[1].sequence == pair[0].sequence + 1)
        );
    }
    network.links.remove(&address);
    for _ in 0..40 {
        film_frames(&mut network, alice, Duration::from_millis(500));
        let (received, _) = newest(&mut network, bob);
        if received.iter().any(|packet| layer_of(packet) == 2) {
            return;
        }
    }
    panic!("not all frames within 20 seconds");
}
