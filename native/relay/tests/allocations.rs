//! Allocations, permissions, channels, and their limits (RFC 8656; ATTACKS #25, #27).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod turn;

use turn::{CLIENT, Client, Lab, PEER, address, allocated, code, send_indication};
use vestibule_relay::stun::attribute::*;
use vestibule_relay::stun::{Class, Message, method};

const UDP: (u16, &[u8]) = (REQUESTED_TRANSPORT, &[17, 0, 0, 0]);

fn client_at(lab: &mut Lab, port: u16) -> Client {
    let mut at = address(CLIENT);
    at.set_port(port);
    let mut client = Client::new(at);
    client.challenge(lab);
    client
}

#[test]
fn an_allocation_tells_its_address_and_lifetime() {
    let mut lab = Lab::new();
    let mut client = client_at(&mut lab, 4000);
    let writer = client.begin(method::ALLOCATE, &[UDP, (LIFETIME, &[0, 0, 255, 255])]);
    let answer = lab.ask(client.address, &client.sign(writer));
    let message = Message::read(&answer).unwrap();
    let relayed = message
        .addresses(XOR_RELAYED_ADDRESS)
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        (relayed.ip().to_string(), relayed.port()),
        ("192.0.2.15".into(), lab.opened[0].1)
    );
    assert!((50_000..=59_999).contains(&relayed.port()));
    assert_eq!(
        message.addresses(XOR_MAPPED_ADDRESS).next().unwrap(),
        Some(client.address)
    );
    assert_eq!(message.number(LIFETIME), Some(3600));
}

#[test]
fn a_retransmission_gets_the_same_answer_and_no_second_socket() {
    let mut lab = Lab::new();
    let mut client = client_at(&mut lab, 4000);
    let writer = client.begin(method::ALLOCATE, &[UDP]);
    let request = client.sign(writer);
    let first = lab.ask(client.address, &request);
    assert_eq!(lab.ask(client.address, &request), first);
    assert_eq!(lab.opened.len(), 1);
    assert_eq!(
        client.allocate(&mut lab),
        437,
        "another request is no retransmission"
    );
}

#[test]
fn wishes_that_cannot_be_met() {
    let mut lab = Lab::new();
    let mut client = client_at(&mut lab, 4000);
    for (attributes, expected) in [
        (&[][..], 400),
        (&[(REQUESTED_TRANSPORT, &[6, 0, 0, 0][..])], 442),
        (&[UDP, (DONT_FRAGMENT, &[])], 420),
        (&[UDP, (0x7abc, &[])], 420),
        (&[UDP, (EVEN_PORT, &[0x80, 0])], 400),
        (&[UDP, (RESERVATION_TOKEN, &[0; 8])], 508),
        (&[UDP, (RESERVATION_TOKEN, &[0; 8]), (EVEN_PORT, &[0])], 400),
        (&[UDP, (REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])], 440),
    ] {
        assert_eq!(
            client.request(&mut lab, method::ALLOCATE, attributes),
            expected,
            "{attributes:?}"
        );
    }
    let family = (REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0][..]);
    assert_eq!(
        client.request(
            &mut lab,
            method::ALLOCATE,
            &[UDP, (EVEN_PORT, &[0]), family]
        ),
        0
    );
    assert_eq!(lab.opened[0].1 % 2, 0);
}

#[test]
fn unknown_attributes_are_named() {
    let mut lab = Lab::new();
    let mut client = client_at(&mut lab, 4000);
    let writer = client.begin(method::ALLOCATE, &[UDP, (DONT_FRAGMENT, &[])]);
    let answer = lab.ask(client.address, &client.sign(writer));
    let message = Message::read(&answer).unwrap();
    assert_eq!(message.attribute(UNKNOWN_ATTRIBUTES), Some(&[0, 0x1a][..]));
}

#[test]
fn taken_ports_are_passed_over_and_a_full_house_says_so() {
    let mut lab = Lab::new();
    lab.taken = Box::new(|port| port % 4 != 0);
    let mut client = client_at(&mut lab, 4000);
    assert_eq!(client.allocate(&mut lab), 0);
    lab.taken = Box::new(|_| true);
    let mut other = client_at(&mut lab, 4001);
    assert_eq!(other.allocate(&mut lab), 508);
}

#[test]
fn quotas_of_one_and_of_all() {
    let mut lab = Lab::new();
    for (port, expected) in [(4000, 0), (4001, 0), (4002, 486)] {
        assert_eq!(client_at(&mut lab, port).allocate(&mut lab), expected);
    }
    for (port, expected) in [(4003, 0), (4004, 508)] {
        let mut bob = client_at(&mut lab, port);
        (bob.username, bob.password) = ("bob", "hidden");
        assert_eq!(bob.allocate(&mut lab), expected);
    }
}

#[test]
fn an_allocation_ends_when_its_time_is_over_or_its_owner_wishes() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    lab.pass(590);
    assert_eq!(client.request(&mut lab, method::REFRESH, &[]), 0);
    lab.pass(599);
    assert_eq!(lab.server.allocations(), 1);
    lab.pass(2);
    assert_eq!((lab.server.allocations(), lab.closed.len()), (0, 1));
    client.challenge(&mut lab);
    assert_eq!(client.request(&mut lab, method::REFRESH, &[]), 437);
    assert_eq!(client.allocate(&mut lab), 0);
    assert_eq!(
        client.request(&mut lab, method::REFRESH, &[(LIFETIME, &[0; 4])]),
        0
    );
    assert_eq!((lab.server.allocations(), lab.closed.len()), (0, 2));
}

#[test]
fn an_allocation_does_not_outlive_its_credential() {
    let mut lab = Lab::new();
    lab.pass(3300);
    let mut client = client_at(&mut lab, 4000);
    assert_eq!(client.allocate(&mut lab), 0);
    lab.pass(301);
    assert_eq!(lab.server.allocations(), 0);
}

#[test]
fn data_passes_only_with_permission_and_while_it_lasts() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    let (id, peer) = (lab.opened[0].0, address(PEER));
    let datagram = send_indication(PEER, b"hello");
    let mut out = Vec::new();
    assert_eq!(
        lab.server
            .handle_client(lab.now, client.address.into(), &datagram),
        None
    );
    assert_eq!(
        lab.server.handle_peer(lab.now, id, peer, b"hi", &mut out),
        None
    );
    assert_eq!(client.permit(&mut lab, PEER), 0);
    let sent = lab
        .server
        .handle_client(lab.now, client.address.into(), &datagram)
        .unwrap();
    assert_eq!(
        (sent.allocation, sent.to, &datagram[sent.payload]),
        (id, peer, &b"hello"[..])
    );
    let other_port = address("8.8.8.8:1");
    let to = lab
        .server
        .handle_peer(lab.now, id, other_port, b"hi", &mut out);
    assert_eq!(to, Some(client.address.into()));
    let message = Message::read(&out).unwrap();
    assert_eq!(
        (message.class, message.method),
        (Class::Indication, method::DATA)
    );
    assert_eq!(message.attribute(DATA), Some(&b"hi"[..]));
    assert_eq!(
        message.addresses(XOR_PEER_ADDRESS).next().unwrap(),
        Some(other_port)
    );
    lab.now += std::time::Duration::from_secs(300);
    assert_eq!(
        lab.server
            .handle_client(lab.now, client.address.into(), &datagram),
        None
    );
    assert_eq!(
        lab.server.handle_peer(lab.now, id, peer, b"hi", &mut out),
        None
    );
}

#[test]
fn within_one_instant_runs_are_told_apart_and_end_at_once() {
    let mut lab = Lab::new();
    let mut clients = [client_at(&mut lab, 4000), client_at(&mut lab, 4001)];
    for client in &mut clients {
        assert_eq!(client.allocate(&mut lab), 0);
        assert_eq!(client.bind(&mut lab, 0x4001, PEER), 0);
    }
    let [(first, _), (second, _)] = lab.opened[..] else {
        panic!("two allocations");
    };
    let (now, peer, data) = (lab.now, address(PEER), b"\x40\x01\x00\x01a");
    for _ in 0..2 {
        for (client, id) in clients.iter().zip([first, second]) {
            for _ in 0..3 {
                let sent = lab.server.handle_client(now, client.address.into(), data);
                assert_eq!(sent.unwrap().allocation, id);
                let to = lab.server.handle_peer(now, id, peer, b"a", &mut Vec::new());
                assert_eq!(to, Some(client.address.into()));
            }
        }
    }
    let ended = clients[1].request(&mut lab, method::REFRESH, &[(LIFETIME, &[0; 4])]);
    assert_eq!(ended, 0);
    let address = clients[1].address;
    assert_eq!(lab.server.handle_client(now, address.into(), data), None);
    let mut out = Vec::new();
    assert_eq!(
        lab.server.handle_peer(now, second, peer, b"a", &mut out),
        None
    );
    assert!(
        lab.server
            .handle_peer(now, first, peer, b"a", &mut out)
            .is_some()
    );
    lab.server.remove_credential(now, clients[0].username);
    assert_eq!(
        lab.server
            .handle_client(now, clients[0].address.into(), data),
        None
    );
    assert_eq!(
        lab.server.handle_peer(now, first, peer, b"a", &mut out),
        None
    );
}

#[test]
fn data_passes_by_channel() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    let (id, peer) = (lab.opened[0].0, address(PEER));
    assert_eq!(client.bind(&mut lab, 0x4001, PEER), 0);
    let padded = b"\x40\x01\x00\x03abc\0";
    let sent = lab
        .server
        .handle_client(lab.now, client.address.into(), padded)
        .unwrap();
    assert_eq!((sent.to, &padded[sent.payload]), (peer, &b"abc"[..]));
    let mut out = Vec::new();
    lab.server
        .handle_peer(lab.now, id, peer, b"hi", &mut out)
        .unwrap();
    assert_eq!(out, b"\x40\x01\x00\x02hi");
    for bad in [
        &b"\x40\x02\x00\x01a"[..],
        b"\x40\x01\x00\x04abc",
        b"\x40\x01",
        b"",
    ] {
        assert_eq!(
            lab.server
                .handle_client(lab.now, client.address.into(), bad),
            None
        );
    }
}

#[test]
fn a_channel_is_one_peer_and_a_peer_one_channel() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    assert_eq!(client.bind(&mut lab, 0x4001, PEER), 0);
    assert_eq!(client.bind(&mut lab, 0x4001, PEER), 0);
    assert_eq!(client.bind(&mut lab, 0x4002, PEER), 400);
    assert_eq!(client.bind(&mut lab, 0x4001, "8.8.4.4:7000"), 400);
    for outside in [0x3fff, 0x7fff] {
        assert_eq!(client.bind(&mut lab, outside, "8.8.4.4:7000"), 400);
    }
    lab.pass(300);
    assert_eq!(client.request(&mut lab, method::REFRESH, &[]), 0);
    lab.pass(301);
    assert_eq!(client.allocate(&mut lab), 438);
    assert_eq!(client.bind(&mut lab, 0x4002, PEER), 0);
}

#[test]
fn forbidden_peers_are_refused_at_every_door() {
    let mut lab = Lab::with(|config| config.peers.own = vec!["1.1.1.1".parse().unwrap()]);
    let mut client = allocated(&mut lab);
    for peer in [
        "127.0.0.1:80",
        "169.254.169.254:80",
        "10.0.0.1:22",
        "1.1.1.1:9",
        "[::ffff:127.0.0.1]:9",
    ] {
        assert_eq!(client.permit(&mut lab, peer), 403, "{peer}");
        assert_eq!(client.bind(&mut lab, 0x4001, peer), 403, "{peer}");
        let datagram = send_indication(peer, b"x");
        assert_eq!(
            lab.server
                .handle_client(lab.now, client.address.into(), &datagram),
            None
        );
    }
    assert_eq!(client.permit(&mut lab, "[2606:4700::1]:9"), 443);
    assert_eq!(lab.server.counters().peers_forbidden, 10);
}

#[test]
fn one_forbidden_peer_among_others_forbids_all() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    let writer = client
        .begin(method::CREATE_PERMISSION, &[])
        .address(XOR_PEER_ADDRESS, address(PEER))
        .address(XOR_PEER_ADDRESS, address("127.0.0.1:1"));
    assert_eq!(code(&lab.ask(client.address, &client.sign(writer))), 403);
    let datagram = send_indication(PEER, b"x");
    assert_eq!(
        lab.server
            .handle_client(lab.now, client.address.into(), &datagram),
        None
    );
}

#[test]
fn permissions_and_channels_are_limited() {
    let mut lab = Lab::new();
    let mut client = allocated(&mut lab);
    for host in 1..=64 {
        assert_eq!(
            client.bind(&mut lab, 0x4000 + host, &format!("8.8.8.{host}:5")),
            0
        );
    }
    assert_eq!(client.permit(&mut lab, "8.8.4.4:5"), 508);
    assert_eq!(client.bind(&mut lab, 0x4100, "8.8.8.1:6"), 508);
}
