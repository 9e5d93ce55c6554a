//! Wycheproof (C2SP) on AES-GCM as SRTP uses it: nonces of 96 bits, tags of 128.

use aws_lc_rs::aead::Nonce;
use serde_json::Value;
use vestibule_suites::{octets, wycheproof};

use super::suite::Suite;
use super::transform::Transform;

#[test]
fn aes_gcm() {
    let Some(vectors) = wycheproof("aes_gcm") else {
        return;
    };
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
