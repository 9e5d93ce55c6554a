//! Phones in a room, among themselves and with browsers, over a simulated network.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::net::SocketAddr;
use std::time::Duration;

use network::phone::{PAYLOAD_TYPE, Phone, Tone, converse, leg, share_of};
use network::{ALL, NONE, Network, ROOM};
use vestibule_media::codec::{Codec, Decoder, Encoder};
use vestibule_media::pcm::{FRAME, Frame, SILENT};
use vestibule_media::rtcp::ReportBlock;
use vestibule_media::srtp::Suite;
use vestibule_media::{Event, PhoneSockets, Refused, SocketId, Source};

const LOW: f32 = 440.0;
const HIGH: f32 = 1_000.0;
const SECOND: Duration = Duration::from_secs(1);

/// What was heard in the last half second.
fn lately(sound: &[f32]) -> &[f32] {
    &sound[sound.len().saturating_sub(24_000)..]
}

fn phone(network: &mut Network, name: &str, port: u16) -> Phone {
    Phone::join(network, name, port, Codec::Pcmu, Suite::AeadAes256Gcm, ALL)
}

#[test]
fn two_phones_hear_each_other_whatever_they_speak() {
    let suites = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80,
    ];
    for (index, codec) in Codec::ALL.into_iter().enumerate() {
        let mut network = Network::new();
        let suite = suites[index % suites.len()];
        let mut one = Phone::join(&mut network, "one", 20_000, codec, suite, ALL);
        let mut two = Phone::join(&mut network, "two", 20_002, Codec::Pcma, suite, ALL);
        let mut phones = [(&mut one, Tone::new(LOW)), (&mut two, Tone::new(HIGH))];
        converse(&mut network, &mut phones, 2 * SECOND);
        assert!(share_of(HIGH, lately(&one.sound)) > 0.9, "{codec:?}");
        assert!(
            share_of(LOW, lately(&one.sound)) < 0.05,
            "{codec:?} hears itself"
        );
        assert!(share_of(LOW, lately(&two.sound)) > 0.9, "{codec:?}");
        let steps = one.headers.windows(2);
        assert!(steps.into_iter().all(|pair| {
            pair[1].sequence == pair[0].sequence.wrapping_add(1)
                && pair[1].timestamp == pair[0].timestamp.wrapping_add(codec.frame_ticks())
        }));
        assert!(
            (95..=105).contains(&one.headers.len()),
            "{}",
            one.headers.len()
        );
        let stats = network.stats("one");
        assert!(stats.packets_received >= 95 && stats.packets_sent >= 95);
        assert_eq!((stats.packets_refused, stats.packets_forbidden), (0, 0));
        assert!(stats.audio_level > 0.1);
    }
}

/// A vowel in syllables, for only what seems to be speech is worth a copy; `time` in frames.
fn voice(time: usize) -> Frame {
    std::array::from_fn(|n| {
        let seconds = (time * FRAME + n) as f32 / 48_000.0;
        let harmonics = (1..=20_u8).map(f32::from);
        let sound = harmonics.map(|k| (std::f32::consts::TAU * 120.0 * k * seconds).sin() / k);
        let syllable = (std::f32::consts::TAU * 2.0 * seconds).sin();
        0.25 * syllable * syllable * sound.sum::<f32>()
    })
}

/// Whether an Opus packet of one frame of 20 ms brings a copy of the one before (RFC 6716 section 4.2.4).
fn brings_copy(payload: &[u8]) -> bool {
    // From configuration 16 on there is no SILK layer, and so no copy (section 3.1, table 2).
    matches!(payload, [toc, flags, ..] if toc >> 3 < 16 && flags & 0x40 != 0)
}

#[test]
fn redundancy_is_spent_on_phones_that_lose_packets() {
    let mut network = Network::new();
    let suite = Suite::AeadAes256Gcm;
    let mut one = Phone::join(&mut network, "one", 20_000, Codec::Opus, suite, ALL);
    let mut two = Phone::join(&mut network, "two", 20_004, Codec::Opus, suite, ALL);
    let mut time = 0;
    let mut talk = |network: &mut Network, two: &mut Phone| {
        two.payloads.clear();
        for _ in 0..50 {
            one.say(network, &voice(time));
            two.say(network, &SILENT);
            network.run(Duration::from_millis(20));
            two.take(network);
            time += 1;
        }
    };
    talk(&mut network, &mut two);
    assert!(!two.payloads.iter().any(|payload| brings_copy(payload)));
    for (lost, copies) in [(64, true), (0, false)] {
        let block = ReportBlock {
            ssrc: two.headers[0].ssrc,
            fraction_lost: lost,
            ..ReportBlock::default()
        };
        let report = two.report_of(block);
        network.inject(two.sockets.rtp, two.address, report);
        talk(&mut network, &mut two);
        let late = &two.payloads[two.payloads.len() / 2..];
        assert_eq!(
            late.iter().any(|payload| brings_copy(payload)),
            copies,
            "{lost} lost of 256"
        );
    }
}

#[test]
fn a_phone_and_a_browser_hear_each_other() {
    for codec in [Codec::Opus, Codec::G722] {
        let mut network = Network::new();
        let alice = network.connect("alice", ALL);
        let suite = Suite::AeadAes128Gcm;
        let mut desk = Phone::join(&mut network, "desk", 20_000, codec, suite, ALL);
        let mut voice = Encoder::new(Codec::Opus).unwrap();
        let (mut low, mut high) = (Tone::new(LOW), Tone::new(HIGH));
        for _ in 0..100 {
            let mut payload = Vec::new();
            voice.encode(&low.frame(), &mut payload).unwrap();
            network.clients[alice].send(network.now, Source::Audio, &payload, -20);
            desk.say(&mut network, &high.frame());
            network.run(Duration::from_millis(20));
            desk.take(&mut network);
        }
        assert!(share_of(LOW, lately(&desk.sound)) > 0.9, "{codec:?}");
        let slot = network.clients[alice].slot_of("desk", "audio").unwrap();
        let received = &network.clients[alice].received;
        assert!(received.len() > 90 && received.iter().all(|r| r.mid == slot));
        assert!(
            received
                .windows(2)
                .all(|p| p[1].sequence == p[0].sequence + 1)
        );
        assert!(
            received
                .windows(2)
                .all(|p| p[1].timestamp.wrapping_sub(p[0].timestamp) == 960)
        );
        let (mut decoder, mut sound) = (Decoder::new(Codec::Opus).unwrap(), Vec::new());
        for packet in received {
            decoder.decode(&packet.payload, &mut sound).unwrap();
        }
        assert!(share_of(HIGH, lately(&sound)) > 0.9, "{codec:?}");
        let speaker = r#"{"type":"speaker","endpoint":"#;
        assert!(
            network.clients[alice]
                .newest_speaker()
                .unwrap()
                .starts_with(speaker)
        );
    }
}

#[test]
fn a_phone_is_connected_by_its_first_authentic_packet() {
    let mut network = Network::new();
    let mut desk = phone(&mut network, "desk", 20_000);
    let connected = Event::Connected {
        room: ROOM.to_owned(),
        endpoint: "desk".to_owned(),
    };
    let mut forged = desk.packet(PAYLOAD_TYPE, &SILENT);
    forged[20] ^= 1;
    network.inject(desk.sockets.rtp, desk.address, forged);
    assert!(network.events.is_empty());
    desk.say(&mut network, &SILENT);
    desk.say(&mut network, &SILENT);
    assert_eq!(network.events, [connected]);
}

#[test]
fn media_follows_authentic_packets_only() {
    let mut network = Network::new();
    let mut desk = phone(&mut network, "desk", 20_000);
    network.run(SECOND / 2);
    desk.take(&mut network);
    assert!(
        desk.headers.len() > 20,
        "the signalled address is sent to first"
    );
    let attacker: SocketAddr = "203.0.113.66:6666".parse().unwrap();
    let mut forged = desk.packet(PAYLOAD_TYPE, &SILENT);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    network.inject(desk.sockets.rtp, attacker, forged);
    desk.say(&mut network, &SILENT);
    let replayed = desk.sent[0].clone();
    network.inject(desk.sockets.rtp, attacker, replayed);
    network.inject(desk.sockets.rtp, attacker, vec![0; 40]);
    network.run(SECOND / 2);
    desk.take(&mut network);
    assert!(network.elsewhere.is_empty(), "nothing went to the attacker");
    assert_eq!(network.stats("desk").packets_refused, 3);
    assert_eq!(network.stats("desk").packets_received, 1);
    let moved: SocketAddr = "198.51.100.200:3000".parse().unwrap();
    let packet = desk.packet(PAYLOAD_TYPE, &SILENT);
    network.inject(desk.sockets.rtp, moved, packet);
    network.run(SECOND / 2);
    assert!(network.elsewhere.len() > 20);
    assert!(
        network
            .elsewhere
            .iter()
            .all(|(_, destination, _)| *destination == moved)
    );
}

#[test]
fn an_address_that_proves_nothing_is_not_flooded() {
    let mut network = Network::new();
    let mut desk = phone(&mut network, "desk", 20_000);
    network.run(20 * SECOND);
    let sent = network.stats("desk").packets_sent;
    assert!(
        (450..=520).contains(&sent),
        "{sent} packets in twenty seconds"
    );
    desk.say(&mut network, &SILENT);
    network.run(SECOND);
    assert!(network.stats("desk").packets_sent >= sent + 49);
}

#[test]
fn a_silent_phone_is_gone_and_its_sockets_are_given_back() {
    let mut network = Network::new();
    let mut desk = phone(&mut network, "desk", 20_002);
    desk.say(&mut network, &SILENT);
    network.run(50 * SECOND);
    let report = desk.report();
    network.inject(SocketId(20_003), desk.address, report);
    network.run(50 * SECOND);
    assert!(!network.is_gone("desk"), "a report is a sign of life");
    network.run(15 * SECOND);
    assert!(network.is_gone("desk"));
    assert_eq!(network.released, [SocketId(20_002), SocketId(20_003)]);
    assert_eq!(network.rooms.next_deadline(), None);
}

#[test]
fn a_muted_phone_is_not_heard() {
    let mut network = Network::new();
    let mut one = phone(&mut network, "one", 20_000);
    let mut two = phone(&mut network, "two", 20_004);
    let mut phones = [(&mut one, Tone::new(LOW)), (&mut two, Tone::new(HIGH))];
    converse(&mut network, &mut phones, SECOND);
    network.rooms.set_rights(network.now, ROOM, "one", NONE);
    converse(&mut network, &mut phones, SECOND);
    assert!(network.stats("one").packets_forbidden >= 45);
    assert!(lately(&two.sound).iter().all(|sample| sample.abs() < 0.01));
    assert!(
        share_of(HIGH, lately(&one.sound)) > 0.9,
        "muted people still hear"
    );
}

#[test]
fn a_key_is_told_once_with_whose_it_was_and_is_not_speech() {
    let mut network = Network::new();
    let mut one = phone(&mut network, "one", 20_000);
    let mut two = phone(&mut network, "two", 20_004);
    for _ in 0..50 {
        let packet = one.event(3_000, [11, 10, 0, 160]);
        network.inject(one.sockets.rtp, one.address, packet);
        network.run(Duration::from_millis(20));
        two.take(&mut network);
        one.take(&mut network);
    }
    assert!(two.sound.len() > 40_000);
    assert!(two.sound.iter().all(|sample| sample.abs() < 0.01));
    let told: Vec<_> = network
        .events
        .iter()
        .filter(|event| matches!(event, Event::Digit { .. }))
        .collect();
    let pound = Event::Digit {
        room: ROOM.to_owned(),
        endpoint: "one".to_owned(),
        digit: '#',
    };
    assert_eq!(told, [&pound]);
}

#[test]
fn a_key_that_is_not_authentic_was_not_pressed() {
    let mut network = Network::new();
    let mut one = phone(&mut network, "one", 20_000);
    let mut forged = one.event(3_000, [11, 10, 0, 160]);
    forged[13] ^= 1;
    network.inject(one.sockets.rtp, one.address, forged);
    let genuine = one.event(3_000, [5, 10, 0, 160]);
    network.inject(one.sockets.rtp, one.address, genuine.clone());
    network.inject(one.sockets.rtp, one.address, genuine);
    let digits = network.events.iter().filter_map(|event| match event {
        Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(digits.collect::<String>(), "5");
}

#[test]
fn a_silent_line_is_not_dead() {
    for codec in Codec::ALL {
        let mut network = Network::new();
        let suite = Suite::AeadAes256Gcm;
        let mut one = Phone::join(&mut network, "one", 20_000, codec, suite, ALL);
        for _ in 0..50 {
            one.say(&mut network, &SILENT);
            network.run(Duration::from_millis(20));
            one.take(&mut network);
        }
        let heard = lately(&one.sound);
        assert!(heard.iter().all(|sample| sample.abs() < 0.01), "{codec:?}");
        let active = heard.iter().filter(|sample| **sample != 0.0).count();
        assert!(active > heard.len() / 2, "{codec:?}: {active}");
    }
}

#[test]
fn a_prompt_is_heard_by_whom_it_is_for() {
    let mut network = Network::new();
    let mut one = phone(&mut network, "one", 20_000);
    let mut two = phone(&mut network, "two", 20_004);
    let mut tone = Tone::new(HIGH);
    let prompt: Vec<f32> = (0..50).flat_map(|_| tone.frame()).collect();
    let mut phones = [(&mut one, Tone::new(LOW)), (&mut two, Tone::new(LOW))];
    converse(&mut network, &mut phones, SECOND / 2);
    network
        .rooms
        .play(network.now, ROOM, "one", prompt.into(), false);
    converse(&mut network, &mut phones, SECOND * 3 / 4);
    assert!(share_of(HIGH, lately(&one.sound)) > 0.7);
    assert!(share_of(HIGH, lately(&two.sound)) < 0.05);
    let mut phones = [(&mut one, Tone::new(LOW)), (&mut two, Tone::new(LOW))];
    converse(&mut network, &mut phones, SECOND);
    assert!(share_of(HIGH, lately(&one.sound)) < 0.05, "it ended");
}

#[test]
fn a_voice_that_is_too_quiet_is_raised() {
    let mut network = Network::new();
    let mut one = phone(&mut network, "one", 20_000);
    let mut two = phone(&mut network, "two", 20_004);
    let mut tone = Tone::new(LOW);
    for _ in 0..400 {
        one.say(&mut network, &tone.frame().map(|sample| sample * 0.03));
        two.say(&mut network, &SILENT);
        network.run(Duration::from_millis(20));
        two.take(&mut network);
        one.take(&mut network);
    }
    let loudest = |sound: &[f32]| sound.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
    let first = loudest(&two.sound[24_000..48_000]);
    let last = loudest(lately(&two.sound));
    assert!(last > 1.5 * first, "{first} {last}");
}

#[test]
fn reports_come_now_and_then_and_a_goodbye_at_the_end() {
    for port in [20_000, 20_002] {
        let mut network = Network::new();
        let mut desk = phone(&mut network, "desk", port);
        converse(
            &mut network,
            &mut [(&mut desk, Tone::new(LOW))],
            16 * SECOND,
        );
        assert!(
            (2..=5).contains(&desk.reports.len()),
            "{}",
            desk.reports.len()
        );
        let report = &desk.reports[1];
        assert_eq!(report[1], 200, "a sender report comes first");
        assert_eq!(report[0] & 0x1f, 1, "with one block about what we receive");
        network.rooms.leave(network.now, ROOM, "desk");
        network.exchange();
        desk.take(&mut network);
        let last = desk.reports.last().unwrap();
        assert!(last.chunks(4).any(|word| word[1] == 203), "RTCP BYE");
        assert!(network.released.contains(&desk.sockets.rtp));
    }
}

#[test]
fn a_leg_that_cannot_be_is_refused() {
    let mut network = Network::new();
    let good = leg(
        Codec::Opus,
        Suite::AeadAes256Gcm,
        "198.51.100.9:5000".parse().unwrap(),
    );
    let sockets = PhoneSockets {
        rtp: SocketId(1),
        rtcp: None,
    };
    let mut join = |leg| {
        network
            .rooms
            .join_phone(network.now, ROOM, "desk", leg, sockets, ALL)
    };
    let mut short = good.clone();
    short.remote_key.pop();
    assert_eq!(join(short), Err(Refused::KeyLength));
    for address in [
        "224.0.0.1:5000",
        "0.0.0.0:5000",
        "255.255.255.255:5000",
        "[ff02::1]:5000",
        "198.51.100.9:0",
    ] {
        let mut bad = good.clone();
        bad.remote = address.parse().unwrap();
        assert_eq!(join(bad).unwrap_err().status(), 488, "{address}");
    }
    assert_eq!(join(good.clone()), Ok(()));
    assert_eq!(join(good), Err(Refused::Duplicate));
}
