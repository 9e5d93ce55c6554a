//! Pictures to phones and from them, over a simulated network.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::screen::{CAMERA, Screen, frame};
use network::stage::{assert_continuous, film, film_frames, film_layers, mark, phone, scene};
use network::{ALL, NONE, Network, ROOM};
use vestibule_media::pcm::SILENT;
use vestibule_media::rtcp::{Feedback, Part, parse};
use vestibule_media::{SocketId, Source};

const SECOND: Duration = Duration::from_secs(1);
/// What marks a shared screen's packets.
const SCREEN: u8 = 100;

/// Whether a compound packet asks the camera for a keyframe.
fn asks_keyframe(plain: &[u8]) -> bool {
    let parts: Vec<Part<'_>> = parse(plain).unwrap().collect();
    let wishes = parts.iter().flat_map(Part::feedback);
    wishes
        .into_iter()
        .any(|wish| matches!(wish, Feedback::Keyframe { ssrc, .. } if ssrc == CAMERA))
}

#[test]
fn a_phone_sees_who_speaks_in_one_stream_without_a_break() {
    let (mut network, _desk, mut screen) = scene(2);
    network.clients[0].pictures = 0x7ff0;
    film(&mut network, &[0, 1], 0, 3 * SECOND);
    screen.take(&mut network);
    assert!(screen.shown.len() > 100, "{}", screen.shown.len());
    assert!(screen.shown[0].keyframe);
    assert_eq!(mark(screen.shown.last().unwrap()), 0);
    film(&mut network, &[0, 1], 1, 3 * SECOND);
    screen.take(&mut network);
    let shown = &screen.shown;
    assert_eq!(mark(shown.last().unwrap()), 1);
    assert!(shown.iter().all(|packet| packet.header.marker));
    assert_continuous(shown);
    let switches: Vec<_> = shown
        .windows(2)
        .filter(|pair| mark(&pair[0]) != mark(&pair[1]))
        .collect();
    assert_eq!(switches.len(), 1, "{}", switches.len());
    assert!(switches[0][1].keyframe, "a switch begins with a keyframe");
    assert!(network.stats("desk").packets_sent > 250);
}

#[test]
fn a_shared_screen_goes_before_cameras() {
    let (mut network, _desk, mut screen) = scene(1);
    film(&mut network, &[0], 0, SECOND);
    for id in 0..50 {
        let keyframe = std::mem::take(&mut network.clients[0].keyframe_requests) > 0;
        let payload = frame(id, keyframe, 252, 400, SCREEN);
        let now = network.now;
        network.clients[0].send(now, Source::Screen, &payload, 0);
        network.run(Duration::from_millis(20));
    }
    let shown = screen.newest(&mut network);
    assert_eq!(mark(&shown[0]), 0);
    assert_eq!(mark(shown.last().unwrap()), SCREEN);
    assert_continuous(&shown);
}

#[test]
fn who_stops_is_not_left_standing() {
    let (mut network, mut desk, mut screen) = scene(1);
    film(&mut network, &[0], 0, SECOND);
    let count = screen.newest(&mut network).len();
    assert!(count > 30);
    network
        .rooms
        .set_rights(network.now, ROOM, "browser0", NONE);
    desk.say(&mut network, &SILENT);
    network.run(SECOND);
    let blank = screen.newest(&mut network);
    assert_eq!(blank.len(), 2, "a black picture in two packets");
    assert!(blank[0].keyframe && !blank[0].header.marker && blank[1].header.marker);
    assert_eq!(blank[0].header.timestamp, blank[1].header.timestamp);
    assert_continuous(&blank);
    film(&mut network, &[0], 0, SECOND);
    assert_eq!(
        screen.newest(&mut network),
        [],
        "what may not be sent isn't seen"
    );
    network.rooms.set_rights(network.now, ROOM, "browser0", ALL);
    film(&mut network, &[0], 0, SECOND);
    let again = screen.newest(&mut network);
    assert!(again[0].keyframe && again.len() > 30);
    assert_continuous(&[&blank[1..], &again[..]].concat());
}

#[test]
fn who_was_to_give_way_to_somebody_who_never_came_is_not_left_standing() {
    let (mut network, mut desk, mut screen) = scene(2);
    film(&mut network, &[0], 0, SECOND);
    for id in 0..20 {
        let now = network.now;
        let payload = frame(id, false, 252, 400, 1);
        network.clients[1].send(now, Source::Camera, &payload, 0);
        network.run(Duration::from_millis(20));
    }
    network
        .rooms
        .set_rights(network.now, ROOM, "browser0", NONE);
    desk.say(&mut network, &SILENT);
    network.run(SECOND);
    let before = screen.newest(&mut network);
    assert_eq!(before.last().map(mark), Some(0));
    network
        .rooms
        .set_rights(network.now, ROOM, "browser1", NONE);
    network.run(SECOND);
    let blank = screen.newest(&mut network);
    assert_eq!(blank.len(), 2, "a black picture in two packets");
    assert_continuous(&[before, blank].concat());
}

#[test]
fn the_layer_fits_what_the_phone_says_it_takes() {
    // What the three layers take is about 120, 400 and 1,200 kbit/s.
    for (bandwidth, layer) in [
        (Some(200_000), Some(0)),
        (None, Some(1)),
        (Some(60_000), None),
    ] {
        let mut network = Network::new();
        let alice = network.connect_layered("alice");
        let mut desk = phone(&mut network, 20_000);
        desk.say(&mut network, &SILENT);
        let change = |leg: &mut vestibule_media::VideoLeg| leg.bandwidth = bandwidth;
        let mut screen = Screen::try_add(&mut network, "desk", 20_100, true, change).unwrap();
        film_layers(&mut network, alice, 4 * SECOND);
        screen.newest(&mut network);
        film_layers(&mut network, alice, SECOND);
        let shown = screen.newest(&mut network);
        assert_eq!(shown.last().map(mark), layer, "{bandwidth:?}");
        assert!(shown.iter().all(|packet| Some(mark(packet)) == layer));
    }
}

#[test]
fn losses_lower_the_layer_and_time_raises_it() {
    let mut network = Network::new();
    let alice = network.connect_layered("alice");
    let mut desk = phone(&mut network, 20_000);
    desk.say(&mut network, &SILENT);
    let mut screen = Screen::add(&mut network, "desk", 20_100);
    film_layers(&mut network, alice, 4 * SECOND);
    let shown = screen.newest(&mut network);
    assert_eq!(shown.last().map(mark), Some(1));
    for _ in 0..3 {
        screen.report_loss(&mut network, shown[0].header.ssrc, 128);
        film_layers(&mut network, alice, SECOND);
    }
    assert_eq!(screen.newest(&mut network).last().map(mark), Some(0));
    let sent = network
        .rooms
        .quality(network.now, ROOM, "desk")
        .unwrap()
        .sent;
    assert_eq!(sent[Source::Camera as usize].loss, Some(0.5));
    assert!(sent[Source::Camera as usize].bitrate > 50_000);
    film_layers(&mut network, alice, 40 * SECOND);
    assert_eq!(screen.newest(&mut network).last().map(mark), Some(1));
}

#[test]
fn a_phones_camera_is_seen_if_it_may_send_and_is_asked_for_keyframes() {
    let (mut network, _desk, mut screen) = scene(1);
    let mut asked = 0;
    for id in 0..100 {
        let first = id < 2 || !screen.reports.is_empty();
        screen.film(&mut network, &frame(id, first, 180, 300, 9));
        network.run(Duration::from_millis(20));
        screen.take(&mut network);
        let reports = std::mem::take(&mut screen.reports);
        asked += reports.iter().filter(|plain| asks_keyframe(plain)).count();
    }
    let slot = network.clients[0].slot_of("desk", "camera").unwrap();
    let seen = network.clients[0].received.iter().filter(|r| r.mid == slot);
    assert!(seen.clone().count() > 60, "{}", seen.count());
    let now = network.now;
    assert!((1..=4).contains(&asked), "{asked}");
    network.clients[0].complain(now);
    network.run(SECOND / 5);
    screen.take(&mut network);
    assert!(screen.reports.iter().any(|plain| asks_keyframe(plain)));
    assert!(screen.shown.is_empty(), "nobody sees himself");
}

#[test]
fn reports_tell_sound_and_pictures_by_one_clock_and_name() {
    let (mut network, mut desk, mut screen) = scene(1);
    screen.report_loss(&mut network, 0, 0);
    for _ in 0..11 {
        desk.say(&mut network, &SILENT);
        film(&mut network, &[0], 0, SECOND);
    }
    desk.take(&mut network);
    screen.take(&mut network);
    let report = |plain: &[u8]| match parse(plain).unwrap().next() {
        Some(Part::SenderReport { sender, .. }) => sender,
        other => panic!("{other:?}"),
    };
    let (sound, picture) = (
        report(desk.reports.last().unwrap()),
        report(screen.reports.last().unwrap()),
    );
    // Seconds since the phone joined, which is the zero of both.
    for seconds in [sound.ntp >> 32, picture.ntp >> 32] {
        assert!((5..=11).contains(&seconds), "{seconds}");
    }
    let sdes = |plain: &[u8]| plain[plain.len() - 12..].to_vec();
    let (own, other) = (desk.reports.last().unwrap(), screen.reports.last().unwrap());
    assert_eq!(sdes(own)[2..], sdes(other)[2..], "one name");
    let newest = screen.shown.last().unwrap().header.timestamp;
    let after = picture.rtp_timestamp.wrapping_sub(newest).cast_signed();
    assert!(after.abs() < 90_000 * 6, "{after}");
    network.rooms.leave(network.now, ROOM, "desk");
    network.exchange();
    screen.take(&mut network);
    let last = screen.reports.last().unwrap();
    assert!(last.chunks(4).any(|word| word[1] == 203), "RTCP BYE");
    assert!(network.released.contains(&SocketId(20_100)));
}

#[test]
fn a_phone_that_takes_little_gets_fewer_frames_of_one_stream_without_a_break() {
    for (bandwidth, most, share) in [(80_000, 0, 4), (150_000, 1, 2), (400_000, 2, 1)] {
        let mut network = Network::new();
        let alice = network.connect("alice", ALL);
        let mut desk = phone(&mut network, 20_000);
        desk.say(&mut network, &SILENT);
        let change = |leg: &mut vestibule_media::VideoLeg| leg.bandwidth = Some(bandwidth);
        let mut screen = Screen::try_add(&mut network, "desk", 20_100, true, change).unwrap();
        film_frames(&mut network, alice, 6 * SECOND);
        screen.newest(&mut network);
        film_frames(&mut network, alice, 4 * SECOND);
        let shown = screen.newest(&mut network);
        assert!(shown.iter().all(|packet| mark(packet) <= most), "{most}");
        let count = 100 / share;
        assert!(
            (count - 1..=count + 1).contains(&shown.len()),
            "{most}: {}",
            shown.len()
        );
        assert_continuous(&shown);
    }
}

#[test]
fn frames_are_left_out_when_packets_are_lost_and_come_again() {
    let mut network = Network::new();
    let alice = network.connect("alice", ALL);
    let mut desk = phone(&mut network, 20_000);
    desk.say(&mut network, &SILENT);
    let mut screen = Screen::add(&mut network, "desk", 20_100);
    film_frames(&mut network, alice, 4 * SECOND);
    let mut all = screen.newest(&mut network);
    assert!(all.iter().any(|packet| mark(packet) == 2));
    for _ in 0..3 {
        screen.report_loss(&mut network, all[0].header.ssrc, 128);
        film_frames(&mut network, alice, SECOND);
    }
    let fewer = screen.newest(&mut network);
    assert_eq!(fewer.last().map(mark), Some(0));
    film_frames(&mut network, alice, 40 * SECOND);
    let more = screen.newest(&mut network);
    assert_eq!(
        more.iter().rev().take(8).filter(|p| mark(p) == 2).count(),
        4
    );
    let again = more.iter().find(|packet| mark(packet) > 0).unwrap();
    assert_eq!(
        again.payload[5] & 0x20,
        0x20,
        "it needs nothing that was left out"
    );
    all.extend([fewer, more].concat());
    assert_continuous(&all);
    let keyframes = all.iter().filter(|packet| packet.keyframe).count();
    assert_eq!(keyframes, 1, "no keyframe is needed for that");
}
