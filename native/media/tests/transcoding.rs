//! Phones with H.264 see what others send in VP8, over a simulated network and with the codecs that are used.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::camera::Camera;
use network::screen::{Screen, Shown};
use network::stage::{assert_continuous, phone};
use network::{ALL, NONE, Network, ROOM};
use rusty_h264::{Decoder, YuvFrame};
use vestibule_media::codec::Codec;
use vestibule_media::pcm::SILENT;
use vestibule_media::rtcp::write_keyframe_request;
use vestibule_media::srtp::Suite;
use vestibule_media::{Event, Level, Source, VideoCodec, VideoLeg};

const SECOND: Duration = Duration::from_secs(1);
const SIZE: (u32, u32) = (160, 90);

/// A browser's camera.
struct Film {
    who: usize,
    camera: Camera,
}

impl Film {
    fn new(who: usize, (width, height): (u32, u32), brightness: u8) -> Self {
        Self {
            who,
            camera: Camera::new(width, height, brightness),
        }
    }

    /// One frame, in packets of 1,000 octets; a keyframe if it was asked for.
    fn shoot(&mut self, network: &mut Network) {
        let client = &mut network.clients[self.who];
        let keyframe = std::mem::take(&mut client.keyframe_requests) > 0;
        let frame = self.camera.frame(keyframe);
        self.send(network, &frame);
    }

    fn send(&self, network: &mut Network, frame: &[u8]) {
        let now = network.now;
        let client = &mut network.clients[self.who];
        client.pictures = (client.pictures + 1) & 0x7fff;
        let [high, low] = (client.pictures | 0x8000).to_be_bytes();
        // Clients mark each packet as a frame's last, so that it must be in one.
        let payload = [&[0x90, 0x80, high, low], frame].concat();
        client.send(now, Source::Camera, &payload, 0);
    }
}

/// Let cameras run for a while at twenty-five frames a second; the first of them talks.
fn film(network: &mut Network, films: &mut [Film], duration: Duration) {
    for _ in 0..duration.as_millis() / 40 {
        for (index, film) in films.iter_mut().enumerate() {
            film.shoot(network);
            let level = if index == 0 { -20 } else { -90 };
            let now = network.now;
            network.clients[film.who].send(now, Source::Audio, &[1; 40], level);
        }
        network.run(Duration::from_millis(40));
    }
}

fn h264(idc: u8) -> impl FnOnce(&mut VideoLeg) {
    let level = Level::up_to(idc).unwrap();
    move |leg| leg.codec = VideoCodec::H264 { level }
}

/// A room with that many browsers, and a phone with H.264.
fn scene(cameras: usize) -> (Network, network::phone::Phone, Screen) {
    let mut network = Network::new();
    for index in 0..cameras {
        network.connect(&format!("browser{index}"), ALL);
    }
    let mut desk = phone(&mut network, 20_000);
    desk.say(&mut network, &SILENT);
    let screen = Screen::try_add(&mut network, "desk", 20_100, false, h264(31)).unwrap();
    (network, desk, screen)
}

/// Another phone with H.264.
fn another(
    network: &mut Network,
    name: &str,
    port: u16,
    idc: u8,
) -> (network::phone::Phone, Screen) {
    let suite = Suite::AeadAes256Gcm;
    let mut desk = network::phone::Phone::join(network, name, port, Codec::Pcmu, suite, NONE);
    desk.say(network, &SILENT);
    let screen = Screen::try_add(network, name, port + 100, false, h264(idc)).unwrap();
    (desk, screen)
}

/// A receiver: packets become pictures (RFC 6184).
#[derive(Default)]
struct Watcher {
    decoder: Option<Decoder>,
    stream: Vec<u8>,
}

impl Watcher {
    fn take(&mut self, shown: &[Shown]) -> Vec<YuvFrame> {
        let mut pictures = Vec::new();
        for packet in shown {
            self.unpack(&packet.payload);
            if packet.header.marker {
                let decoder = self.decoder.get_or_insert_with(Decoder::new);
                let stream = std::mem::take(&mut self.stream);
                pictures.extend(decoder.decode(&stream).unwrap());
            }
        }
        pictures
    }

    fn unpack(&mut self, payload: &[u8]) {
        match payload[0] & 0x1f {
            24 => {
                let mut rest = &payload[1..];
                while let Some((length, after)) = rest.split_first_chunk() {
                    let (unit, after) = after.split_at(u16::from_be_bytes(*length).into());
                    self.stream.extend([0, 0, 0, 1]);
                    self.stream.extend(unit);
                    rest = after;
                }
            }
            28 => {
                if payload[1] & 0x80 != 0 {
                    self.stream
                        .extend([0, 0, 0, 1, payload[0] & 0xe0 | payload[1] & 0x1f]);
                }
                self.stream.extend(&payload[2..]);
            }
            _ => {
                self.stream.extend([0, 0, 0, 1]);
                self.stream.extend(payload);
            }
        }
    }
}

fn brightness(picture: &YuvFrame) -> u8 {
    let sum: usize = picture.y.iter().map(|pixel| usize::from(*pixel)).sum();
    (sum / picture.y.len()) as u8
}

/// What is seen at the end, and how large it is.
fn last(watcher: &mut Watcher, shown: &[Shown]) -> (u8, (usize, usize)) {
    let pictures = watcher.take(shown);
    let picture = pictures.last().expect("a picture");
    (brightness(picture), (picture.width, picture.height))
}

fn is_near(brightness: u8, expected: u8) -> bool {
    brightness.abs_diff(expected) < 6
}

#[test]
fn a_phone_sees_who_speaks_in_one_stream_without_a_break() {
    let (mut network, _desk, mut screen) = scene(2);
    let mut films = [Film::new(0, SIZE, 60), Film::new(1, SIZE, 180)];
    let mut watcher = Watcher::default();
    film(&mut network, &mut films, 2 * SECOND);
    let mut shown = screen.newest(&mut network);
    assert!(shown[0].keyframe);
    let (seen, size) = last(&mut watcher, &shown);
    assert!(is_near(seen, 60), "{seen}");
    assert_eq!(size, (160, 90));
    let pictures = shown.iter().filter(|packet| packet.header.marker).count();
    assert!(
        (20..=32).contains(&pictures),
        "of 50 in two seconds {pictures}"
    );
    films.reverse();
    film(&mut network, &mut films, 3 * SECOND);
    let after = screen.newest(&mut network);
    let (seen, _) = last(&mut watcher, &after);
    assert!(is_near(seen, 180), "{seen}");
    shown.extend(after);
    assert_continuous(&shown);
    let fresh = shown.iter().filter(|packet| packet.keyframe).count();
    assert_eq!(fresh, 2, "each begins with one, and there is no other");
    assert_eq!(network.rooms.transcodings(), 1);
}

#[test]
fn all_phones_share_one_transcoding_within_what_the_least_of_them_takes() {
    let (mut network, _desk, mut screen) = scene(1);
    let mut films = [Film::new(0, (320, 180), 90)];
    film(&mut network, &mut films, SECOND);
    let steps = network.codecs.steps;
    let mut watcher = Watcher::default();
    assert_eq!(
        last(&mut watcher, &screen.newest(&mut network)).1,
        (320, 180)
    );
    let (_two, mut second) = another(&mut network, "two", 22_000, 10);
    film(&mut network, &mut films, 2 * SECOND);
    assert_eq!(network.rooms.transcodings(), 1);
    assert_eq!(
        network.codecs.steps,
        steps + 50,
        "each frame is decoded once"
    );
    assert_eq!(
        last(&mut watcher, &screen.newest(&mut network)).1,
        (160, 90)
    );
    let shown = second.newest(&mut network);
    assert!(
        shown[0].keyframe,
        "who comes later begins with a whole picture"
    );
    let (seen, size) = last(&mut Watcher::default(), &shown);
    assert!(is_near(seen, 90) && size == (160, 90), "{seen} {size:?}");
    network.rooms.leave(network.now, ROOM, "two");
    film(&mut network, &mut films, SECOND);
    assert_eq!(
        last(&mut watcher, &screen.newest(&mut network)).1,
        (320, 180)
    );
}

#[test]
fn a_camera_that_has_a_large_layer_alone_is_made_smaller() {
    let (mut network, _desk, mut screen) = scene(1);
    // 1,640 macroblocks: the largest that fit into one packet of the test's sender.
    let mut films = [Film::new(0, (656, 640), 128)];
    film(&mut network, &mut films, SECOND / 5);
    let (seen, size) = last(&mut Watcher::default(), &screen.newest(&mut network));
    assert!(is_near(seen, 128) && size == (328, 320), "{seen} {size:?}");
}

#[test]
fn a_screen_that_is_too_large_is_passed_over() {
    let (mut network, _desk, mut screen) = scene(1);
    let mut films = [Film::new(0, SIZE, 90)];
    film(&mut network, &mut films, SECOND);
    for (lines, sees_camera) in [(1_080_u16, true), (720, false)] {
        let [low, high] = lines.to_le_bytes();
        let head = [0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, low, high];
        for _ in 0..10 {
            let now = network.now;
            network.clients[0].send(now, Source::Screen, &head, 0);
            film(&mut network, &mut films, SECOND / 5);
        }
        screen.newest(&mut network);
        film(&mut network, &mut films, SECOND);
        let shown = screen.newest(&mut network);
        assert_eq!(
            shown.len() > 10,
            sees_camera,
            "{lines} lines: {}",
            shown.len()
        );
    }
}

#[test]
fn it_ends_when_nobody_looks() {
    let (mut network, mut desk, mut screen) = scene(1);
    let mut films = [Film::new(0, SIZE, 90)];
    film(&mut network, &mut films, SECOND);
    screen.newest(&mut network);
    assert_eq!(
        (network.rooms.transcodings(), network.codecs.count()),
        (1, 1)
    );
    network
        .rooms
        .set_rights(network.now, ROOM, "browser0", NONE);
    desk.say(&mut network, &SILENT);
    network.run(SECOND);
    assert_eq!(
        (network.rooms.transcodings(), network.codecs.count()),
        (0, 0)
    );
    let blank = screen.newest(&mut network);
    assert!(blank[0].keyframe && blank.last().unwrap().header.marker);
    let (seen, size) = last(&mut Watcher::default(), &blank);
    assert_eq!(
        (seen, size),
        (16, (176, 144)),
        "who is gone isn't left standing"
    );
    network.rooms.set_rights(network.now, ROOM, "browser0", ALL);
    film(&mut network, &mut films, SECOND);
    assert_eq!(network.rooms.transcodings(), 1);
    network.rooms.leave(network.now, ROOM, "desk");
    network.run(SECOND);
    assert_eq!(
        (network.rooms.transcodings(), network.codecs.count()),
        (0, 0)
    );
}

#[test]
fn a_room_that_closes_takes_its_transcodings_with_it() {
    let (mut network, _desk, _screen) = scene(1);
    film(&mut network, &mut [Film::new(0, SIZE, 90)], SECOND);
    network.rooms.close_room(network.now, ROOM);
    network.exchange();
    assert_eq!(
        (network.rooms.transcodings(), network.codecs.count()),
        (0, 0)
    );
}

#[test]
fn a_phone_that_cannot_decode_gets_a_whole_picture_but_not_too_often() {
    let (mut network, _desk, mut screen) = scene(1);
    let mut films = [Film::new(0, SIZE, 90)];
    film(&mut network, &mut films, SECOND);
    let ssrc = screen.newest(&mut network)[0].header.ssrc;
    let asked = network.clients[0].layer_requests.len();
    for _ in 0..30 {
        let mut wish = Vec::new();
        write_keyframe_request(&mut wish, 1, ssrc);
        screen.say(&mut network, wish);
        film(&mut network, &mut films, SECOND / 10);
    }
    let fresh = screen.newest(&mut network);
    let fresh = fresh.iter().filter(|packet| packet.keyframe).count();
    assert!((2..=4).contains(&fresh), "{fresh}");
    assert_eq!(
        network.clients[0].layer_requests.len(),
        asked,
        "the camera has nothing to do with it"
    );
}

#[test]
fn beyond_the_limit_the_newest_sees_nothing_until_there_is_a_place() {
    let mut network = Network::with(|rooms| rooms.with_transcodings(1));
    let one = network.connect("browser0", ALL);
    let (_desk, mut first) = another(&mut network, "desk", 22_000, 31);
    let mut films = [Film::new(one, SIZE, 60), Film::new(one + 1, SIZE, 180)];
    film(&mut network, &mut films[..1], SECOND);
    network.room = "other";
    network.rooms.open_room(network.now, network.room);
    let _two = network.connect("browser1", ALL);
    let (_other, mut second) = another(&mut network, "two", 24_000, 31);
    film(&mut network, &mut films, 2 * SECOND);
    assert_eq!(network.rooms.transcodings(), 1);
    assert!(!first.newest(&mut network).is_empty());
    assert_eq!(second.newest(&mut network), []);
    let withheld = Event::PicturesWithheld {
        room: "other".to_owned(),
        endpoint: "two".to_owned(),
    };
    let told = network.events.iter().filter(|event| **event == withheld);
    assert_eq!(told.count(), 1);
    network.rooms.leave(network.now, ROOM, "desk");
    film(&mut network, &mut films, 2 * SECOND);
    let (seen, _) = last(&mut Watcher::default(), &second.newest(&mut network));
    assert!(is_near(seen, 180), "{seen}");
    assert_eq!(network.rooms.transcodings(), 1);
}

#[test]
fn a_hostile_picture_spoils_nothing_but_itself() {
    let (mut network, _desk, mut screen) = scene(1);
    let mut films = [Film::new(0, SIZE, 90)];
    film(&mut network, &mut films, SECOND);
    let mut watcher = Watcher::default();
    last(&mut watcher, &screen.newest(&mut network));
    let asked = network.clients[0].layer_requests.len();
    for seed in 0..20_u8 {
        // A frame that isn't one, a keyframe's head with nothing after it, a huge one.
        let junk: Vec<u8> = (0..200).map(|n: u8| n.wrapping_mul(seed) ^ seed).collect();
        films[0].send(&mut network, &junk);
        films[0].send(&mut network, &[0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0]);
        films[0].send(
            &mut network,
            &[0x10, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 1, 2],
        );
        network.run(SECOND / 20);
    }
    film(&mut network, &mut films, 3 * SECOND);
    assert!(
        network.clients[0].layer_requests.len() > asked,
        "a whole one is asked for"
    );
    let (seen, _) = last(&mut watcher, &screen.newest(&mut network));
    assert!(is_near(seen, 90), "{seen}");
    let failed = |event: &&Event| matches!(event, Event::TranscodingFailed { .. });
    assert_eq!(network.events.iter().filter(failed).count(), 0);
}

#[test]
fn codecs_that_are_stuck_hold_up_nobody_and_get_no_more_to_do() {
    let (mut network, _desk, mut screen) = scene(1);
    let watching = network.connect("watching", ALL);
    let mut films = [Film::new(0, SIZE, 90)];
    film(&mut network, &mut films, SECOND);
    screen.newest(&mut network);
    network.codecs.are_stuck = true;
    let steps = network.codecs.steps;
    let before = network.clients[watching].received.len();
    film(&mut network, &mut films, 3 * SECOND);
    assert_eq!(network.codecs.steps, steps + 8);
    assert!(
        network.clients[watching].received.len() > before + 50,
        "browsers see on"
    );
}

#[test]
fn a_codec_that_panics_ends_one_transcoding_and_that_is_told_once() {
    let (mut network, _desk, mut screen) = scene(2);
    let mut films = [Film::new(0, SIZE, 60), Film::new(1, SIZE, 180)];
    film(&mut network, &mut films, SECOND);
    screen.newest(&mut network);
    network.codecs.are_broken = true;
    film(&mut network, &mut films, SECOND);
    let failed = Event::TranscodingFailed {
        room: ROOM.to_owned(),
        endpoint: "browser0".to_owned(),
    };
    assert_eq!(
        network
            .events
            .iter()
            .filter(|event| **event == failed)
            .count(),
        1
    );
    assert_eq!(network.rooms.transcodings(), 0, "its place is free");
    assert_eq!(
        last(&mut Watcher::default(), &screen.newest(&mut network)).0,
        16,
        "black"
    );
    network.codecs.are_broken = false;
    films.reverse();
    film(&mut network, &mut films, 3 * SECOND);
    let (seen, _) = last(&mut Watcher::default(), &screen.newest(&mut network));
    assert!(is_near(seen, 180), "another is seen: {seen}");
}

#[test]
fn a_phones_own_h264_goes_nowhere() {
    let (mut network, _desk, mut screen) = scene(1);
    network.rooms.set_rights(network.now, ROOM, "desk", ALL);
    for _ in 0..10 {
        screen.film(&mut network, &[0x65, 1, 2, 3, 4]);
        network.run(SECOND / 20);
    }
    assert_eq!(network.clients[0].slot_of("desk", "camera"), None);
}
