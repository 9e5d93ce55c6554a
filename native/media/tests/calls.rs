//! Calls of two between a browser and a phone, over a simulated network.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::phone::{Phone, Tone, share_of};
use network::{ALL, Network, ROOM};
use str0m::media::Direction;
use vestibule_media::codec::{Codec, Decoder, Encoder};
use vestibule_media::srtp::Suite;
use vestibule_media::{Refused, Source};

const LOW: f32 = 440.0;
const HIGH: f32 = 1_000.0;

/// A browser that has joined a call by its own offer.
fn caller(network: &mut Network) {
    let mut client = network.client("web", 0, 0);
    let offer = client.call();
    let rooms = &mut network.rooms;
    let answer = rooms
        .join_call(network.now, ROOM, "web", &offer, ALL)
        .unwrap();
    client.accept(&answer);
    network.clients.push(client);
}

/// A browser that has joined a call by answering ours.
fn callee(network: &mut Network) {
    let mut client = network.client("web", 0, 0);
    let (now, rooms) = (network.now, &mut network.rooms);
    let offer = rooms.offer_call(now, ROOM, "web").unwrap();
    let answer = client.take_call(&offer);
    rooms.accept_call(now, ROOM, "web", &answer, ALL).unwrap();
    network.clients.push(client);
}

fn desk(network: &mut Network, codec: Codec) -> Phone {
    Phone::join(network, "desk", 20_000, codec, Suite::AeadAes256Gcm, ALL)
}

/// How much each hears of the other in half a second.
fn talk(network: &mut Network, desk: &mut Phone) -> (f32, f32) {
    let mut voice = Encoder::new(Codec::Opus).unwrap();
    let (mut low, mut high) = (Tone::new(LOW), Tone::new(HIGH));
    desk.sound.clear();
    network.clients[0].received.clear();
    for _ in 0..75 {
        let mut payload = Vec::new();
        voice.encode(&low.frame(), &mut payload).unwrap();
        network.clients[0].send(network.now, Source::Audio, &payload, -20);
        desk.say(network, &high.frame());
        network.run(Duration::from_millis(20));
        desk.take(network);
    }
    let mut decoder = Decoder::new(Codec::Opus).unwrap();
    let mut heard = Vec::new();
    for packet in &network.clients[0].received {
        decoder.decode(&packet.payload, &mut heard).unwrap();
    }
    let lately = |sound: &[f32]| sound[sound.len().saturating_sub(24_000)..].to_vec();
    (
        share_of(HIGH, &lately(&heard)),
        share_of(LOW, &lately(&desk.sound)),
    )
}

#[test]
fn whoever_offered_each_hears_the_other() {
    for (join, codec) in [
        (caller as fn(&mut Network), Codec::Opus),
        (caller, Codec::Pcma),
        (callee, Codec::G722),
    ] {
        let mut network = Network::new();
        join(&mut network);
        let mut desk = desk(&mut network, codec);
        network.until(|n| n.clients[0].connected);
        let (web_hears, desk_hears) = talk(&mut network, &mut desk);
        assert!(
            web_hears > 0.9 && desk_hears > 0.9,
            "{codec:?} {web_hears} {desk_hears}"
        );
        let stats = network.stats("web");
        assert_eq!((stats.packets_refused, stats.packets_forbidden), (0, 0));
    }
}

#[test]
fn a_browser_holds_and_resumes() {
    let mut network = Network::new();
    caller(&mut network);
    let mut desk = desk(&mut network, Codec::Pcmu);
    network.until(|n| n.clients[0].connected);
    for (direction, answered) in [
        (Direction::SendOnly, "a=recvonly"),
        (Direction::Inactive, "a=inactive"),
        (Direction::SendRecv, "a=sendrecv"),
    ] {
        let offer = network.clients[0].turn(direction);
        let (now, rooms) = (network.now, &mut network.rooms);
        let answer = rooms.renew_call(now, ROOM, "web", &offer).unwrap();
        assert!(answer.contains(answered), "{answer}");
        network.clients[0].accept(&answer);
    }
    let (web_hears, desk_hears) = talk(&mut network, &mut desk);
    assert!(
        web_hears > 0.9 && desk_hears > 0.9,
        "{web_hears} {desk_hears}"
    );
}

#[test]
fn a_later_offer_changes_neither_line_nor_ice() {
    let mut network = Network::new();
    caller(&mut network);
    network.until(|n| n.clients[0].connected);
    let offer = network.clients[0].turn(Direction::SendOnly);
    let ufrag = offer.split("a=ice-ufrag:").nth(1).unwrap();
    let ufrag = ufrag.lines().next().unwrap();
    let (now, rooms) = (network.now, &mut network.rooms);
    let mut renew = |offer: &str| rooms.renew_call(now, ROOM, "web", offer);
    let restarted = offer.replace(ufrag, "another");
    assert_eq!(renew(&restarted), Err(Refused::Restart));
    let without = offer.replace("a=fingerprint", "a=x");
    assert_eq!(renew(&without), Err(Refused::NoKey));
    assert!(renew(&offer).is_ok());
}

#[test]
fn an_answer_is_of_our_offer_and_brings_a_key() {
    let mut network = Network::new();
    let (now, rooms) = (network.now, &mut network.rooms);
    let mut accept = |change: fn(String) -> String| {
        let mut client =
            network::client::Client::new("web", now, "198.51.100.7:10000".parse().unwrap(), 0, 0);
        let offer = rooms.offer_call(now, ROOM, "web").unwrap();
        let answer = client.take_call(&offer);
        rooms.accept_call(now, ROOM, "web", &change(answer), ALL)
    };
    assert_eq!(
        accept(|answer| answer.replace("a=fingerprint", "a=x")),
        Err(Refused::NoKey)
    );
    assert_eq!(
        accept(|answer| answer.replace("m=audio 9", "m=audio 0")),
        Err(Refused::NoSound)
    );
    assert!(matches!(
        accept(|answer| answer.replace("a=mid:", "a=mid:x")),
        Err(Refused::Mid(_))
    ));
    let again = rooms.accept_call(now, ROOM, "web", "", ALL);
    assert_eq!(again, Err(Refused::NoCall), "an offer is answered once");
    rooms.offer_call(now, ROOM, "web").unwrap();
    rooms.leave(now, ROOM, "web");
    let late = rooms.accept_call(now, ROOM, "web", "", ALL);
    assert_eq!(late, Err(Refused::NoCall), "it was withdrawn");
}
