//! What is written is what was received, but for what was asked.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use vestibule_sip::{EditError, Forward, Limits, Message, build_request, parse_datagram};

const INVITE: &str = "INVITE sip:b@d SIP/2.0\r\nv : SIP/2.0/TLS p;branch=1 ,\r\n SIP/2.0/TLS h;branch=2\r\n\
    Route: <sip:x;lr>,<sip:y;lr>\r\nroute: <sip:z;lr>\r\nFROM:  \"A\" <sip:a@d>;tag=1\r\nt:<sip:b@d>\r\n\
    P-Asserted-Identity\t: <sip:ceo@d>\r\nRecord-Route: <sip:p;lr>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
    Max-Forwards:  70\r\nTimestamp: 54\r\nl:  3\r\n\r\nabc";

fn parse(text: &str) -> Message {
    parse_datagram(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn forwarded(forward: &Forward<'_>) -> String {
    String::from_utf8(parse(INVITE).forwarded(forward).unwrap()).unwrap()
}

#[test]
fn nothing_asked_nothing_changed() {
    assert_eq!(forwarded(&Forward::default()), INVITE);
}

#[test]
fn a_request_on_its_way_through_a_proxy() {
    let out = forwarded(&Forward {
        uri: Some("sip:b@10.0.0.1"),
        push_via: Some("SIP/2.0/TLS me;branch=0"),
        push_record_route: Some("<sip:me;lr>"),
        pop_routes: 1,
        max_forwards: Some(69),
        drop: &["p-asserted-identity"],
        add: &[("History-Info", "<sip:b@d>;index=1")],
        ..Forward::default()
    });
    let expected = INVITE
        .replace("INVITE sip:b@d SIP/2.0\r\n", "INVITE sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=0\r\nRecord-Route: <sip:me;lr>\r\n")
        .replace("<sip:x;lr>,", "")
        .replace("P-Asserted-Identity\t: <sip:ceo@d>\r\n", "")
        .replace("Max-Forwards:  70", "Max-Forwards:  69")
        .replace("l:  3\r\n", "l:  3\r\nHistory-Info: <sip:b@d>;index=1\r\n");
    assert_eq!(out, expected);
}

#[test]
fn values_are_popped_across_lines() {
    let out = forwarded(&Forward {
        pop_routes: 2,
        ..Forward::default()
    });
    assert_eq!(out, INVITE.replace("Route: <sip:x;lr>,<sip:y;lr>\r\n", ""));
    let out = forwarded(&Forward {
        pop_routes: 9,
        ..Forward::default()
    });
    assert_eq!(
        out,
        INVITE.replace("Route: <sip:x;lr>,<sip:y;lr>\r\nroute: <sip:z;lr>\r\n", "")
    );
    let out = forwarded(&Forward {
        pop_via: true,
        ..Forward::default()
    });
    assert_eq!(out, INVITE.replace("SIP/2.0/TLS p;branch=1 ,\r\n ", ""));
}

#[test]
fn a_new_body_renews_its_length() {
    let out = forwarded(&Forward {
        body: Some(b"longer body"),
        ..Forward::default()
    });
    assert_eq!(
        out,
        INVITE.replace("l:  3\r\n\r\nabc", "l:  11\r\n\r\nlonger body")
    );
}

#[test]
fn what_was_missing_is_added() {
    let text = INVITE
        .replace("Max-Forwards:  70\r\n", "")
        .replace("l:  3\r\n", "");
    let forward = Forward {
        max_forwards: Some(69),
        ..Forward::default()
    };
    let out = String::from_utf8(parse(&text).forwarded(&forward).unwrap()).unwrap();
    assert_eq!(
        out,
        text.replace(
            "\r\n\r\n",
            "\r\nMax-Forwards: 69\r\nContent-Length: 3\r\n\r\n"
        )
    );
}

#[test]
fn a_response_copies_what_it_must() {
    let message = parse(INVITE);
    let response = message
        .response(183, "", Some("x"), &[("Content-Type", "a/b")], b"hi")
        .unwrap();
    let expected = "SIP/2.0 183 Session Progress\r\nv : SIP/2.0/TLS p;branch=1 ,\r\n SIP/2.0/TLS h;branch=2\r\n\
        FROM:  \"A\" <sip:a@d>;tag=1\r\nt:<sip:b@d>;tag=x\r\nRecord-Route: <sip:p;lr>\r\nCall-ID: c\r\n\
        CSeq: 1 INVITE\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(String::from_utf8(response).unwrap(), expected);
    let trying = message.response(100, "", None, &[], b"").unwrap();
    assert!(
        String::from_utf8(trying)
            .unwrap()
            .contains("Timestamp: 54\r\n")
    );
}

#[test]
fn a_to_tag_that_is_there_stays() {
    let message = parse(&INVITE.replace("t:<sip:b@d>", "t:sip:b@d ; tag = 7"));
    let response = message.response(200, "Fine", Some("x"), &[], b"").unwrap();
    assert!(
        String::from_utf8(response)
            .unwrap()
            .contains("\r\nt:sip:b@d ; tag = 7\r\n")
    );
}

#[test]
fn a_built_request_is_a_message() {
    let headers = [
        ("Via", "SIP/2.0/TLS h;branch=1"),
        ("From", "<sip:a@d>;tag=1"),
        ("To", "<sip:b@d>"),
        ("Call-ID", "c"),
        ("CSeq", "1 MESSAGE"),
    ];
    let built = build_request("MESSAGE", "sip:b@d", &headers, b"hi").unwrap();
    let message = parse(std::str::from_utf8(&built).unwrap());
    assert_eq!(
        (message.method(), message.uri(), message.body()),
        ("MESSAGE", "sip:b@d", b"hi".as_slice())
    );
}

#[test]
fn values_that_would_write_other_lines_are_refused() {
    let message = parse(INVITE);
    for bad in ["a\r\nX: y", "a\rb", "a\nb", "a\0b"] {
        let add = [("X", bad)];
        for forward in [
            Forward {
                uri: Some(bad),
                ..Forward::default()
            },
            Forward {
                push_via: Some(bad),
                ..Forward::default()
            },
            Forward {
                push_record_route: Some(bad),
                ..Forward::default()
            },
            Forward {
                add: &add,
                ..Forward::default()
            },
        ] {
            let outcome = message.forwarded(&forward);
            assert_eq!(outcome, Err(EditError::ForbiddenCharacter), "{forward:?}");
        }
        assert_eq!(
            message.response(200, bad, None, &[], b""),
            Err(EditError::ForbiddenCharacter)
        );
        assert_eq!(
            message.response(200, "", None, &add, b""),
            Err(EditError::ForbiddenCharacter)
        );
        assert_eq!(
            message.response(200, "", Some(bad), &[], b""),
            Err(EditError::Tag)
        );
        assert_eq!(
            build_request("A", bad, &[], b""),
            Err(EditError::ForbiddenCharacter)
        );
        assert_eq!(build_request(bad, "a:b", &[], b""), Err(EditError::Method));
        assert_eq!(
            build_request("A", "a:b", &[(bad, "")], b""),
            Err(EditError::HeaderName)
        );
    }
    assert_eq!(
        build_request("A", "a:b c", &[], b""),
        Err(EditError::RequestUri)
    );
}

#[test]
fn content_length_is_not_the_callers() {
    let message = parse(INVITE);
    let forward = Forward {
        drop: &["L"],
        ..Forward::default()
    };
    assert_eq!(message.forwarded(&forward), Err(EditError::ContentLength));
    let forward = Forward {
        add: &[("Content-length", "5")],
        ..Forward::default()
    };
    assert_eq!(message.forwarded(&forward), Err(EditError::ContentLength));
}
