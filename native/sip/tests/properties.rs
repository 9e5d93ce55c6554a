//! Properties that hold for every input.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use vestibule_sip::{Forward, Frame, Framer, Limits, build_request, parse_datagram};

/// What one could want to tell apart of a frame.
fn describe(frame: &Frame) -> String {
    match frame {
        Frame::Message(message) => format!("{:?}", message.as_bytes()),
        Frame::Ping => "ping".into(),
        Frame::Refused(refused) => format!("{refused:?}"),
    }
}

fn feed(pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = Framer::new(Limits::with_message(4096));
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next_frame() {
            found.push(describe(&frame));
        }
    }
    found
}

/// Sound messages, broken ones and keep-alives, one after the other.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => message().prop_map(|(bytes, _)| bytes),
        1 => Just(b"\r\n\r\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"OPTIONS sip:a SIP/3.0\r\nVia: SIP/2.0/TLS h\r\nl: 4\r\n\r\nabcd".to_vec()),
        1 => vec(any::<u8>(), 0..40),
        1 => Just(vec![b'x'; 5000]),
    ];
    vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

type Parts = (String, Vec<(String, String)>, Vec<u8>);

fn message() -> impl Strategy<Value = (Vec<u8>, Parts)> {
    let header = ("X-[a-z]{1,8}", "[ -~\u{e4}\u{4e2d}]{0,30}");
    (vec(header, 0..6), vec(any::<u8>(), 0..80), "[a-z]{1,8}").prop_map(|(extra, body, user)| {
        let uri = format!("sip:{user}@d.example");
        let to = format!("<{uri}>");
        let mut headers = vec![
            ("Via", "SIP/2.0/TLS h;branch=z9hG4bK1"),
            ("From", "\"x\" <sip:a@d>;tag=1"),
            ("To", to.as_str()),
            ("Call-ID", "c@h"),
            ("CSeq", "7 MESSAGE"),
        ];
        headers.extend(
            extra
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let bytes = build_request("MESSAGE", &uri, &headers, &body).unwrap();
        (bytes, (uri, extra, body))
    })
}

proptest! {
    #[test]
    fn what_was_built_is_what_is_parsed((bytes, (uri, extra, body)) in message()) {
        let message = parse_datagram(Bytes::from(bytes.clone()), &Limits::default()).unwrap();
        prop_assert_eq!(message.as_bytes(), &bytes);
        prop_assert_eq!(message.forwarded(&Forward::default()).unwrap(), bytes);
        prop_assert_eq!(message.uri(), uri);
        prop_assert_eq!(message.body(), body);
        for (name, value) in extra {
            let mut found = message.headers(&name);
            prop_assert!(found.any(|it| it == value.trim_matches(' ')));
        }
    }

    #[test]
    fn every_split_of_a_stream_is_the_same_stream(bytes in stream(), cuts in vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let octets: Vec<&[u8]> = bytes.chunks(1).collect();
        let whole = feed(&[&bytes]);
        prop_assert_eq!(&feed(&pieces), &whole);
        prop_assert_eq!(&feed(&octets), &whole);
    }

    #[test]
    fn damaged_messages_panic_nowhere((bytes, _) in message(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        let mut bytes = bytes;
        for (place, octet) in damage {
            let place = place.index(bytes.len());
            bytes[place] = octet;
        }
        if let Ok(message) = parse_datagram(Bytes::from(bytes), &Limits::default()) {
            let all = Forward { pop_via: true, pop_routes: 2, max_forwards: Some(1), body: Some(b"x"), ..Forward::default() };
            let sent_on = message.forwarded(&all).unwrap();
            prop_assert!(sent_on.ends_with(b"\r\n\r\nx"));
            let answer = message.response(500, "", Some("t"), &[], b"").unwrap();
            prop_assert!(parse_datagram(Bytes::from(answer), &Limits::default()).is_ok());
            let _ = (message.from_display().len(), message.content_type(), message.values("x-a").count());
        }
    }

    #[test]
    fn any_bytes_panic_nowhere(bytes in vec(any::<u8>(), 0..300)) {
        let _ = feed(&[&bytes]);
        let _ = parse_datagram(Bytes::from(bytes), &Limits::default());
    }
}
