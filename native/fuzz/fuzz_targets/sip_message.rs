//! One whole message: what is taken must survive being read, sent on and answered.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use vestibule_sip::{Forward, Limits, parse_datagram};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let message = match parse_datagram(Bytes::copy_from_slice(data), &limits) {
        Ok(message) => message,
        Err(refused) => {
            // Answers to what can't be read must themselves be harmless lines.
            if let Some(response) = refused.response {
                assert!(response.ends_with(b"\r\n\r\n") && !response.contains(&0));
            }
            return;
        }
    };
    for name in ["Via", "Contact", "Route", "Supported", "X"] {
        let _ = (message.headers(name).count(), message.values(name).count());
    }
    let _ = (
        message.from_display(),
        message.content_type(),
        message.reason(),
    );
    let same = message
        .forwarded(&Forward::default())
        .expect("nothing to refuse");
    // What is added on top may pass a limit of size; nothing else may change.
    let roomy = Limits {
        start_line: usize::MAX,
        header_line: usize::MAX,
        headers: usize::MAX,
        message: usize::MAX,
    };
    let again = parse_datagram(same.into(), &roomy);
    let changed = Forward {
        pop_via: true,
        pop_routes: 1,
        push_via: Some("SIP/2.0/TLS h;branch=z9hG4bK1"),
        push_record_route: Some("<sip:h;lr>"),
        max_forwards: Some(1),
        body: Some(b"x"),
        ..Forward::default()
    };
    let sent_on = message.forwarded(&changed).expect("nothing to refuse");
    for outcome in [again, parse_datagram(sent_on.into(), &roomy)] {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    if let Ok(answer) = message.response(500, "", Some("t"), &[], b"") {
        let answer = parse_datagram(answer.into(), &roomy).expect("a response is a message");
        assert_eq!(
            (answer.status(), answer.call_id()),
            (500, message.call_id())
        );
    }
});
