//! RTCP of any kind in plain, and what it tells of arrivals to the estimate of a way's bandwidth. The first octet
//! of a piece tells its length.
#![no_main]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vestibule_media::bandwidth::Estimator;
use vestibule_media::rtcp::{Feedback, parse_reduced};

fuzz_target!(|data: &[u8]| {
    static START: OnceLock<Instant> = OnceLock::new();
    let mut now = *START.get_or_init(Instant::now);
    let mut estimator = Estimator::new(now, 2_000_000);
    estimator.desire(10_000_000);
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (piece, after) = after.split_at(after.len().min(usize::from(*length)));
        rest = after;
        for _ in 0..10 {
            estimator.sent(now, 1_200);
        }
        now += Duration::from_millis(20);
        estimator.tick(now, true);
        // As a report of arrivals, and as a packet of which that is one part.
        estimator.report(now, piece);
        for part in parse_reduced(piece).into_iter().flatten() {
            for wish in part.feedback() {
                match wish {
                    Feedback::Arrivals(body) => {
                        estimator.report(now, body);
                    }
                    Feedback::Lost { packets, .. } => {
                        assert!(packets.iter().count() <= 17 * piece.len() / 4);
                    }
                    Feedback::Keyframe { .. } => {}
                }
            }
        }
        assert!((10_000..=100_000_000).contains(&estimator.bits()));
    }
});
