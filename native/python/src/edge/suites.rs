//! What TLS is made of: cipher suites, groups and signatures, the best first.

use rustls::SignatureScheme as Scheme;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls_pki_types::SignatureVerificationAlgorithm;
use vestibule_pki::algorithms as signed;

/// AEAD suites only, AES-256-GCM first; hybrid post-quantum key agreement first. With `fips`, what NIST has
/// approved and nothing else (docs/admins/fips.md says why each is in or out).
pub fn provider(fips: bool) -> CryptoProvider {
    let mut provider = everything();
    if fips {
        provider
            .cipher_suites
            .retain(|suite| !format!("{:?}", suite.suite()).contains("CHACHA20"));
        provider
            .kx_groups
            .retain(|group| group.name() != rustls::NamedGroup::X25519);
        provider.signature_verification_algorithms = APPROVED;
    }
    provider
}

fn everything() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suite, kx_group as kx};
    let default = aws_lc_rs::default_provider();
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx::X25519MLKEM768, kx::X25519, kx::SECP256R1, kx::SECP384R1],
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: signed::SOUND,
            ..default.signature_verification_algorithms
        },
        ..default
    }
}

type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

/// Without Ed25519. TLS 1.2 lets a hash go with any curve, TLS 1.3 takes the first of each row.
static APPROVED: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: signed::APPROVED,
    mapping: MAPPING,
};

const MAPPING: &[(Scheme, Algorithms)] = &[
    (
        Scheme::ECDSA_NISTP384_SHA384,
        &[
            signed::ECDSA_P384_SHA384,
            signed::ECDSA_P256_SHA384,
            signed::ECDSA_P521_SHA384,
        ],
    ),
    (
        Scheme::ECDSA_NISTP256_SHA256,
        &[
            signed::ECDSA_P256_SHA256,
            signed::ECDSA_P384_SHA256,
            signed::ECDSA_P521_SHA256,
        ],
    ),
    (Scheme::ECDSA_NISTP521_SHA512, &[signed::ECDSA_P521_SHA512]),
    (
        Scheme::RSA_PSS_SHA512,
        &[signed::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
    ),
    (
        Scheme::RSA_PSS_SHA384,
        &[signed::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
    ),
    (
        Scheme::RSA_PSS_SHA256,
        &[signed::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
    ),
    (
        Scheme::RSA_PKCS1_SHA512,
        &[signed::RSA_PKCS1_2048_8192_SHA512],
    ),
    (
        Scheme::RSA_PKCS1_SHA384,
        &[signed::RSA_PKCS1_2048_8192_SHA384],
    ),
    (
        Scheme::RSA_PKCS1_SHA256,
        &[signed::RSA_PKCS1_2048_8192_SHA256],
    ),
];

#[cfg(test)]
mod tests {
    use rustls::{CipherSuite, NamedGroup, SignatureScheme};

    use super::provider;

    #[test]
    fn the_strongest_comes_first() {
        for provider in [provider(false), provider(true)] {
            let first = provider.cipher_suites[0].suite();
            assert_eq!(first, CipherSuite::TLS13_AES_256_GCM_SHA384);
            assert_eq!(provider.kx_groups[0].name(), NamedGroup::X25519MLKEM768);
        }
    }

    #[test]
    fn what_is_not_approved_goes_and_the_rest_stays() {
        let (all, fips) = (provider(false), provider(true));
        let lost = |all: usize, left: usize| all - left;
        assert_eq!(lost(all.cipher_suites.len(), fips.cipher_suites.len()), 3);
        assert_eq!(lost(all.kx_groups.len(), fips.kx_groups.len()), 1);
        let schemes =
            |of: &super::CryptoProvider| of.signature_verification_algorithms.supported_schemes();
        let (all, fips) = (schemes(&all), schemes(&fips));
        let lost: Vec<_> = all.iter().filter(|scheme| !fips.contains(scheme)).collect();
        assert!(lost.contains(&&SignatureScheme::ED25519));
        // And what the TLS library knows already but no certificate of ours may have.
        let is_new = |scheme: &SignatureScheme| format!("{scheme:?}").starts_with("ML_DSA");
        assert!(
            lost.iter()
                .all(|&&it| it == SignatureScheme::ED25519 || is_new(&it))
        );
    }
}
