//! Streams: whatever arrives, in whatever pieces, means one thing only (ATTACKS #3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use vestibule_sip::{Frame, Framer, Limits, Refusal, keep_alive, parse_datagram};

const OPTIONS: &str = "OPTIONS sip:b@d SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@d>;tag=1\r\n\
    To: <sip:b@d>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n";

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut framer = Framer::new(Limits::default());
    framer.push(bytes);
    std::iter::from_fn(|| framer.next_frame()).collect()
}

/// One line each: the method and body of a message, "ping", or status and whether the framing is lost.
fn outline(frames: &[Frame]) -> Vec<String> {
    let line = |frame: &Frame| match frame {
        Frame::Message(message) => {
            let body = String::from_utf8_lossy(message.body());
            format!("{} {body}", message.method())
        }
        Frame::Ping => "ping".into(),
        Frame::Refused(refused) if refused.framing_lost => format!("lost {}", refused.refusal),
        Frame::Refused(refused) => format!("{} {}", refused.refusal.status(), refused.refusal),
    };
    frames.iter().map(line).collect()
}

fn stream(text: &str) -> Vec<String> {
    outline(&frames(text.as_bytes()))
}

#[test]
fn messages_and_keep_alives_in_a_row() {
    let text =
        format!("\r\n{OPTIONS}Content-Length: 2\r\n\r\nab\r\n\r\n{OPTIONS}l:0\r\n\r\n\r\n\r\n\r\n");
    assert_eq!(stream(&text), ["OPTIONS ab", "ping", "OPTIONS ", "ping"]);
}

#[test]
fn the_body_is_as_long_as_the_header_says() {
    let longer = format!("{OPTIONS}Content-Length: 1\r\n\r\nab\r\n\r\n{OPTIONS}l: 0\r\n\r\n");
    assert_eq!(stream(&longer), ["OPTIONS a", "lost Malformed Start Line"]);
    let shorter = format!("{OPTIONS}Content-Length: 9\r\n\r\nab");
    assert_eq!(stream(&shorter), Vec::<String>::new());
}

#[test]
fn without_one_sound_content_length_the_stream_ends() {
    for (lines, reason) in [
        ("", "Missing Content-Length"),
        (
            "Content-Length: 0\r\nl: 5\r\n",
            "More Than One Content-Length",
        ),
        (
            "Content-Length: 0\r\nContent-Length : 0\r\n",
            "More Than One Content-Length",
        ),
        ("Content-Length: -1\r\n", "Malformed Content-Length"),
        ("Content-Length: 1 1\r\n", "Malformed Content-Length"),
        ("Content-Length: 1\r\n 1\r\n", "Malformed Content-Length"),
        ("Content-Length: 1, 1\r\n", "Malformed Content-Length"),
        ("Content-Length: 0x1\r\n", "Malformed Content-Length"),
        (
            "Content-Length: 99999999999999999999\r\n",
            "Malformed Content-Length",
        ),
        ("Content-Length: 65536\r\n", "Message Too Large"),
    ] {
        let text = format!("{OPTIONS}{lines}\r\n{OPTIONS}l: 0\r\n\r\n");
        assert_eq!(stream(&text), [format!("lost {reason}")], "{lines:?}");
    }
}

#[test]
fn a_refused_message_with_a_sound_length_leaves_the_stream_readable() {
    let text = format!("OPTIONS sip:b@d SIP/7.0\r\nl: 3\r\n\r\nabc{OPTIONS}l: 0\r\n\r\n");
    assert_eq!(stream(&text), ["505 Version Not Supported", "OPTIONS "]);
}

#[test]
fn strange_bytes_end_the_stream() {
    for (text, reason) in [
        (
            format!("{OPTIONS}X: a\0b\r\nl: 0\r\n\r\n"),
            "Control Character",
        ),
        (format!("{OPTIONS}X: a\rb\r\nl: 0\r\n\r\n"), "Bare CR Or LF"),
        (format!("{OPTIONS}X: a\nl: 0\r\n\r\n"), "Bare CR Or LF"),
        (format!("\n{OPTIONS}l: 0\r\n\r\n"), "Bare CR Or LF"),
        (format!("\r\n\r{OPTIONS}l: 0\r\n\r\n"), "Bare CR Or LF"),
    ] {
        assert_eq!(stream(&text), [format!("lost {reason}")], "{text:?}");
    }
    let overlong = [OPTIONS.as_bytes(), b"X: \xc0\xae\r\nl: 0\r\n\r\n"].concat();
    assert_eq!(outline(&frames(&overlong)), ["lost Not UTF-8"]);
}

#[test]
fn endless_heads_are_cut_off() {
    let line = format!("X: {}\r\n", "a".repeat(1000));
    let text = format!("{OPTIONS}{}", line.repeat(70));
    let found = frames(text.as_bytes());
    assert_eq!(outline(&found), ["lost Message Too Large"]);
    let [Frame::Refused(refused)] = &found[..] else {
        panic!("{found:?}")
    };
    let response = String::from_utf8(refused.response.clone().unwrap().to_vec()).unwrap();
    assert!(
        response
            .starts_with("SIP/2.0 513 Message Too Large\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n")
    );
    assert!(response.contains("\r\nCSeq: 1 OPTIONS\r\n"), "{response}");
}

#[test]
fn the_response_to_a_refused_request_has_a_to_tag_and_nothing_forged() {
    let text = "OPTIONS sip:b@d SIP/2.0\r\nVia: SIP/2.0/TLS h\r\nTo: <sip:b@d>\r\nX\r\nCall-ID: a\0b\r\n\r\n";
    let refused = parse_datagram(Bytes::from(text), &Limits::default()).unwrap_err();
    assert_eq!(refused.refusal, Refusal::HeaderLine);
    let response = String::from_utf8(refused.response.unwrap().to_vec()).unwrap();
    assert!(response.contains("To: <sip:b@d>;tag="), "{response}");
    assert!(!response.contains("Call-ID"), "{response}");
}

#[test]
fn an_ack_is_never_answered() {
    let text = OPTIONS
        .replace("OPTIONS", "ACK")
        .replace("c\r\n", "c d\r\n")
        + "\r\n";
    let refused = parse_datagram(Bytes::from(text), &Limits::default()).unwrap_err();
    assert_eq!((refused.refusal, refused.response), (Refusal::CallId, None));
}

#[test]
fn a_frame_may_lack_content_length_or_be_a_keep_alive() {
    let frame = Bytes::from(format!("{OPTIONS}\r\nbody"));
    let message = parse_datagram(frame, &Limits::default()).unwrap();
    assert_eq!(message.body(), b"body");
    assert!(keep_alive(b"\r\n\r\n").is_some() && keep_alive(b"\r\n").is_some());
    assert!(keep_alive(b"").is_none());
}
