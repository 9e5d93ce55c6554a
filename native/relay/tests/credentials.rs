//! Who is served, and who is not (ATTACKS #26, #28, #29).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod turn;

use std::time::Duration;

use turn::{CLIENT, Client, Lab, address, allocated, code};
use vestibule_relay::stun::attribute::*;
use vestibule_relay::stun::integrity::{Integrity, PasswordAlgorithm};
use vestibule_relay::stun::{Class, Message, Writer, method};

const UDP: (u16, &[u8]) = (REQUESTED_TRANSPORT, &[17, 0, 0, 0]);

#[test]
fn a_stranger_gets_a_small_challenge() {
    let mut lab = Lab::new();
    let request = Writer::new(Class::Request, method::ALLOCATE, [1; 12])
        .fingerprint()
        .finish();
    let answer = lab.ask(address(CLIENT), &request);
    let message = Message::read(&answer).unwrap();
    assert_eq!(code(&answer), 401);
    assert!(answer.len() <= 180, "{}", answer.len());
    assert_eq!(message.text(REALM), Some(turn::REALM_NAME));
    assert!(message.text(NONCE).unwrap().starts_with("obMatJos2"));
    assert_eq!(
        message.attribute(PASSWORD_ALGORITHMS),
        Some(&[0, 2, 0, 0, 0, 1, 0, 0][..])
    );
}

#[test]
fn a_binding_answer_is_at_most_twice_the_request() {
    let mut lab = Lab::new();
    let bare = Writer::new(Class::Request, method::BINDING, [1; 12]);
    for request in [
        bare.clone().finish(),
        bare.clone().fingerprint().finish(),
        bare.attribute(0x0024, &[0; 4]).finish(),
    ] {
        let answer = lab.ask(address(CLIENT), &request);
        assert!(answer.len() <= 2 * request.len());
        let mapped = Message::read(&answer)
            .unwrap()
            .addresses(XOR_MAPPED_ADDRESS)
            .next();
        assert_eq!(mapped.is_some(), code(&answer) == 0);
    }
}

#[test]
fn strangers_are_not_answered_without_end() {
    let mut lab = Lab::new();
    let request = Writer::new(Class::Request, method::BINDING, [1; 12]).finish();
    for _ in 0..1000 {
        lab.server
            .handle_client(lab.now, address(CLIENT).into(), &request);
    }
    assert_eq!(lab.run().len(), 200);
    assert_eq!(lab.server.counters().throttled, 800);
}

#[test]
fn with_approved_algorithms_only_old_ones_are_not() {
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        for algorithm in [PasswordAlgorithm::Md5, PasswordAlgorithm::Sha256] {
            let mut lab = Lab::with(|config| config.fips = true);
            let mut client = Client::new(address(CLIENT));
            (client.integrity, client.algorithm) = (integrity, Some(algorithm));
            client.offered = &[0, 2, 0, 0];
            client.challenge(&mut lab);
            let approved = (integrity, algorithm) == (Integrity::Sha256, PasswordAlgorithm::Sha256);
            let code = client.allocate(&mut lab);
            assert_eq!(code == 0, approved, "{integrity:?} {algorithm:?}: {code}");
        }
        let mut lab = Lab::with(|config| config.fips = true);
        let mut client = Client::new(address(CLIENT));
        client.integrity = integrity;
        client.challenge(&mut lab);
        assert_eq!(client.allocate(&mut lab), 401, "none named is MD5");
    }
}

#[test]
fn old_and_new_clients_are_served() {
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        for algorithm in [
            None,
            Some(PasswordAlgorithm::Md5),
            Some(PasswordAlgorithm::Sha256),
        ] {
            let mut lab = Lab::new();
            let mut client = Client::new(address(CLIENT));
            (client.integrity, client.algorithm) = (integrity, algorithm);
            client.challenge(&mut lab);
            assert_eq!(client.allocate(&mut lab), 0, "{integrity:?} {algorithm:?}");
        }
    }
}

#[test]
fn wrong_or_unknown_or_expired_or_removed_credentials_are_not() {
    let mut lab = Lab::new();
    let mut client = Client::new(address(CLIENT));
    client.challenge(&mut lab);
    client.password = "guessed";
    assert_eq!(client.allocate(&mut lab), 401);
    (client.username, client.password) = ("eve", "secret");
    assert_eq!(client.allocate(&mut lab), 401);
    (client.username, client.password) = ("bob", "hidden");
    lab.server.remove_credential(lab.now, "bob");
    assert_eq!(client.allocate(&mut lab), 401);
    client.username = "ann";
    client.password = "secret";
    lab.pass(3600);
    client.challenge(&mut lab);
    assert_eq!(client.allocate(&mut lab), 401);
    assert!(lab.opened.is_empty());
}

#[test]
fn no_credential_lives_longer_than_eight_hours() {
    let mut lab = Lab::new();
    lab.server.add_credential(
        lab.now,
        "ann",
        "secret",
        "Ann",
        Duration::from_secs(1_000_000),
    );
    let mut client = Client::new(address(CLIENT));
    for (seconds, expected) in [(8 * 3600 - 1, 0), (1, 401)] {
        lab.pass(seconds);
        client.challenge(&mut lab);
        assert_eq!(client.allocate(&mut lab), expected);
        if expected == 0 {
            let lifetime = (LIFETIME, &[0u8; 4][..]);
            assert_eq!(client.request(&mut lab, method::REFRESH, &[lifetime]), 0);
        }
    }
}

#[test]
fn removing_a_credential_ends_its_allocations() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    lab.server.remove_credential(lab.now, "ann");
    lab.run();
    assert_eq!(lab.closed, [lab.opened[0].0]);
    assert_eq!(client.permit(&mut lab, turn::PEER), 438);
}

#[test]
fn a_nonce_is_good_for_one_address_and_ten_minutes() {
    let mut lab = Lab::new();
    let mut client = Client::new(address(CLIENT));
    client.challenge(&mut lab);
    let mut elsewhere = client.clone();
    elsewhere.address = address("198.51.100.7:4001");
    assert_eq!(elsewhere.allocate(&mut lab), 438);
    assert_eq!(elsewhere.allocate(&mut lab), 0);
    lab.pass(601);
    assert_eq!(client.allocate(&mut lab), 438);
    assert_eq!(client.allocate(&mut lab), 0);
    client.nonce = b"obMatJos2gAAA".to_vec();
    assert_eq!(client.request(&mut lab, method::REFRESH, &[]), 438);
}

#[test]
fn the_list_of_algorithms_cannot_be_bid_down() {
    let mut lab = Lab::new();
    let mut client = Client::new(address(CLIENT));
    client.challenge(&mut lab);
    let md5_only: (u16, &[u8]) = (PASSWORD_ALGORITHMS, &[0, 1, 0, 0]);
    let chosen: (u16, &[u8]) = (PASSWORD_ALGORITHM, &[0, 1, 0, 0]);
    for attributes in [
        &[UDP, md5_only, chosen][..],
        &[UDP, chosen],
        &[UDP, md5_only],
    ] {
        let writer = client.begin(method::ALLOCATE, attributes);
        assert_eq!(code(&lab.ask(client.address, &client.sign(writer))), 400);
    }
}

#[test]
fn a_request_without_its_parts_is_bad() {
    let mut lab = Lab::new();
    let mut client = Client::new(address(CLIENT));
    let writer = client
        .begin(method::ALLOCATE, &[UDP])
        .protect(Integrity::Sha1, b"x");
    assert_eq!(code(&lab.ask(client.address, &writer.finish())), 400);
}

#[test]
fn an_allocation_is_its_owners() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    (client.username, client.password) = ("bob", "hidden");
    assert_eq!(client.permit(&mut lab, turn::PEER), 441);
    assert_eq!(client.request(&mut lab, method::REFRESH, &[]), 441);
}

#[test]
fn nothing_recorded_can_be_replayed_into_the_next_allocation() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    let recorded = client.begin(method::REFRESH, &[(LIFETIME, &[0; 4])]);
    let recorded = client.sign(recorded);
    assert_eq!(code(&lab.ask(client.address, &recorded)), 0);
    assert_eq!(client.allocate(&mut lab), 438);
    assert_eq!(client.allocate(&mut lab), 0);
    assert_eq!(code(&lab.ask(client.address, &recorded)), 438);
    assert_eq!(lab.server.allocations(), 1);
}
