//! Wycheproof (C2SP) on the HMACs of STUN.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use vestibule_relay::stun::integrity::Integrity;
use vestibule_suites::{octets, wycheproof};

/// Whole tags only, as STUN has them, over messages that have at least STUN's first four octets.
fn holds(name: &str, integrity: Integrity) {
    let Some(suite) = wycheproof(name) else {
        return;
    };
    let mut seen = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        if group["tagSize"].as_u64().unwrap() != 8 * integrity.length() as u64 {
            continue;
        }
        for case in group["tests"].as_array().unwrap() {
            let (key, message) = (octets(&case["key"]), octets(&case["msg"]));
            let Some((start, rest)) = message.split_first_chunk::<4>() else {
                continue;
            };
            seen += 1;
            let good = integrity.verify(&key, *start, rest, &octets(&case["tag"]));
            assert_eq!(good, case["result"] == "valid", "{name} {case}");
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn hmac_sha1() {
    holds("hmac_sha1", Integrity::Sha1);
}

#[test]
fn hmac_sha256() {
    holds("hmac_sha256", Integrity::Sha256);
}
