//! The test vectors of RFC 5769.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use vestibule_relay::stun::attribute::{NONCE, REALM, USERNAME, XOR_MAPPED_ADDRESS};
use vestibule_relay::stun::integrity::{Integrity, PasswordAlgorithm};
use vestibule_relay::stun::{Class, Malformed, Message, Writer, method};

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

fn request() -> Vec<u8> {
    bytes(
        "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74
         00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014
         9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf",
    )
}

#[test]
fn sample_request() {
    let bytes = request();
    let message = Message::read(&bytes).unwrap();
    assert_eq!(
        (message.class, message.method),
        (Class::Request, method::BINDING)
    );
    assert_eq!(message.text(USERNAME), Some("evtj:h6vY"));
    assert!(message.has_fingerprint);
    assert!(message.verifies(Integrity::Sha1, PASSWORD));
    assert!(!message.verifies(Integrity::Sha1, b"another"));
    assert!(!message.verifies(Integrity::Sha256, PASSWORD));
}

#[test]
fn sample_responses() {
    let v4 = bytes(
        "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008
         0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96",
    );
    let v6 = bytes(
        "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014
         0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275
         bfe3ed41 80280004 c8fb0b4c",
    );
    for (bytes, address) in [
        (v4, "192.0.2.1:32853"),
        (v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.class, Class::Success);
        let found = message.addresses(XOR_MAPPED_ADDRESS).next().unwrap();
        assert_eq!(found, Some(address.parse().unwrap()));
        assert!(message.verifies(Integrity::Sha1, PASSWORD));
        let written = Writer::new(Class::Success, method::BINDING, message.transaction)
            .address(XOR_MAPPED_ADDRESS, address.parse().unwrap())
            .finish();
        let value = message.attribute(XOR_MAPPED_ADDRESS).unwrap();
        assert_eq!(&written[24..], value);
    }
}

#[test]
fn long_term_credentials() {
    let bytes = bytes(
        "00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 aae38383 e382afe3
         82b90000 0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341 0014000b
         6578616d 706c652e 6f726700 00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666",
    );
    let message = Message::read(&bytes).unwrap();
    let (username, realm) = (
        message.text(USERNAME).unwrap(),
        message.text(REALM).unwrap(),
    );
    assert_eq!(message.text(NONCE), Some("f//499k954d6OL34oL9FSTvy64sA"));
    // The RFC's password "The<U+00AD>M<U+00AA>tr<U+2168>" after SASLprep.
    let key = PasswordAlgorithm::Md5.key(username, realm, "TheMatrIX");
    assert!(message.verifies(Integrity::Sha1, &key));
}

#[test]
fn a_changed_octet_is_noticed() {
    let sound = request();
    for place in (0..100).chain(104..108) {
        let mut changed = sound.clone();
        changed[place] ^= 1;
        assert!(Message::read(&changed).is_err(), "octet {place}");
    }
    let mut without = sound.clone();
    without[101] = 0x29;
    assert!(!Message::read(&without).unwrap().has_fingerprint);
    let mut cut = sound;
    cut.truncate(100);
    assert_eq!(Message::read(&cut).unwrap_err(), Malformed::Length);
}

#[test]
fn both_integrities_and_the_fingerprint_are_what_we_write() {
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        let bytes = Writer::new(Class::Request, method::ALLOCATE, [1; 12])
            .attribute(USERNAME, b"x")
            .protect(integrity, b"key")
            .fingerprint()
            .finish();
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.integrity(), Some(integrity));
        assert!(message.verifies(integrity, b"key") && message.has_fingerprint);
        assert!(bytes[25..28].iter().all(|&padding| padding == 0));
    }
}
