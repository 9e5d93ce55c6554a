//! A peer's certificate, an intermediate or a revocation list of a stranger: read whole, never accepted.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::{CertificateDer, UnixTime};
use vestibule_pki::{Anchors, Limits, Presented, Purpose, RevocationList, Verifier};

const ROOT: &[u8] = include_bytes!("../../pki/tests/data/root.der");
const ISSUER: &[u8] = include_bytes!("../../pki/tests/data/issuer.der");
const REVOKED: &[u8] = include_bytes!("../../pki/tests/data/revoked.der");
const LISTS: [&[u8]; 2] = [
    include_bytes!("../../pki/tests/data/issuer.crl"),
    include_bytes!("../../pki/tests/data/root.crl"),
];
const MADE: &str = include_str!("../../pki/tests/data/made");

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| verifier(&[]));

fn verifier(further: &[u8]) -> Verifier {
    let mut anchors = Anchors::default();
    anchors.add(&CertificateDer::from(ROOT)).unwrap();
    let lists = LISTS.iter().copied().chain([further]);
    let lists = lists.filter_map(|der| RevocationList::from_der(der).ok());
    Verifier::new(anchors, lists.collect(), Duration::ZERO, Limits::default())
}

/// Whether the revoked peer is let in after all.
fn accepted(verifier: &Verifier, peer: &[u8], issuer: &[u8]) -> bool {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(MADE.trim().parse().unwrap()));
    let presented = Presented {
        peer: &CertificateDer::from(peer),
        intermediates: &[CertificateDer::from(issuer)],
    };
    verifier
        .verify(presented, Purpose::Client, None, now)
        .is_ok()
}

fuzz_target!(|data: &[u8]| {
    assert!(!accepted(&VERIFIER, data, ISSUER));
    assert!(!accepted(&VERIFIER, REVOKED, data));
    if RevocationList::from_der(data).is_ok() {
        assert!(!accepted(&verifier(data), REVOKED, ISSUER));
    }
    let _ = Anchors::default().add(&CertificateDer::from(data));
});
