//! Wycheproof (C2SP) on the HMACs of STUN.
//!
//! The vectors are not part of this repository: `VESTIBULE_SUITES` names the folder that has `wycheproof`; without
//! it one line says that nothing was tested.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use vestibule_relay::stun::integrity::Integrity;

fn suite(name: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites");
    let folder = std::env::var_os("VESTIBULE_SUITES").map_or(PathBuf::from(beside), PathBuf::from);
    let file = folder.join(format!("wycheproof/{name}_test.json.xz"));
    if !file.exists() {
        println!("{} is not there: not tested", file.display());
        return None;
    }
    let unpacked = Command::new("xz").arg("-dc").arg(&file).output();
    let unpacked = unpacked.expect("xz unpacks the suite");
    Some(serde_json::from_slice(&unpacked.stdout).unwrap())
}

fn octets(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Whole tags only, as STUN has them, over messages that have at least STUN's first four octets.
fn holds(name: &str, integrity: Integrity) {
    let Some(suite) = suite(name) else { return };
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
