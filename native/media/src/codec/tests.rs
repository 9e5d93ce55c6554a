//! Every codec through its encoder and decoder, and decoders against anything.

use proptest::prelude::*;

use super::*;
use crate::level::measure;
use crate::pcm::signals::{chirp, correlation, tone};

/// Samples by which encoder, decoder and two filters together may delay: 30 ms.
const DELAY: usize = 1_440;

fn payloads(codec: Codec, sound: &[f32]) -> Vec<Vec<u8>> {
    encoded(&mut Encoder::new(codec).unwrap(), sound)
}

fn encoded(encoder: &mut Encoder, sound: &[f32]) -> Vec<Vec<u8>> {
    let (frames, _) = sound.as_chunks::<FRAME>();
    let encode = |frame| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap();
        payload
    };
    frames.iter().map(encode).collect()
}

fn heard(codec: Codec, payloads: &[Vec<u8>]) -> Vec<f32> {
    let mut decoder = Decoder::new(codec).unwrap();
    let mut out = Vec::new();
    for payload in payloads {
        decoder.decode(payload, &mut out).unwrap();
    }
    out
}

#[test]
fn a_tone_and_a_chirp_come_through_every_codec() {
    for codec in Codec::ALL {
        for sound in [tone(440.0, 24 * FRAME), chirp(200.0, 3_000.0, 50 * FRAME)] {
            let heard = heard(codec, &payloads(codec, &sound));
            assert_eq!(heard.len(), sound.len());
            let likeness = correlation(&sound, &heard, DELAY);
            assert!(likeness > 0.9, "{codec:?}: {likeness}");
            let (sent, came) = (measure(&sound), measure(&heard[4 * FRAME..]));
            assert!((sent - came).abs() < 2.0, "{codec:?}: {sent} became {came}");
        }
    }
}

#[test]
fn wide_band_codecs_carry_what_the_telephone_can_not() {
    let sound = tone(6_000.0, 24 * FRAME);
    for (codec, carries) in [
        (Codec::Opus, true),
        (Codec::G722, true),
        (Codec::Pcmu, false),
        (Codec::Pcma, false),
    ] {
        let level = measure(&heard(codec, &payloads(codec, &sound))[4 * FRAME..]);
        assert_eq!(level > -25.0, carries, "{codec:?}: {level}");
    }
}

#[test]
fn payloads_have_the_size_their_codec_says() {
    for (codec, size) in [(Codec::G722, 160), (Codec::Pcmu, 160), (Codec::Pcma, 160)] {
        assert!(
            payloads(codec, &tone(440.0, 4 * FRAME))
                .iter()
                .all(|p| p.len() == size)
        );
    }
    assert!(
        payloads(Codec::Opus, &tone(440.0, 4 * FRAME))
            .iter()
            .all(|p| p.len() < 200)
    );
}

#[test]
fn packets_of_other_lengths_are_taken() {
    for codec in [Codec::G722, Codec::Pcmu, Codec::Pcma] {
        let whole = payloads(codec, &tone(440.0, 6 * FRAME)).concat();
        for octets in [80, 160, 240, 480, 960] {
            let mut out = Vec::new();
            Decoder::new(codec)
                .unwrap()
                .decode(&whole[..octets], &mut out)
                .unwrap();
            assert_eq!(out.len(), octets * 6);
        }
    }
}

#[test]
fn no_payload_becomes_more_than_the_longest_packet() {
    for codec in [Codec::G722, Codec::Pcmu, Codec::Pcma] {
        let mut out = Vec::new();
        Decoder::new(codec)
            .unwrap()
            .decode(&[0x33; 9_000], &mut out)
            .unwrap();
        assert_eq!(out.len(), MAX_PACKET);
    }
    // Code 3, 63 frames of 20 ms each: more than 120 ms, which RFC 6716 forbids.
    let mut bomb = vec![0b1111_1011, 63];
    bomb.resize(63 * 2 + 2, 0);
    let mut out = Vec::new();
    let refused = Decoder::new(Codec::Opus).unwrap().decode(&bomb, &mut out);
    assert_eq!(refused, Err(Undecodable { codec: Codec::Opus }));
    assert!(out.is_empty());
}

#[test]
fn an_opus_packet_of_120_milliseconds_is_taken_whole() {
    // Code 3, six CBR frames of 20 ms, CELT full band, mono.
    let frame = [0x80; 40];
    let mut packet = vec![0b1111_1011, 6];
    packet.extend(frame.repeat(6));
    let mut out = Vec::new();
    Decoder::new(Codec::Opus)
        .unwrap()
        .decode(&packet, &mut out)
        .unwrap();
    assert_eq!(out.len(), MAX_PACKET);
}

#[test]
fn an_empty_payload_is_refused() {
    for codec in Codec::ALL {
        let refused = Decoder::new(codec).unwrap().decode(&[], &mut Vec::new());
        assert_eq!(refused, Err(Undecodable { codec }));
    }
}

#[test]
fn a_packet_says_whether_anybody_speaks_in_it() {
    let decoder = Decoder::new(Codec::Opus).unwrap();
    // SILK wideband 20 ms, hybrid 20 ms, 60 ms with a voice at the end; CELT, stereo and two frames don't say.
    let cases: [(&[u8], bool); 9] = [
        (&[9 << 3, 0x7f], true),
        (&[9 << 3, 0x80], false),
        (&[15 << 3, 0x7f, 1], true),
        (&[15 << 3], true),
        (&[11 << 3, 0x1f], true),
        (&[11 << 3, 0x20], false),
        (&[31 << 3, 0], false),
        (&[9 << 3 | 4, 0], false),
        (&[9 << 3 | 1, 0], false),
    ];
    for (payload, silent) in cases {
        assert_eq!(decoder.is_voiceless(payload), silent, "{payload:02x?}");
    }
    assert!(
        !Decoder::new(Codec::Pcma)
            .unwrap()
            .is_voiceless(&[0xd5; 160])
    );
    // Only with a SILK layer, as browsers have it, is anything said of it.
    let voiceless = |sound: &[f32]| {
        let mut encoder = Encoder::new(Codec::Opus).unwrap();
        encoder.expect_loss(1).unwrap();
        let sent = encoded(&mut encoder, sound);
        sent.iter()
            .filter(|payload| decoder.is_voiceless(payload))
            .count()
    };
    assert!(voiceless(&vec![0.0; 20 * FRAME]) >= 18);
    assert!(voiceless(&chirp(200.0, 1_000.0, 20 * FRAME)) <= 2);
}

#[test]
fn one_lost_packet_is_hardly_heard() {
    for codec in Codec::ALL {
        let sound = tone(300.0, 24 * FRAME);
        let sent = payloads(codec, &sound);
        let mut decoder = Decoder::new(codec).unwrap();
        let mut out = Vec::new();
        for (n, payload) in sent.iter().enumerate() {
            if n == 12 {
                decoder.conceal(&sent[13], FRAME, &mut out);
            } else {
                decoder.decode(payload, &mut out).unwrap();
            }
        }
        assert_eq!(out.len(), sound.len());
        assert!(measure(&out[12 * FRAME..13 * FRAME]) > -18.0, "{codec:?}");
        assert!(correlation(&sound, &out, DELAY) > 0.9, "{codec:?}");
    }
}

#[test]
fn a_long_gap_ends_in_silence() {
    for codec in Codec::ALL {
        let mut decoder = Decoder::new(codec).unwrap();
        let mut out = Vec::new();
        for payload in payloads(codec, &tone(300.0, 8 * FRAME)) {
            decoder.decode(&payload, &mut out).unwrap();
        }
        out.clear();
        for _ in 0..25 {
            decoder.conceal(&[], FRAME, &mut out);
        }
        assert_eq!(out.len(), 25 * FRAME);
        assert!(measure(&out[24 * FRAME..]) < -60.0, "{codec:?}");
    }
}

#[test]
fn names_and_clocks_are_those_of_sdp() {
    assert_eq!(Codec::from_name("OPUS"), Some(Codec::Opus));
    assert_eq!(Codec::from_name("g722"), Some(Codec::G722));
    assert_eq!(Codec::from_name("G729"), None);
    assert_eq!(Codec::Opus.frame_ticks(), 960);
    assert_eq!(Codec::G722.frame_ticks(), 160);
}

proptest! {
    #[test]
    fn any_payloads_are_decoded_or_refused(
        codec in prop::sample::select(Codec::ALL.to_vec()),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12)
    ) {
        let mut decoder = Decoder::new(codec).unwrap();
        for payload in payloads {
            let mut out = Vec::new();
            let refused = decoder.decode(&payload, &mut out).is_err();
            prop_assert!(out.len() <= MAX_PACKET);
            prop_assert!(!refused || out.is_empty());
            prop_assert!(out.iter().all(|sample| sample.is_finite()));
            out.clear();
            decoder.conceal(&payload, payload.len() * 7, &mut out);
            prop_assert!(!out.is_empty() && out.len() <= MAX_PACKET);
        }
    }

    #[test]
    fn any_sound_is_encoded(
        codec in prop::sample::select(Codec::ALL.to_vec()),
        samples in prop::collection::vec(-4.0f32..4.0, FRAME..=FRAME)
    ) {
        let frame: &Frame = samples.as_slice().try_into().unwrap();
        let mut payload = Vec::new();
        prop_assert!(Encoder::new(codec).unwrap().encode(frame, &mut payload).is_ok());
        prop_assert!(!payload.is_empty());
    }
}

#[test]
fn redundancy_comes_and_goes_with_losses() {
    let sound = tone(300.0, 24 * FRAME);
    let mut encoder = Encoder::new(Codec::Opus).unwrap();
    let mut sent = encoded(&mut encoder, &sound[..8 * FRAME]);
    encoder.expect_loss(10).unwrap();
    sent.extend(encoded(&mut encoder, &sound[8 * FRAME..16 * FRAME]));
    encoder.expect_loss(0).unwrap();
    sent.extend(encoded(&mut encoder, &sound[16 * FRAME..]));
    // RFC 6716 section 3.1, table 2: below 16 there is a SILK layer.
    let layers: Vec<bool> = sent.iter().map(|packet| packet[0] >> 3 < 16).collect();
    assert_eq!(layers, [[false; 8], [true; 8], [false; 8]].concat());
    let decoded = heard(Codec::Opus, &sent);
    assert!(correlation(&sound, &decoded, DELAY) > 0.9);
    assert!(
        decoded[4 * FRAME..]
            .chunks(FRAME)
            .all(|frame| measure(frame) > -18.0)
    );
}
