//! Wycheproof (C2SP) on the signatures that certificates, lists and handshakes are checked with.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use rustls_pki_types::SignatureVerificationAlgorithm;
use vestibule_pki::algorithms::{self, APPROVED, SOUND};
use vestibule_suites::{octets, wycheproof};
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// As the tag-length-value of an `AlgorithmIdentifier`'s inside (RFC 8410 section 3).
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Every case: whether the signature is good, unless the suite leaves it to us.
fn holds(name: &str, algorithm: Algorithm) {
    let Some(suite) = wycheproof(name) else {
        return;
    };
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
