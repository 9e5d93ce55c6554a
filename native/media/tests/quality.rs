//! What the node knows of how its endpoints' media fares.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::link::Link;
use network::phone::{Phone, Tone, converse};
use network::{ALL, Network, ROOM};
use vestibule_media::codec::Codec;
use vestibule_media::rtcp::{Part, ReportBlock, parse};
use vestibule_media::srtp::Suite;
use vestibule_media::{Event, Quality, Source};

const SECOND: Duration = Duration::from_secs(1);
const AUDIO: usize = Source::Audio as usize;

fn quality(network: &Network, name: &str) -> Quality {
    network.rooms.quality(network.now, ROOM, name).unwrap()
}

/// One packet of fifty octets each 20 ms.
fn talk(network: &mut Network, who: usize, duration: Duration) {
    let end = network.now + duration;
    while network.now < end {
        network.clients[who].send(network.now, Source::Audio, &[9; 50], -20);
        network.exchange();
        network.run(Duration::from_millis(20));
    }
}

#[test]
fn a_browsers_flows_are_seen_both_ways() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    network.connect("bob", ALL);
    talk(&mut network, alice, 12 * SECOND);
    let (from, to) = (quality(&network, "alice"), quality(&network, "bob"));
    assert!(from.is_connected && !from.is_phone && from.audio_codec == "opus");
    for flow in [from.received[AUDIO], to.sent[AUDIO]] {
        assert!((400..=600).contains(&flow.packets), "{flow:?}");
        assert!((19_000..=21_000).contains(&flow.bitrate), "{flow:?}");
        assert_eq!(flow.loss, Some(0.0));
        assert!(flow.jitter.unwrap() < Duration::from_millis(5));
    }
    assert_eq!(from.sent[AUDIO], Default::default());
    assert!(to.round_trip.unwrap() < Duration::from_millis(50));
    network.run(4 * SECOND);
    assert_eq!(quality(&network, "alice").received[AUDIO].bitrate, 0);
}

#[test]
fn loss_is_seen_on_the_side_where_it_happens() {
    let ninth = 0.05..=0.2;
    for (up, down) in [(Some(9), None), (None, Some(9))] {
        let mut network = Network::new();
        let alice = network.connect("alice", ALL);
        let bob = network.connect("bob", ALL);
        let address = network.clients[if up.is_some() { alice } else { bob }].address;
        network.links.insert(address, Link::lossy(up, down));
        talk(&mut network, alice, 15 * SECOND);
        let received = quality(&network, "alice").received[AUDIO].loss.unwrap();
        let sent = quality(&network, "bob").sent[AUDIO].loss.unwrap();
        assert_eq!(ninth.contains(&received), up.is_some(), "{received}");
        // What is lost on the way to us is missing on the way to the receiver too.
        assert!(ninth.contains(&sent), "{sent}");
    }
}

#[test]
fn a_phones_flows_are_seen_both_ways() {
    let mut network = Network::new();
    let suite = Suite::AeadAes256Gcm;
    let mut desk = Phone::join(&mut network, "desk", 20_000, Codec::Pcmu, suite, ALL);
    let mut tone = Tone::new(440.0);
    for n in 0..350 {
        let frame = tone.frame();
        if n % 10 == 9 {
            desk.packet(network::phone::PAYLOAD_TYPE, &frame);
        } else {
            desk.say(&mut network, &frame);
        }
        network.run(Duration::from_millis(20));
        desk.take(&mut network);
    }
    let seen = quality(&network, "desk");
    assert!(seen.is_phone && seen.audio_codec == "PCMU");
    let received = seen.received[AUDIO];
    assert!(
        (0.08..=0.12).contains(&received.loss.unwrap()),
        "{received:?}"
    );
    assert!(
        (50_000..=64_000).contains(&received.bitrate),
        "{received:?}"
    );
    assert_eq!((seen.sent[AUDIO].loss, seen.round_trip), (None, None));
    let sent = seen.sent[AUDIO].packets as usize;
    assert!(sent > 0 && sent <= desk.headers.len(), "{sent}");
}

#[test]
fn what_a_phone_reports_is_told() {
    let mut network = Network::new();
    let suite = Suite::AeadAes256Gcm;
    let mut desk = Phone::join(&mut network, "desk", 20_000, Codec::Pcmu, suite, ALL);
    let speaking = &mut [(&mut desk, Tone::new(440.0))];
    converse(&mut network, speaking, 5 * SECOND + SECOND / 5);
    let report = desk.reports[0].clone();
    let Some(Part::SenderReport { ssrc, sender, .. }) = parse(&report).unwrap().next() else {
        panic!("no sender report")
    };
    converse(&mut network, &mut [(&mut desk, Tone::new(440.0))], SECOND);
    let block = ReportBlock {
        ssrc,
        fraction_lost: 64,
        jitter: 80,
        last_report: (sender.ntp >> 16) as u32,
        delay: 65_536,
        ..ReportBlock::default()
    };
    let strange = ReportBlock {
        ssrc: ssrc ^ 1,
        fraction_lost: 255,
        ..block
    };
    for block in [block, strange] {
        let packet = desk.report_of(block);
        network.inject(desk.sockets.rtp, desk.address, packet);
    }
    let seen = quality(&network, "desk");
    assert_eq!(seen.sent[AUDIO].loss, Some(0.25), "{seen:?}");
    assert_eq!(seen.sent[AUDIO].jitter, Some(Duration::from_millis(10)));
    let trip = seen.round_trip.unwrap();
    assert!((0.15..=0.25).contains(&trip.as_secs_f64()), "{trip:?}");
}

#[test]
fn who_is_gone_leaves_the_last_numbers() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    talk(&mut network, alice, 12 * SECOND);
    network.clients.clear();
    let limit = network.now + 60 * SECOND;
    while !network.is_gone("alice") {
        assert!(network.now < limit);
        network.run(SECOND);
    }
    let last = network.events.iter().find_map(|event| match event {
        Event::Gone { quality, .. } => Some(quality),
        _ => None,
    });
    let last = last.unwrap();
    assert!(last.is_connected);
    assert!(last.received[AUDIO].packets > 500, "{last:?}");
}

#[test]
fn a_room_tells_of_all_and_of_nobody_else() {
    let mut network = Network::new();
    network.connect("alice", ALL);
    network.connect("bob", ALL);
    let now = network.now;
    let names: Vec<String> = network
        .rooms
        .qualities(now, ROOM)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["alice", "bob"]);
    assert_eq!(network.rooms.all_qualities(now).len(), 2);
    assert!(network.rooms.qualities(now, "another").is_empty());
    assert!(network.rooms.quality(now, ROOM, "carol").is_none());
}
