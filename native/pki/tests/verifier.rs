//! Each refusal of ours with a certificate or a list that earns it; data/make.py made them.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use vestibule_pki::{
    Anchors, ExpectedName, Limits, Presented, Purpose, Refusal, RevocationList, SipDomain, Verifier,
};

const DAY: u64 = 24 * 3600;
const LISTS: [&str; 2] = ["issuer", "root"];

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    std::fs::read(Path::new(folder).join(name)).unwrap()
}

fn certificate(name: &str) -> CertificateDer<'static> {
    file(&format!("{name}.der")).into()
}

fn in_days(days: u64) -> UnixTime {
    let made: u64 = String::from_utf8(file("made"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    UnixTime::since_unix_epoch(Duration::from_secs(made + days * DAY))
}

fn verifier(root: &str, lists: &[&str], grace: Duration) -> Verifier {
    let mut anchors = Anchors::default();
    anchors.add(&certificate(root)).unwrap();
    let lists = lists
        .iter()
        .map(|name| RevocationList::from_der(&file(&format!("{name}.crl"))).unwrap());
    Verifier::new(anchors, lists.collect(), grace, Limits::default())
}

/// What is wrong with a client of ours that presents this, given these lists.
fn fault(lists: &[&str], name: &str, days: u64) -> Option<Refusal> {
    let verifier = verifier("root", lists, Duration::ZERO);
    let presented = Presented {
        peer: &certificate(name),
        intermediates: &[certificate("issuer")],
    };
    let outcome = verifier.verify(presented, Purpose::Client, None, in_days(days));
    outcome.err()
}

/// What is wrong with a server that presents this under that name.
fn server_fault(name: &str, expected: &ExpectedName) -> Option<Refusal> {
    let verifier = verifier("root", &LISTS, Duration::ZERO);
    let presented = Presented {
        peer: &certificate(name),
        intermediates: &[certificate("issuer")],
    };
    let outcome = verifier.verify(presented, Purpose::Server, Some(expected), in_days(0));
    outcome.err()
}

fn host(name: &str) -> ExpectedName {
    ExpectedName::Host(ServerName::try_from(name.to_owned()).unwrap())
}

fn domain(name: &str) -> ExpectedName {
    ExpectedName::SipDomain(SipDomain::new(name).unwrap())
}

#[test]
fn a_good_client_is_accepted() {
    assert_eq!(fault(&LISTS, "client", 0), None);
}

#[test]
fn each_unfit_client_is_refused_by_name() {
    for (name, refusal) in [
        ("server", Refusal::Purpose),
        ("no_purpose", Refusal::AnyPurpose),
        ("client_and_any", Refusal::AnyPurpose),
        ("signs_certificates", Refusal::KeyUsage),
        ("does_not_sign", Refusal::KeyUsage),
        ("constrains", Refusal::ConstraintsInPeer),
        ("authority", Refusal::AuthorityAsPeer),
        ("unknown_extension", Refusal::CriticalExtension),
        ("no_points", Refusal::NoDistributionPoint),
        ("weak_rsa", Refusal::WeakKey),
        ("revoked", Refusal::Revoked),
        ("mute_client", Refusal::UnknownIssuer),
    ] {
        assert_eq!(fault(&LISTS, name, 0), Some(refusal), "{name}");
    }
    // rustls-webpki finds that one lacking before we find it too wide.
    assert_eq!(fault(&LISTS, "any_purpose", 0), Some(Refusal::Purpose));
}

#[test]
fn a_certificate_past_its_time_is_refused() {
    assert_eq!(fault(&LISTS, "client", 31), Some(Refusal::Expired));
}

#[test]
fn each_unfit_list_is_refused_by_name() {
    let point = |name: &str| vec![format!("https://crl.test/{name}.crl")];
    for (name, refusal) in [
        (
            "forged",
            Refusal::ListSignature {
                fetch: point("issuer"),
            },
        ),
        ("no_number", Refusal::ListNumber),
        ("critical_number", Refusal::ListNumber),
        ("delta", Refusal::ListKind),
        ("indirect", Refusal::ListKind),
        ("attributes", Refusal::ListKind),
        ("unknown_extension", Refusal::ListKind),
        (
            "elsewhere",
            Refusal::RevocationUnknown {
                fetch: point("issuer"),
            },
        ),
        (
            "authorities",
            Refusal::RevocationUnknown {
                fetch: point("issuer"),
            },
        ),
        (
            "stale",
            Refusal::ListExpired {
                fetch: point("issuer"),
            },
        ),
        (
            "tomorrow",
            Refusal::ListExpired {
                fetch: point("issuer"),
            },
        ),
    ] {
        assert_eq!(fault(&["root", name], "client", 0), Some(refusal), "{name}");
    }
    assert_eq!(fault(&["root", "peers"], "client", 0), None);
    assert_eq!(fault(&["root", "elsewhere"], "elsewhere", 0), None);
}

#[test]
fn revocation_must_be_known_of_the_whole_chain() {
    let all = vec![
        "https://crl.test/issuer.crl".to_owned(),
        "https://crl.test/root.crl".to_owned(),
    ];
    let unknown = |fetch: &[String]| {
        Some(Refusal::RevocationUnknown {
            fetch: fetch.to_vec(),
        })
    };
    assert_eq!(fault(&[], "client", 0), unknown(&all));
    assert_eq!(fault(&["issuer"], "client", 0), unknown(&all[1..]));
    assert_eq!(fault(&["root"], "client", 0), unknown(&all[..1]));
    let revoked = fault(&["issuer", "issuer_revoked"], "client", 0);
    assert_eq!(revoked, Some(Refusal::Revoked));
}

#[test]
fn what_is_listed_once_is_revoked_however_old_the_list_or_new_another() {
    assert_eq!(
        fault(&["root", "stale"], "revoked", 0),
        Some(Refusal::Revoked)
    );
    let other_does_not_list_it = ["root", "peers", "stale"];
    assert_eq!(
        fault(&other_does_not_list_it, "revoked", 0),
        Some(Refusal::Revoked)
    );
}

#[test]
fn a_forged_list_beside_the_true_one_does_no_harm() {
    assert_eq!(fault(&["forged", "issuer", "root"], "client", 0), None);
    assert_eq!(
        fault(&["issuer", "root", "forged"], "revoked", 0),
        Some(Refusal::Revoked)
    );
}

#[test]
fn a_list_ends_with_its_next_update_and_not_before_the_grace() {
    assert_eq!(fault(&LISTS, "client", 6), None);
    let expired = fault(&LISTS, "client", 8);
    assert!(matches!(expired, Some(Refusal::ListExpired { .. })));
    let lenient = verifier("root", &LISTS, Duration::from_secs(2 * DAY));
    let presented = Presented {
        peer: &certificate("client"),
        intermediates: &[certificate("issuer")],
    };
    let outcome = |days| lenient.verify(presented, Purpose::Client, None, in_days(days));
    assert_eq!(outcome(8), Ok(()));
    assert!(outcome(10).is_err());
}

#[test]
fn a_root_must_be_in_its_time_sign_lists_and_allow_the_depth() {
    let outcome = |kind: &str, days| {
        let name = |what: &str| format!("{kind}_{what}");
        let lists = [name("issuer"), name("root")];
        let lists = lists.each_ref().map(String::as_str);
        let verifier = verifier(&name("root"), &lists, Duration::ZERO);
        let presented = Presented {
            peer: &certificate(&name("client")),
            intermediates: &[certificate(&name("issuer"))],
        };
        verifier.verify(presented, Purpose::Client, None, in_days(days))
    };
    assert_eq!(outcome("brief", 9), Ok(()));
    assert_eq!(outcome("brief", 11), Err(Refusal::Expired));
    assert_eq!(outcome("mute", 0), Err(Refusal::ListSigner));
    assert_eq!(outcome("short", 0), Err(Refusal::PathLength));
}

#[test]
fn a_host_is_named_exactly_or_by_its_first_label() {
    assert_eq!(server_fault("server", &host("edge.test")), None);
    assert_eq!(server_fault("server", &host("any.wild.test")), None);
    for other in ["other.test", "a.b.wild.test", "wild.test", "127.0.0.1"] {
        assert_eq!(
            server_fault("server", &host(other)),
            Some(Refusal::Name),
            "{other}"
        );
    }
    assert_eq!(
        server_fault("client", &host("edge.test")),
        Some(Refusal::Purpose)
    );
    let malformed = server_fault("underscore", &host("under_score.test"));
    assert_eq!(malformed, Some(Refusal::AlternativeName));
    let disguised = server_fault("disguised", &host("edge.test"));
    assert_eq!(disguised, Some(Refusal::CommonName));
}

#[test]
fn a_partner_speaks_for_the_domain_it_is_certified_for_and_no_other() {
    assert_eq!(server_fault("domain", &domain("example.org")), None);
    assert_eq!(server_fault("domain", &domain("EXAMPLE.org")), None);
    assert_eq!(server_fault("domain_by_dns", &domain("example.org")), None);
    for (name, asked) in [
        // A URI is there, so DNS names don't count (RFC 5922 section 7.1).
        ("domain", "sip.example.org"),
        ("domain", "org.example"),
        // No wildcards (section 7.2).
        ("domain_by_dns", "sub.example.org"),
        ("domain_by_common_name", "example.org"),
        // A person is no domain.
        ("person", "example.org"),
    ] {
        let refusal = server_fault(name, &domain(asked));
        assert_eq!(refusal, Some(Refusal::Name), "{name} for {asked}");
    }
}

#[test]
fn what_is_no_domain_is_not_asked_for() {
    for text in [
        "",
        "localhost",
        "127.0.0.1",
        "*.example.org",
        "a b.org",
        "example.org\0.evil",
    ] {
        assert_eq!(SipDomain::new(text), None, "{text}");
    }
}

#[test]
fn too_many_certificates_are_not_looked_at() {
    let verifier = verifier("root", &LISTS, Duration::ZERO);
    let presented = Presented {
        peer: &certificate("client"),
        intermediates: &vec![certificate("issuer"); 9],
    };
    let outcome = verifier.verify(presented, Purpose::Client, None, in_days(0));
    assert_eq!(outcome, Err(Refusal::TooLong));
}

#[test]
fn what_is_no_list_is_said_so() {
    let mut list = file("issuer.crl");
    for junk in [b"junk".to_vec(), Vec::new(), list[..40].to_vec()] {
        assert!(RevocationList::from_der(&junk).is_err());
    }
    list.push(0);
    assert!(RevocationList::from_der(&list).is_err());
}

/// Whatever byte is changed, in a certificate or a list, and however: nothing panics, nothing is let in.
#[test]
fn no_changed_byte_is_accepted() {
    let (peer, issuer) = (file("client.der"), file("issuer.der"));
    let (list, of_root) = (file("issuer.crl"), file("root.crl"));
    let outcome = |peer: &[u8], issuer: &[u8], list: &[u8]| {
        let mut anchors = Anchors::default();
        anchors.add(&certificate("root")).unwrap();
        let lists = [list, &of_root].map(RevocationList::from_der);
        let lists: Vec<_> = lists.into_iter().flatten().collect();
        let verifier = Verifier::new(anchors, lists, Duration::ZERO, Limits::default());
        let presented = Presented {
            peer: &CertificateDer::from(peer),
            intermediates: &[CertificateDer::from(issuer)],
        };
        verifier.verify(presented, Purpose::Client, None, in_days(0))
    };
    assert_eq!(outcome(&peer, &issuer, &list), Ok(()));
    for mask in [0x01, 0x80, 0xff] {
        let changed = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= mask;
            bytes
        };
        for at in 0..peer.len() {
            assert!(outcome(&changed(&peer, at), &issuer, &list).is_err());
        }
        for at in 0..issuer.len() {
            assert!(outcome(&peer, &changed(&issuer, at), &list).is_err());
        }
        for at in 0..list.len() {
            assert!(outcome(&peer, &issuer, &changed(&list, at)).is_err());
        }
    }
}
