use proptest::prelude::*;
use rusty_h264::{Decoder, YuvFrame};

use super::*;
use crate::phone_video::BLANK_H264;
use crate::transcoding::Level;

#[path = "../../tests/network/camera.rs"]
mod camera;
use camera::Camera;

const LEVEL: u8 = 31;

fn wanted(timestamp: u32, fresh: bool) -> Wanted {
    Wanted {
        timestamp,
        fresh,
        bits: 300_000,
        level: Level::up_to(LEVEL).unwrap(),
    }
}

fn step(octets: Vec<u8>, wanted: Wanted) -> Step {
    Step::Frame {
        octets,
        wanted: Some(wanted),
    }
}

/// The NAL units of a picture that is expected.
fn picture(outcome: Outcome) -> Vec<Vec<u8>> {
    match outcome {
        Outcome::Picture { units, .. } => units,
        other => panic!("{other:?}"),
    }
}

fn kinds(units: &[Vec<u8>]) -> Vec<u8> {
    units.iter().map(|unit| unit[0] & 0x1f).collect()
}

fn stream(units: &[Vec<u8>]) -> Vec<u8> {
    let coded = units.iter().map(|unit| [&[0, 0, 0, 1], &unit[..]].concat());
    coded.collect::<Vec<_>>().concat()
}

fn brightness(picture: &YuvFrame) -> u8 {
    let sum: usize = picture.y.iter().map(|pixel| usize::from(*pixel)).sum();
    (sum / picture.y.len()) as u8
}

#[test]
fn each_frame_is_one_picture_and_looks_like_it() {
    let mut camera = Camera::new(320, 180, 100);
    let (mut transcoder, mut decoder) = (Transcoder::default(), Decoder::new());
    for count in 0..40_u32 {
        let frame = camera.frame(count == 0);
        let units = picture(transcoder.work(&step(frame, wanted(count, count == 20))));
        let expected: &[u8] = if count % 20 == 0 { &[7, 8, 5] } else { &[1] };
        assert_eq!(kinds(&units), expected, "picture {count}");
        let shown = decoder.decode(&stream(&units)).unwrap().unwrap();
        assert_eq!((shown.width, shown.height), (320, 180));
        assert!(
            brightness(&shown).abs_diff(100) < 5,
            "{}",
            brightness(&shown)
        );
    }
}

#[test]
fn it_is_constrained_baseline_of_the_level_that_is_taken() {
    for (idc, flags) in [(31, 0xe0), (12, 0xe0), (9, 0xf0)] {
        let level = Level::up_to(idc).unwrap();
        let frame = Camera::new(640, 360, 100).frame(true);
        let wanted = Wanted {
            level,
            ..wanted(0, true)
        };
        let units = picture(Transcoder::default().work(&step(frame, wanted)));
        // profile_idc, the constraint flags, level_idc.
        assert_eq!(units[0][1..4], [66, flags, level.idc()]);
        let shown = Decoder::new().decode(&stream(&units)).unwrap().unwrap();
        let scaled = level.scaled(640, 360).unwrap();
        assert_eq!(
            (shown.width, shown.height),
            (scaled.0 as usize, scaled.1 as usize)
        );
    }
}

#[test]
fn what_is_not_wanted_is_decoded_and_the_last_picture_can_be_had_again() {
    let mut camera = Camera::new(64, 48, 50);
    let mut transcoder = Transcoder::default();
    let octets = camera.frame(true);
    let unwanted = Step::Frame {
        octets,
        wanted: None,
    };
    let again = Step::Again {
        wanted: wanted(7, true),
    };
    assert_eq!(
        Transcoder::default().work(&again),
        Outcome::Nothing,
        "no picture yet"
    );
    assert_eq!(transcoder.work(&unwanted), Outcome::Nothing);
    let units = picture(transcoder.work(&again));
    let shown = Decoder::new().decode(&stream(&units)).unwrap().unwrap();
    assert!(brightness(&shown).abs_diff(50) < 5);
}

#[test]
fn other_sizes_and_rates_begin_anew() {
    let mut transcoder = Transcoder::default();
    for (width, height) in [(320, 180), (321, 183), (320, 180)] {
        let frame = Camera::new(width, height, 90).frame(true);
        let units = picture(transcoder.work(&step(frame, wanted(0, false))));
        assert_eq!(kinds(&units), [7, 8, 5]);
        let shown = Decoder::new().decode(&stream(&units)).unwrap().unwrap();
        assert_eq!(
            (shown.width, shown.height),
            (width as usize & !1, height as usize & !1)
        );
    }
    let other = Wanted {
        bits: 100_000,
        ..wanted(0, false)
    };
    let frame = Camera::new(320, 180, 90).frame(true);
    assert_eq!(
        kinds(&picture(transcoder.work(&step(frame, other)))),
        [7, 8, 5]
    );
}

#[test]
fn too_large_a_picture_is_not_decoded_nor_is_room_made_for_it() {
    // A whole picture that is a little too wide, and a head that says 16,383 pixels each way with little after it.
    let wide = Camera::new(1_296, 720, 9).frame(true);
    let mut huge = Camera::new(64, 64, 9).frame(true);
    huge[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let mut transcoder = Transcoder::default();
    for frame in [wide, huge] {
        let outcome = transcoder.work(&step(frame, wanted(0, true)));
        assert_eq!(outcome, Outcome::Undecodable);
    }
    let good = Camera::new(64, 64, 9).frame(true);
    picture(transcoder.work(&step(good, wanted(1, true))));
}

#[test]
fn the_black_picture_is_black_and_what_every_decoder_takes() {
    let shown = Decoder::new().decode(BLANK_H264).unwrap().unwrap();
    assert_eq!((shown.width, shown.height), (176, 144));
    assert!(shown.y.iter().all(|pixel| *pixel <= 17));
    let units = units(BLANK_H264);
    assert_eq!(units[0][1..4], [66, 0xe0, 10]);
}

#[test]
fn bits_are_about_as_many_as_were_said() {
    let mut camera = Camera::new(640, 360, 100);
    let mut transcoder = Transcoder::default();
    let mut octets = 0;
    for count in 0..45 {
        camera.brightness = 60 + (count * 37 % 101) as u8;
        let units = picture(transcoder.work(&step(camera.frame(count == 0), wanted(count, false))));
        octets += stream(&units).len();
    }
    // Three seconds of 300 kbit/s, and a half for what is large at first.
    assert!(octets * 8 < 300_000 * 3 * 3 / 2, "{octets}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_frames_are_refused_and_nothing_else_happens(
        whole: bool,
        changes in prop::collection::vec((0_usize..4_000, any::<u8>()), 0..40),
        junk in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut camera = Camera::new(96, 64, 100);
        let mut transcoder = Transcoder::default();
        picture(transcoder.work(&step(camera.frame(true), wanted(0, true))));
        let mut hostile = if whole { camera.frame(false) } else { junk };
        for (at, octet) in changes {
            if let Some(place) = hostile.get_mut(at) {
                *place = octet;
            }
        }
        let outcome = transcoder.work(&step(hostile, wanted(1, false)));
        prop_assert_ne!(outcome, Outcome::Broken);
        let good = Camera::new(96, 64, 30).frame(true);
        let units = picture(transcoder.work(&step(good, wanted(2, true))));
        let shown = Decoder::new().decode(&stream(&units)).unwrap().unwrap();
        prop_assert!(brightness(&shown).abs_diff(30) < 5);
    }
}
