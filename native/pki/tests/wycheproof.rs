//! Wycheproof (C2SP) on the signatures that certificates, lists and handshakes are checked with.
//!
//! The vectors are not part of this repository: `VESTIBULE_SUITES` names the folder that has `wycheproof`; without
//! it one line says that nothing was tested.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::PathBuf;
use std::process::Command;

use rustls_pki_types::SignatureVerificationAlgorithm;
use serde_json::Value;
use vestibule_pki::algorithms::{self, APPROVED, SOUND};
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// As the tag-length-value of an `AlgorithmIdentifier`'s inside (RFC 8410 section 3).
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

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

/// Every case: whether the signature is good, unless the suite leaves it to us.
fn holds(name: &str, algorithm: Algorithm) {
    let Some(suite) = suite(name) else { return };
    let mut seen = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let spki = octets(&group["publicKeyDer"]);
        let spki = SubjectPublicKeyInfoOwned::from_der(&spki).unwrap();
        let key = spki.subject_public_key.as_bytes().unwrap();
        for case in group["tests"].as_array().unwrap() {
            seen += 1;
            let (message, signature) = (octets(&case["msg"]), octets(&case["sig"]));
            let good = algorithm
                .verify_signature(key, &message, &signature)
                .is_ok();
            match case["result"].as_str().unwrap() {
                "valid" => assert!(good, "{name} {case}"),
                "invalid" => assert!(!good, "{name} {case}"),
                _ => {}
            }
        }
    }
    assert_eq!(seen, suite["numberOfTests"].as_u64().unwrap());
}

fn ed25519(among: &[Algorithm]) -> Option<Algorithm> {
    let mut found = among.iter().copied();
    found.find(|one| one.signature_alg_id().as_ref() == ED25519)
}

#[test]
fn ecdsa_p256_sha256() {
    holds("ecdsa_secp256r1_sha256", algorithms::ECDSA_P256_SHA256);
}

#[test]
fn rsa_pkcs1_sha256() {
    holds(
        "rsa_signature_2048_sha256",
        algorithms::RSA_PKCS1_2048_8192_SHA256,
    );
}

#[test]
fn rsa_pss_sha256() {
    holds(
        "rsa_pss_2048_sha256_mgf1_32",
        algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    );
}

#[test]
fn ed25519_is_sound_but_not_among_the_approved() {
    holds("ed25519", ed25519(SOUND).unwrap());
    assert!(ed25519(APPROVED).is_none());
}
