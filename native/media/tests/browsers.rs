//! Browsers in a room, end to end over a simulated network.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::link::Link;
use network::{ALL, NONE, Network, ROOM};
use vestibule_media::{Event, Refused, Rights, Source};

const KEYFRAME: &[u8] = &[0x10, 0x00, 0xaa, 0xbb];
const PICTURE: &[u8] = &[0x10, 0x01, 0xcc, 0xdd];
const LOUD: i8 = -20;
const QUIET: i8 = -90;

/// One 20 ms packet from each of these, for as long as said.
fn talk(network: &mut Network, who: &[(usize, i8)], duration: Duration) {
    let end = network.now + duration;
    while network.now < end {
        for (index, level) in who {
            let payload = [*index as u8, 1, 2, 3];
            network.clients[*index].send(network.now, Source::Audio, &payload, *level);
        }
        network.exchange();
        network.run(Duration::from_millis(20));
    }
}

#[test]
fn two_browsers_hear_each_other_and_not_themselves() {
    hear_each_other(Network::new());
}

#[test]
fn so_they_do_with_approved_algorithms_only() {
    hear_each_other(Network::approved());
}

fn hear_each_other(mut network: Network) {
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    talk(
        &mut network,
        &[(alice, LOUD), (bob, LOUD)],
        Duration::from_secs(1),
    );
    let heard_by_bob = network.clients[bob].heard(&[alice as u8, 1, 2, 3]);
    assert!(heard_by_bob.len() > 40, "{}", heard_by_bob.len());
    let slot = network.clients[bob].slot_of("alice", "audio").unwrap();
    assert!(heard_by_bob.iter().all(|packet| packet.mid == slot));
    let sequences: Vec<u64> = heard_by_bob.iter().map(|p| p.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert!(
        !network.clients[alice]
            .heard(&[bob as u8, 1, 2, 3])
            .is_empty()
    );
    assert!(
        network.clients[alice]
            .heard(&[alice as u8, 1, 2, 3])
            .is_empty()
    );
    assert!(network.clients[alice].slot_of("alice", "audio").is_none());
    let connected = network
        .events
        .iter()
        .filter(|event| matches!(event, Event::Connected { .. }));
    assert_eq!(connected.count(), 2);
    let stats = network.stats("alice");
    assert!(stats.packets_received > 40 && stats.packets_sent > 40);
    assert_eq!((stats.packets_refused, stats.packets_forbidden), (0, 0));
    assert!(stats.audio_level > 0.05);
}

#[test]
fn video_begins_with_a_keyframe_that_is_asked_for() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
    network.until(|n| n.clients[alice].keyframe_requests == 1);
    assert!(network.clients[bob].heard(PICTURE).is_empty());
    network.clients[alice].send(network.now, Source::Camera, KEYFRAME, 0);
    network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
    network.until(|n| !n.clients[bob].heard(PICTURE).is_empty());
    assert_eq!(network.clients[bob].heard(KEYFRAME).len(), 1);
    network.until(|n| n.clients[bob].slot_of("alice", "camera").is_some());
    let slot = network.clients[bob].slot_of("alice", "camera").unwrap();
    assert_eq!(slot, network.clients[bob].video_slots[0].to_string());
}

#[test]
fn keyframes_are_asked_again_until_one_comes_but_not_in_a_storm() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    network.connect("bob", ALL);
    network.connect("carol", ALL);
    for _ in 0..100 {
        network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
        network.run(Duration::from_millis(30));
    }
    let requests = network.clients[alice].keyframe_requests;
    assert!((4..=8).contains(&requests), "{requests} in three seconds");
}

#[test]
fn a_slot_that_changes_hands_goes_on_without_a_gap() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    let carol = network.join("carol", ALL, 1, 1);
    network.until(|n| n.clients[carol].newest_slots().is_some());
    talk(&mut network, &[(alice, LOUD)], Duration::from_secs(1));
    assert!(network.clients[carol].slot_of("alice", "audio").is_some());
    talk(
        &mut network,
        &[(alice, QUIET), (bob, LOUD)],
        Duration::from_secs(2),
    );
    assert!(network.clients[carol].slot_of("bob", "audio").is_some());
    let received = &network.clients[carol].received;
    assert!(
        received
            .windows(2)
            .all(|p| p[1].sequence == p[0].sequence + 1)
    );
    let steps: Vec<u32> = received
        .windows(2)
        .map(|p| p[1].timestamp.wrapping_sub(p[0].timestamp))
        .collect();
    assert!(
        steps.iter().all(|step| (1..=4_800).contains(step)),
        "{steps:?}"
    );
    assert!(received.iter().any(|p| p.payload[0] == bob as u8));
}

#[test]
fn the_speaker_is_announced_and_its_camera_comes_first() {
    let mut network = Network::new();
    let names = ["alice", "bob", "carol"];
    let clients: Vec<usize> = names.iter().map(|n| network.connect(n, ALL)).collect();
    let dave = network.join("dave", ALL, 3, 1);
    network.until(|n| n.clients[dave].newest_slots().is_some());
    for client in &clients {
        network.clients[*client].send(network.now, Source::Camera, KEYFRAME, 0);
    }
    network.until(|n| n.clients[dave].slot_of("alice", "camera").is_some());
    let end = network.now + Duration::from_secs(2);
    while network.now < end {
        for client in &clients {
            let level = if *client == clients[2] { LOUD } else { QUIET };
            network.clients[*client].send(network.now, Source::Audio, &[9], level);
            network.clients[*client].send(network.now, Source::Camera, PICTURE, 0);
        }
        network.run(Duration::from_millis(20));
    }
    assert!(network.clients[dave].slot_of("carol", "camera").is_some());
    assert!(network.clients[dave].slot_of("alice", "camera").is_none());
    let speaker = r#"{"type":"speaker","endpoint":"carol"}"#;
    assert_eq!(network.clients[dave].newest_speaker(), Some(speaker));
    assert!(network.events.contains(&Event::ActiveSpeaker {
        room: ROOM.to_owned(),
        endpoint: Some("carol".to_owned()),
    }));
}

#[test]
fn the_screen_has_its_own_slot() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    network.clients[alice].send(network.now, Source::Screen, KEYFRAME, 0);
    network.until(|n| n.clients[bob].slot_of("alice", "screen").is_some());
    let slot = network.clients[bob].screen_slot.map(|mid| mid.to_string());
    assert_eq!(network.clients[bob].slot_of("alice", "screen"), slot);
    assert_eq!(network.clients[bob].heard(KEYFRAME)[0].mid, slot.unwrap());
}

#[test]
fn what_is_not_granted_is_counted_and_goes_nowhere() {
    let mut network = Network::new();
    let alice = network.connect("alice", NONE);
    let bob = network.connect("bob", ALL);
    talk(&mut network, &[(alice, LOUD)], Duration::from_millis(200));
    assert!(network.clients[bob].received.is_empty());
    let forbidden = network.stats("alice").packets_forbidden;
    assert!(forbidden >= 9);
    assert!(network.clients[bob].slot_of("alice", "audio").is_none());
    let audio = Rights {
        audio: true,
        ..NONE
    };
    network.rooms.set_rights(network.now, ROOM, "alice", audio);
    talk(&mut network, &[(alice, LOUD)], Duration::from_millis(200));
    assert!(network.clients[bob].slot_of("alice", "audio").is_some());
    let heard = network.clients[bob].received.len();
    assert!(heard > 5);
    network.rooms.set_rights(network.now, ROOM, "alice", NONE);
    network.exchange();
    assert!(network.clients[bob].slot_of("alice", "audio").is_none());
    talk(&mut network, &[(alice, LOUD)], Duration::from_millis(200));
    assert_eq!(network.clients[bob].received.len(), heard);
    assert!(network.stats("alice").packets_forbidden > forbidden);
}

#[test]
fn who_leaves_is_out_of_every_slot_at_once() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    talk(&mut network, &[(alice, LOUD)], Duration::from_millis(200));
    network.rooms.leave(network.now, ROOM, "alice");
    network.exchange();
    assert!(network.clients[bob].slot_of("alice", "audio").is_none());
    assert!(network.rooms.stats(ROOM, "alice").is_none());
    assert!(!network.is_gone("alice"), "leaving is no news to who asked");
    let heard = network.clients[bob].received.len();
    network.clients[alice].send(network.now, Source::Audio, &[1], LOUD);
    network.exchange();
    assert_eq!(network.clients[bob].received.len(), heard);
    network.rooms.close_room(network.now, ROOM);
    network.exchange();
    assert_eq!(network.rooms.next_deadline(), None);
    let offer =
        network::client::Client::new("x", network.now, network.clients[0].address, 1, 1).offer();
    let refused = network
        .rooms
        .join_browser(network.now, ROOM, "x", &offer, ALL);
    assert_eq!(refused, Err(Refused::NoRoom));
}

#[test]
fn a_browser_that_vanishes_is_gone() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    network.connect("bob", ALL);
    network.clients.remove(alice);
    network.run(Duration::from_secs(25));
    assert!(network.is_gone("alice"));
    assert!(!network.is_gone("bob"));
}

#[test]
fn a_browser_that_never_comes_is_gone() {
    let mut network = Network::new();
    network.join("alice", ALL, 1, 1);
    network.clients.clear();
    network.run(Duration::from_secs(31));
    assert!(network.is_gone("alice"));
    assert_eq!(network.rooms.next_deadline(), None);
}

#[test]
fn two_cannot_be_the_same_endpoint() {
    let mut network = Network::new();
    let alice = network.join("alice", ALL, 1, 1);
    let address = network.clients[alice].address;
    let offer = network::client::Client::new("alice", network.now, address, 1, 1).offer();
    let refused = network
        .rooms
        .join_browser(network.now, ROOM, "alice", &offer, ALL);
    assert_eq!(refused, Err(Refused::Duplicate));
}

#[test]
fn an_offer_of_another_shape_is_refused() {
    let mut network = Network::new();
    let address = "198.51.100.7:10000".parse().unwrap();
    let offer = network::client::Client::new("x", network.now, address, 4, 1).offer();
    let refused = network
        .rooms
        .join_browser(network.now, ROOM, "x", &offer, ALL);
    assert_eq!(refused.unwrap_err().status(), 488);
    let plain: String = network::client::Client::new("x", network.now, address, 1, 1)
        .offer()
        .lines()
        .filter(|line| !line.starts_with("a=fingerprint"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    let refused = network
        .rooms
        .join_browser(network.now, ROOM, "x", &plain, ALL);
    assert_eq!(refused, Err(Refused::NoKey));
}

/// Bob receives a picture every 20 ms from Alice over a lossy way; everything has come at the end.
fn repaired(link: impl Fn(&Network, usize, usize) -> std::net::SocketAddr, lossy: Link) {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    network.clients[alice].send(network.now, Source::Camera, KEYFRAME, 0);
    network.until(|n| n.clients[bob].slot_of("alice", "camera").is_some());
    network.run(Duration::from_millis(600));
    network.clients[alice].send(network.now, Source::Camera, KEYFRAME, 0);
    network.until(|n| !n.clients[bob].heard(KEYFRAME).is_empty());
    let address = link(&network, alice, bob);
    network.links.insert(address, lossy);
    for number in 0..500_u16 {
        let [high, low] = number.to_be_bytes();
        let picture = [0x10, 0x01, high, low];
        network.clients[alice].send(network.now, Source::Camera, &picture, 0);
        network.run(Duration::from_millis(20));
    }
    let lost = network.links[&address].lost;
    assert!(lost > 15, "{lost} were lost on the way");
    network.links.remove(&address);
    for _ in 0..25 {
        network.clients[alice].send(network.now, Source::Camera, PICTURE, 0);
        network.run(Duration::from_millis(20));
    }
    let mut numbers: Vec<u16> = network.clients[bob]
        .received
        .iter()
        .filter(|packet| packet.payload.len() == 4 && packet.payload[2..] != PICTURE[2..])
        .map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
        .filter(|number| *number < 500)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 500, "{lost} were lost, all are repaired");
}

#[test]
fn what_is_lost_on_the_way_in_is_repaired() {
    repaired(
        |network, alice, _| network.clients[alice].address,
        Link::lossy(Some(20), None),
    );
}

#[test]
fn what_is_lost_on_the_way_out_is_repaired() {
    repaired(
        |network, _, bob| network.clients[bob].address,
        Link::lossy(None, Some(20)),
    );
}

#[test]
fn sender_reports_are_of_the_rewritten_clock() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let bob = network.connect("bob", ALL);
    let carol = network.join("carol", ALL, 1, 1);
    network.until(|n| n.clients[carol].newest_slots().is_some());
    talk(&mut network, &[(alice, LOUD)], Duration::from_secs(8));
    talk(
        &mut network,
        &[(alice, QUIET), (bob, LOUD)],
        Duration::from_secs(8),
    );
    let received = &network.clients[carol].received;
    assert!(received.iter().any(|packet| packet.payload[0] == bob as u8));
    let mut reports: Vec<_> = received.iter().filter_map(|p| p.report).collect();
    reports.dedup();
    assert!(reports.len() >= 3, "{reports:?}");
    let (first, last) = (reports[0], reports[reports.len() - 1]);
    for (wall, clock) in &reports {
        let passed = wall.duration_since(first.0).unwrap().as_micros() as i64;
        let ticks = i64::from(clock.wrapping_sub(first.1));
        // 20 ms of slack: the clock goes in packets.
        let off = (ticks * 1_000 / 48 - passed).abs();
        assert!(off < 20_000, "{off} us off in {reports:?}");
    }
    // And it is the clock of the packets that came at that time.
    let newest = received.last().unwrap();
    let apart = i64::from(newest.timestamp.wrapping_sub(last.1) as i32) * 1_000 / 48;
    assert!(apart.abs() < 8_000_000, "{apart} us");
}
