//! The torture messages of RFC 4475 and RFC 5118, kept outside the repository (docs/contributors/suites.md).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use bytes::Bytes;
use vestibule_sip::{Frame, Framer, Limits, Message, Refusal, Refused, parse_datagram};

/// RFC 4475: what is wrong with each message, as far as the parser is concerned. Those that only a user
/// agent can refuse (unknown scheme, extension, hop count, bad escapes) are `None`.
const RFC4475: [(&str, Option<Refusal>); 49] = [
    ("badaspec", Some(Refusal::To)),
    ("badbranch", None),
    ("baddate", None),
    // The collection's copy lacks the empty line.
    ("baddn", Some(Refusal::Unterminated)),
    ("badinv01", Some(Refusal::Via)),
    ("badvers", Some(Refusal::Version)),
    ("bcast", None),
    ("bext01", None),
    ("bigcode", Some(Refusal::StatusCode)),
    ("clerr", Some(Refusal::ShortBody)),
    ("cparam01", None),
    ("cparam02", None),
    ("dblreq", None),
    ("esc01", None),
    ("esc02", None),
    ("escnull", None),
    ("escruri", Some(Refusal::RequestUri)),
    ("insuf", Some(Refusal::MissingFrom)),
    ("intmeth", None),
    ("inv2543", None),
    ("invut", None),
    ("longreq", None),
    ("ltgtruri", Some(Refusal::RequestUri)),
    ("lwsdisp", None),
    ("lwsruri", Some(Refusal::RequestUri)),
    ("lwsstart", Some(Refusal::RequestUri)),
    ("mcl01", Some(Refusal::RepeatedContentLength)),
    ("mismatch01", Some(Refusal::CSeqMethod)),
    ("mismatch02", Some(Refusal::CSeqMethod)),
    ("mpart01", None),
    ("multi01", Some(Refusal::Repeated)),
    ("ncl", Some(Refusal::ContentLength)),
    ("noreason", None),
    ("novelsc", None),
    ("quotbal", Some(Refusal::To)),
    ("regaut01", None),
    ("regbadct", Some(Refusal::Contact)),
    ("regescrt", None),
    ("scalar02", Some(Refusal::CSeq)),
    ("scalarlg", Some(Refusal::CSeq)),
    ("sdp01", None),
    ("semiuri", None),
    ("transports", None),
    ("trws", Some(Refusal::StartLine)),
    ("unkscm", None),
    ("unksm2", None),
    ("unreason", None),
    ("wsinv", None),
    ("zeromf", None),
];

const RFC5118: [(&str, Option<Refusal>); 12] = [
    ("ipv4-mapped-ipv6", None),
    ("ipv6-bad", Some(Refusal::RequestUri)),
    ("ipv6-bug-abnf-3-colons", Some(Refusal::RequestUri)),
    ("ipv6-correct-abnf-2-colons", None),
    ("ipv6-good", None),
    ("ipv6-in-sdp", None),
    ("mult-ip-in-header", None),
    ("mult-ip-in-sdp", None),
    ("port-ambiguous", None),
    ("port-unambiguous", None),
    ("via-received-param-no-delim", None),
    ("via-received-param-with-delim", None),
];

/// The bytes of one message; `None`, said in one line, without the collection.
fn suite(file: &str) -> Option<Bytes> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites");
    let folder = std::env::var_os("VESTIBULE_SUITES").map_or(PathBuf::from(beside), PathBuf::from);
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => Some(bytes.into()),
        Err(error) => {
            println!("{}: {error}: not tested", folder.join(file).display());
            None
        }
    }
}

fn torture(name: &str) -> Option<Result<Message, Refused>> {
    suite(&format!("rfc4475/{name}.dat")).map(|raw| parse_datagram(raw, &Limits::default()))
}

#[test]
fn each_message_of_rfc_4475_is_taken_or_refused_rightly() {
    for (name, expected) in RFC4475 {
        let Some(outcome) = torture(name) else { return };
        assert_eq!(outcome.err().map(|it| it.refusal), expected, "{name}");
    }
}

#[test]
fn each_message_of_rfc_5118_is_taken_or_refused_rightly() {
    for (name, expected) in RFC5118 {
        let Some(raw) = suite(&format!("rfc5118/{name}")) else {
            return;
        };
        let outcome = parse_datagram(raw, &Limits::default());
        assert_eq!(outcome.err().map(|it| it.refusal), expected, "{name}");
    }
}

#[test]
fn a_tortuous_invite_is_understood() {
    let Some(message) = torture("wsinv") else {
        return;
    };
    let message = message.unwrap();
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!((message.cseq(), message.method()), (9, "INVITE"));
    assert_eq!(message.from_display(), "J Rosenberg \\\"");
    assert_eq!(
        (message.from_uri(), message.from_tag()),
        ("sip:jdrosen@example.com", "98asjd8")
    );
    assert_eq!(message.to_uri(), "sip:vivekg@chair-dnrc.example.com");
    assert_eq!(message.to_tag(), "1918181833n");
    assert_eq!((message.via_count(), message.branch()), (3, "390skdjuw"));
    assert_eq!(
        message.headers("newfangledheader").next().unwrap(),
        "newfangled value continued newfangled value"
    );
    assert_eq!(message.headers("Subject").next().unwrap(), "");
    assert_eq!(
        message.values("Via").nth(1).unwrap(),
        "SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8"
    );
    assert_eq!(message.body().len(), 150);
}

#[test]
fn unusual_characters_are_understood() {
    let Some(message) = torture("intmeth") else {
        return;
    };
    let message = message.unwrap();
    assert_eq!(
        message.method(),
        "!interesting-Method0123456789_*+`.%indeed'~"
    );
    assert_eq!(message.from_display(), "token1~` token2'+_ token3*%!.-");
    assert_eq!(message.from_tag(), "_token~1'+`*%!-.");
    assert_eq!(message.max_forwards(), Some(255));
}

#[test]
fn escapes_make_no_other_header_or_method() {
    let Some(message) = torture("esc02") else {
        return;
    };
    let message = message.unwrap();
    assert_eq!(message.method(), "RE%47IST%45R");
    assert_eq!(message.values("Contact").count(), 2);
}

#[test]
fn a_datagram_ends_with_its_content_length() {
    let Some(message) = torture("dblreq") else {
        return;
    };
    let message = message.unwrap();
    assert_eq!(
        (message.method(), message.body()),
        ("REGISTER", b"".as_slice())
    );
    assert!(message.as_bytes().ends_with(b"Content-Length: 0\r\n\r\n"));
}

#[test]
fn on_a_stream_two_requests_are_two() {
    let Some(raw) = suite("rfc4475/dblreq.dat") else {
        return;
    };
    let mut framer = Framer::new(Limits::default());
    framer.push(&raw);
    let method = |frame: Option<Frame>| match frame {
        Some(Frame::Message(message)) => message.method().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(method(framer.next_frame()), "REGISTER");
    assert_eq!(method(framer.next_frame()), "INVITE");
}

#[test]
fn refused_requests_get_a_response_and_responses_none() {
    for (name, expected) in RFC4475 {
        let Some(Err(refused)) = torture(name) else {
            continue;
        };
        let is_response = ["bigcode", "scalarlg"].contains(&name);
        let response = refused.response;
        assert_eq!(response.is_none(), is_response, "{name}");
        if let (Some(response), Some(refusal)) = (response, expected) {
            let start = format!("SIP/2.0 {} ", refusal.status());
            assert!(response.starts_with(start.as_bytes()), "{name}");
            assert!(response.ends_with(b"Content-Length: 0\r\n\r\n"), "{name}");
        }
    }
}
