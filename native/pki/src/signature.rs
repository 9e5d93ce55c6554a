//! Signatures over revocation lists.

use webpki::ALL_VERIFICATION_ALGS;
use x509_cert::der::Encode;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// Whether `signature` over `message` is of that key by that algorithm. SHA-1 and MD5 never are.
pub fn verifies(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let (key_kind, kind) = (contents(&key.algorithm), contents(algorithm));
    let public_key = key.subject_public_key.as_bytes().unwrap_or_default();
    ALL_VERIFICATION_ALGS
        .iter()
        .filter(|one| one.signature_alg_id().as_ref() == kind)
        .filter(|one| one.public_key_alg_id().as_ref() == key_kind)
        .any(|one| one.verify_signature(public_key, message, signature).is_ok())
}

/// What stands inside the sequence (RFC 5280 section 4.1.1.2).
fn contents(algorithm: &AlgorithmIdentifierOwned) -> Vec<u8> {
    let mut out = algorithm.oid.to_der().unwrap_or_default();
    if let Some(parameters) = &algorithm.parameters {
        out.extend(parameters.to_der().unwrap_or_default());
    }
    out
}
