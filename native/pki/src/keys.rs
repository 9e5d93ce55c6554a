//! Which public keys are strong enough (NIST SP 800-57, CA/Browser Forum BR section 6.1.5).

use x509_cert::der::asn1::{ObjectIdentifier, SequenceRef, UintRef};
use x509_cert::der::{Decode, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::refusal::Refusal;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    ObjectIdentifier::new_unwrap("1.3.132.0.34"),
    ObjectIdentifier::new_unwrap("1.3.132.0.35"),
];
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// RSA of 2048 to 8192 bits, P-256, P-384, P-521 by name, or Ed25519.
///
/// A curve must be named: parameters of one's own let a forger choose the generator (CVE-2020-0601).
///
/// # Errors
/// [`Refusal::WeakKey`].
pub fn check(key: &SubjectPublicKeyInfoOwned) -> Result<(), Refusal> {
    let strong = match key.algorithm.oid {
        RSA => is_strong_rsa(key.subject_public_key.as_bytes().unwrap_or_default()),
        EC => {
            let curve = key.algorithm.parameters.as_ref();
            let curve = curve.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
            curve.is_some_and(|curve| CURVES.contains(&curve))
        }
        ED25519 => key.algorithm.parameters.is_none(),
        _ => false,
    };
    if strong {
        Ok(())
    } else {
        Err(Refusal::WeakKey)
    }
}

fn is_strong_rsa(der: &[u8]) -> bool {
    let Some((modulus, exponent)) = rsa_numbers(der) else {
        return false;
    };
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(leading as usize);
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
    RSA_BITS.contains(&bits) && bits % 8 == 0 && odd && exponent != [1]
}

/// Modulus and exponent (RFC 8017 appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let numbers = <&SequenceRef>::from_der(der).ok()?;
    let mut reader = SliceReader::new(numbers.as_bytes()).ok()?;
    let modulus = UintRef::decode(&mut reader).ok()?;
    let exponent = UintRef::decode(&mut reader).ok()?;
    Some((modulus.as_bytes(), exponent.as_bytes()))
}
