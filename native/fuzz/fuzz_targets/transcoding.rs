//! VP8 frames of any make become H.264 pictures or are refused; no codec panics. Two octets before each frame tell its
//! length, the first octet of all how it is to be encoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_media::{Level, Outcome, Step, Transcoder, Wanted};

fuzz_target!(|data: &[u8]| {
    let Some((settings, mut rest)) = data.split_first() else {
        return;
    };
    let Some(level) = Level::up_to(9 + (settings & 15)) else {
        return;
    };
    let mut transcoder = Transcoder::default();
    let mut timestamp = 0;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (frame, after) = after.split_at(after.len().min(length & 0x3fff));
        rest = after;
        timestamp += 6_000;
        let wanted = Wanted {
            timestamp,
            fresh: length & 0x8000 != 0,
            bits: 100_000 << (settings >> 6),
            level,
        };
        let outcome = transcoder.work(&Step::Frame {
            octets: frame.to_vec(),
            wanted: (length & 0x4000 == 0).then_some(wanted),
        });
        assert_ne!(outcome, Outcome::Broken, "a codec panicked");
    }
});
