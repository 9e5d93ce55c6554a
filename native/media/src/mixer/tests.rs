//! Who hears whom.

use proptest::prelude::*;

use super::*;
use crate::codec::{Codec, Decoder};
use crate::level::measure;
use crate::pcm::{FRAME, signals::tone};

/// A frame of a constant that names its source: 1/2, 1/4, 1/8 ... add up without rounding.
fn mark(source: usize) -> Frame {
    [0.5f32.powi(source as i32 + 2); FRAME]
}

fn mix(mixer: &mut Mixer<usize>, levels: &[(usize, f32)]) {
    let frames: Vec<Frame> = levels.iter().map(|(source, _)| mark(*source)).collect();
    let contributions: Vec<_> = levels
        .iter()
        .zip(&frames)
        .map(|((source, level), frame)| Contribution {
            source: *source,
            level: *level,
            frame,
        })
        .collect();
    mixer.mix(&contributions);
}

fn heard_by(mixer: &Mixer<usize>, listener: usize) -> f32 {
    let mut frame = SILENT;
    mixer.without(listener, &mut frame);
    frame[FRAME - 1]
}

fn voices(mixer: &Mixer<usize>) -> Vec<usize> {
    let mut voices: Vec<_> = mixer.voices().collect();
    voices.sort_unstable();
    voices
}

#[test]
fn everyone_hears_all_others_and_nobody_itself() {
    let mut mixer = Mixer::new();
    let levels = [(0, -20.0), (1, -20.0), (2, -20.0)];
    mix(&mut mixer, &levels);
    mix(&mut mixer, &levels);
    assert_eq!(mixer.common()[0], 0.25 + 0.125 + 0.0625);
    assert_eq!(heard_by(&mixer, 0), 0.125 + 0.0625);
    assert_eq!(heard_by(&mixer, 1), 0.25 + 0.0625);
    assert_eq!(heard_by(&mixer, 2), 0.25 + 0.125);
    assert_eq!(heard_by(&mixer, 9), mixer.common()[0]);
}

#[test]
fn an_empty_room_is_silent() {
    let mut mixer = Mixer::<usize>::new();
    mixer.mix(&[]);
    assert_eq!(*mixer.common(), SILENT);
}

#[test]
fn only_the_loudest_are_mixed() {
    let mut mixer = Mixer::new();
    let levels: Vec<_> = (0..10)
        .map(|source| (source, -10.0 - source as f32))
        .collect();
    mix(&mut mixer, &levels);
    assert_eq!(voices(&mixer), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn silence_is_not_mixed() {
    let mut mixer = Mixer::new();
    mix(&mut mixer, &[(0, -127.0), (1, -40.0)]);
    assert_eq!(voices(&mixer), [1]);
}

#[test]
fn a_room_that_hums_is_no_voice_and_a_voice_that_falls_to_it_leaves() {
    let mut mixer = Mixer::new();
    mix(&mut mixer, &[(0, -20.0), (1, -64.0)]);
    assert_eq!(voices(&mixer), [0]);
    mix(&mut mixer, &[(0, -20.0), (1, -58.0)]);
    mix(&mut mixer, &[(0, -20.0), (1, -64.0)]);
    assert_eq!(voices(&mixer), [0, 1]);
    mix(&mut mixer, &[(0, -20.0), (1, -68.0)]);
    assert_eq!(voices(&mixer), [0, 1], "it fades out");
    mix(&mut mixer, &[(0, -20.0), (1, -68.0)]);
    assert_eq!(voices(&mixer), [0]);
}

#[test]
fn a_voice_is_not_displaced_by_one_hardly_louder() {
    let mut mixer = Mixer::new();
    let mut levels: Vec<_> = (0..7).map(|source| (source, -20.0)).collect();
    levels[6].1 = -30.0;
    mix(&mut mixer, &levels);
    levels[6].1 = -16.0;
    mix(&mut mixer, &levels);
    assert!(!mixer.contains(6));
    levels[6].1 = -10.0;
    mix(&mut mixer, &levels);
    assert!(mixer.contains(6));
}

#[test]
fn voices_fade_in_and_out() {
    let mut mixer = Mixer::new();
    let mut levels: Vec<_> = (0..7).map(|source| (source, -20.0)).collect();
    levels[6].1 = -60.0;
    mix(&mut mixer, &levels);
    assert_eq!(mixer.common()[0], 0.0);
    assert!(mixer.common()[FRAME - 1] > 0.4);
    mix(&mut mixer, &levels);
    let steady = mixer.common()[0];
    levels[6].1 = -5.0;
    mix(&mut mixer, &levels);
    assert_eq!(mixer.voices().count(), 7, "one comes, one goes");
    assert_eq!(mixer.common()[0], steady);
    mix(&mut mixer, &levels);
    assert_eq!(mixer.voices().count(), 6);
}

#[test]
fn many_loud_voices_stay_within_full_scale() {
    let mut mixer = Mixer::new();
    let loud = [0.9; FRAME];
    let contributions: Vec<_> = (0..6)
        .map(|source| Contribution {
            source,
            level: -1.0,
            frame: &loud,
        })
        .collect();
    mixer.mix(&contributions);
    mixer.mix(&contributions);
    assert!(
        mixer
            .common()
            .iter()
            .all(|sample| (0.9..=1.0).contains(sample))
    );
}

/// Run a room in which `speaker` talks for that many ticks.
fn run(
    fanout: &mut Fanout,
    mixer: &mut Mixer<usize>,
    listeners: &mut [Listener<usize>],
    speaker: usize,
    ticks: usize,
) -> Vec<Vec<Vec<u8>>> {
    let sound = tone(440.0, ticks * FRAME);
    let (frames, _) = sound.as_chunks::<FRAME>();
    let mut sent = vec![Vec::new(); listeners.len()];
    for frame in frames {
        mixer.mix(&[Contribution {
            source: speaker,
            level: -9.0,
            frame,
        }]);
        fanout.begin();
        for (sent, listener) in sent.iter_mut().zip(listeners.iter_mut()) {
            sent.push(fanout.payload(mixer, listener).unwrap().to_vec());
        }
    }
    sent
}

fn decoded(codec: Codec, payloads: &[Vec<u8>]) -> Vec<f32> {
    let mut decoder = Decoder::new(codec).unwrap();
    let mut out = Vec::new();
    for payload in payloads {
        decoder.decode(payload, &mut out).unwrap();
    }
    out
}

#[test]
fn listeners_of_a_codec_share_one_encoding() {
    let mut listeners: Vec<_> = (0..50).map(|n| Listener::new(n, Codec::Opus)).collect();
    let (mut fanout, mut mixer) = (Fanout::new(), Mixer::new());
    let sent = run(&mut fanout, &mut mixer, &mut listeners, 0, 10);
    assert!(sent[1..].iter().all(|payloads| *payloads == sent[1]));
    // One for the 49 who listen and one for the speaker, each tick.
    assert_eq!(fanout.encodings(), 20);
}

#[test]
fn a_speaker_never_hears_itself_in_any_codec() {
    for codec in Codec::ALL {
        let mut listeners = [Listener::new(0, codec), Listener::new(1, codec)];
        let (mut fanout, mut mixer) = (Fanout::new(), Mixer::new());
        let sent = run(&mut fanout, &mut mixer, &mut listeners, 0, 20);
        let (own, other) = (decoded(codec, &sent[0]), decoded(codec, &sent[1]));
        assert!(measure(&own) < -60.0, "{codec:?}: {}", measure(&own));
        assert!(measure(&other) > -12.0, "{codec:?}: {}", measure(&other));
    }
}

#[test]
fn codecs_are_encoded_apart() {
    let mut listeners = Codec::ALL.map(|codec| Listener::new(7, codec));
    let (mut fanout, mut mixer) = (Fanout::new(), Mixer::new());
    let sent = run(&mut fanout, &mut mixer, &mut listeners, 0, 10);
    for (codec, payloads) in Codec::ALL.into_iter().zip(&sent) {
        assert!(measure(&decoded(codec, payloads)) > -13.0, "{codec:?}");
    }
    assert_eq!(fanout.encodings(), 40);
}

#[test]
fn a_speaker_who_has_long_been_quiet_shares_again() {
    let mut listeners = [Listener::new(0, Codec::Pcma), Listener::new(1, Codec::Pcma)];
    let (mut fanout, mut mixer) = (Fanout::new(), Mixer::new());
    run(&mut fanout, &mut mixer, &mut listeners, 0, 5);
    let sent = run(&mut fanout, &mut mixer, &mut listeners, 5, 150);
    assert!(measure(&decoded(Codec::Pcma, &sent[0][..50])) > -13.0);
    assert!(
        listeners
            .iter()
            .all(|listener| !listener.is_encoded_apart())
    );
    assert_eq!(sent[0][149], sent[1][149]);
}

proptest! {
    /// A never hears A, whoever speaks how loud: with A's sound or with another one in its
    /// place, what A hears is the same to the last bit.
    #[test]
    fn what_one_hears_does_not_depend_on_its_own_sound(
        levels in prop::collection::vec(-60.0f32..0.0, 1..12),
        ticks in 1usize..4,
        own in -1.0f32..1.0,
    ) {
        for listener in 0..levels.len() {
            let mut heard = [SILENT; 2];
            for (heard, own) in heard.iter_mut().zip([own, 0.0]) {
                let mut frames: Vec<Frame> =
                    (0..levels.len()).map(|n| [0.01 * n as f32 + 0.003; FRAME]).collect();
                frames[listener] = [own; FRAME];
                let mut mixer = Mixer::new();
                for _ in 0..ticks {
                    let contributions: Vec<_> = (0..levels.len())
                        .map(|n| Contribution { source: n, level: levels[n], frame: &frames[n] })
                        .collect();
                    mixer.mix(&contributions);
                }
                if mixer.contains(listener) {
                    mixer.without(listener, heard);
                }
            }
            prop_assert_eq!(heard[0], heard[1]);
        }
    }
}
