//! Wycheproof (C2SP) on AES-GCM as SRTP uses it: nonces of 96 bits, tags of 128.
//!
//! The vectors are not part of this repository: `VESTIBULE_SUITES` names the folder that has `wycheproof`; without
//! it one line says that nothing was tested.

use std::path::PathBuf;
use std::process::Command;

use aws_lc_rs::aead::Nonce;
use serde_json::Value;

use super::suite::Suite;
use super::transform::Transform;

fn suite() -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites");
    let folder = std::env::var_os("VESTIBULE_SUITES").map_or(PathBuf::from(beside), PathBuf::from);
    let file = folder.join("wycheproof/aes_gcm_test.json.xz");
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

#[test]
fn aes_gcm() {
    let Some(vectors) = suite() else { return };
    let mut seen = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        let suite = match group["keySize"].as_u64().unwrap() {
            128 => Suite::AeadAes128Gcm,
            256 => Suite::AeadAes256Gcm,
            _ => continue,
        };
        if group["ivSize"] != 96 || group["tagSize"] != 128 {
            continue;
        }
        for case in group["tests"].as_array().unwrap() {
            seen += 1;
            holds(suite, case);
        }
    }
    assert!(seen > 100, "{seen}");
}

fn holds(suite: Suite, case: &Value) {
    let transform = Transform::from_session(suite, &octets(&case["key"]), &[0; 12], &[]).unwrap();
    let Transform::Galois(mode) = transform else {
        panic!("not GCM")
    };
    let nonce = || Nonce::try_assume_unique_for_key(&octets(&case["iv"])).unwrap();
    let associated = octets(&case["aad"]);
    let mut sealed = [octets(&case["ct"]), octets(&case["tag"])].concat();
    let good = mode.open(nonce(), &associated, &mut sealed).is_ok();
    assert_eq!(good, case["result"] == "valid", "{case}");
    if good {
        let mut data = octets(&case["msg"]);
        assert_eq!(sealed[..data.len()], data, "{case}");
        let tag = mode.seal(nonce(), &associated, &mut data).unwrap();
        assert_eq!(
            (data, tag.to_vec()),
            (octets(&case["ct"]), octets(&case["tag"])),
            "{case}"
        );
    }
}
