//! x509-limbo (C2SP) with bettertls (Netflix): 9,780 chains and what becomes of each.
//!
//! The cases are not part of this repository: `VESTIBULE_SUITES` names the folder that has
//! `x509-limbo.json.xz`; without it one line says that nothing was tested. Where we differ, docs/x509-limbo.md
//! says why, and the table below holds us to it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use serde::Deserialize;
use vestibule_pki::{
    Anchors, ExpectedName, Limits, Presented, Purpose, Refusal, RevocationList, Verifier,
};

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<usize>,
    crls: Vec<String>,
}

#[derive(Deserialize)]
struct PeerName {
    kind: String,
    value: String,
}

#[test]
fn every_case_of_x509_limbo() {
    let Some(json) = vestibule_suites::json("x509-limbo") else {
        return;
    };
    let limbo: Limbo = serde_json::from_slice(&json).unwrap();
    let mut wrong = BTreeMap::new();
    for case in &limbo.testcases {
        let outcome = verify(case);
        let expected = case.expected_result == "SUCCESS";
        if outcome.is_ok() != expected {
            wrong.insert(case.id.as_str(), outcome);
        }
    }
    println!("{} cases", limbo.testcases.len());
    for (id, outcome) in &wrong {
        println!("unlike limbo: {id}: {outcome:?}");
    }
    let wrong: BTreeSet<&str> = wrong.into_keys().collect();
    let expected = NOT_APPLICABLE.into_iter().chain(OTHERWISE);
    assert_eq!(wrong, expected.collect());
}

fn verify(case: &Case) -> Result<(), Refusal> {
    let mut anchors = Anchors::default();
    for root in certificates(&case.trusted_certs) {
        // One that can't be read is one that isn't trusted.
        let _ = anchors.add(&root);
    }
    let lists = case.crls.iter().map(|pem| {
        let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).unwrap();
        RevocationList::from_der(&der).unwrap()
    });
    // Chains of the suite may be longer than any that we would follow from a stranger.
    let limits = Limits {
        presented: 100,
        depth: case.max_chain_depth.unwrap_or(16),
    };
    let verifier = Verifier::new(anchors, lists.collect(), Duration::ZERO, limits)
        .for_conformance(!case.crls.is_empty());
    let peer = certificate(&case.peer_certificate).ok_or(Refusal::Unreadable)?;
    let presented = Presented {
        peer: &peer,
        intermediates: &certificates(&case.untrusted_intermediates),
    };
    let purpose = match case.validation_kind.as_str() {
        "SERVER" => Purpose::Server,
        _ => Purpose::Client,
    };
    let name = case.expected_peer_name.as_ref().map(|name| {
        assert!(matches!(name.kind.as_str(), "DNS" | "IP"), "{}", name.kind);
        ServerName::try_from(name.value.clone()).map(ExpectedName::Host)
    });
    let name = name.transpose().map_err(|_| Refusal::Name)?;
    verifier.verify(presented, purpose, name.as_ref(), time(case))
}

fn certificate(pem: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

fn certificates(pems: &[String]) -> Vec<CertificateDer<'static>> {
    pems.iter().filter_map(|pem| certificate(pem)).collect()
}

/// Of a case that doesn't say, when the suite was compiled: its certificates are of that day.
fn time(case: &Case) -> UnixTime {
    let seconds = case.validation_time.as_deref().map_or(COMPILED, seconds_of);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

const COMPILED: u64 = 1_780_000_000;

/// Of a time such as 2024-04-01T00:00:01+00:00, its fraction dropped.
fn seconds_of(text: &str) -> u64 {
    assert!(text.ends_with("+00:00"), "{text}");
    let part = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    // Days of the proleptic Gregorian calendar, its years beginning in March.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day;
    ((days - 719_469) * 24 + part(11, 13)) * 3600 + part(14, 16) * 60 + part(17, 19)
}

/// Cases of features that we don't have. All but two are refused, which is the safe side.
const NOT_APPLICABLE: [&str; 9] = [
    // E-mail addresses as peers: ours are hosts, SIP domains and devices.
    "rfc5280::nc::nc-permits-email-domain",
    "rfc5280::nc::nc-permits-email-exact",
    "rfc5280::nc::nc-permits-email-literal-asterisk-exact-match",
    "rfc5280::nc::nc-permits-email-literal-double-asterisk",
    "rfc5280::nc::nc-permits-email-literal-mid-asterisk",
    // Constraints on directory names: not processed, so refused, as RFC 5280 section 4.2.1.10 says.
    "rfc5280::nc::permitted-dn-match",
    // The suite holds this one to be incompatible with its twin webpki::nc::permitted-dns-match-noncritical.
    "rfc5280::nc::permitted-dns-match-noncritical",
    // Needs the public suffix list.
    "webpki::san::public-suffix-multi-label-wildcard-san",
    "webpki::san::public-suffix-private-namespace-wildcard-san",
];

/// Cases that end otherwise than limbo expects; docs/x509-limbo.md gives each its reason.
const OTHERWISE: [&str; 9] = [
    "pathlen::self-issued-certs-pathlen",
    "pathlen::validation-ignores-pathlen-in-leaf",
    "rfc5280::ca-as-leaf",
    "rfc5280::eku::ee-without-eku",
    "rfc5280::nc::permitted-self-issued",
    "webpki::cn::case-mismatch",
    "webpki::cn::not-in-san",
    "webpki::cn::punycode-not-in-san",
    "webpki::cn::utf8-vs-punycode-mismatch",
];
