//! Ports in pairs and kept for later, both address families, and what one person may use (RFC 8656 section 7;
//! ATTACKS #27).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod turn;

use std::net::SocketAddr;

use proptest::prelude::*;
use turn::{
    Attributes, CLIENT, Client, Lab, PEER, RELAY, address, allocated, code, send_indication,
};
use vestibule_relay::stun::attribute::*;
use vestibule_relay::stun::{Message, method};

const UDP: (u16, &[u8]) = (REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
const PAIR: (u16, &[u8]) = (EVEN_PORT, &[0x80]);
const WITH_IPV6: (u16, &[u8]) = (ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
const IPV6_ONLY: (u16, &[u8]) = (REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
const RELAY_V6: &str = "2606:4700::15";
const PEER_V6: &str = "[2606:4700::1]:9";

fn both_families() -> Lab {
    Lab::with(|config| config.relay_addresses.push(RELAY_V6.parse().unwrap()))
}

fn client_at(lab: &mut Lab, port: u16) -> Client {
    let mut at = address(CLIENT);
    at.set_port(port);
    let mut client = Client::new(at);
    client.challenge(lab);
    client
}

/// The relayed addresses, the token and the error of an Allocate.
fn ask(
    lab: &mut Lab,
    client: &mut Client,
    with: Attributes<'_>,
) -> (Vec<SocketAddr>, Vec<u8>, u16) {
    let writer = client.begin(method::ALLOCATE, with);
    let answer = lab.ask(client.address, &client.sign(writer));
    let message = Message::read(&answer).unwrap();
    let relayed = message.addresses(XOR_RELAYED_ADDRESS);
    let token = message.attribute(RESERVATION_TOKEN).unwrap_or_default();
    (
        relayed.map(Option::unwrap).collect(),
        token.to_vec(),
        code(&answer),
    )
}

#[test]
fn a_pair_is_even_and_next_and_its_second_waits_for_its_token() {
    let mut lab = Lab::new();
    let mut first = client_at(&mut lab, 4000);
    let (relayed, token, refused) = ask(&mut lab, &mut first, &[UDP, PAIR]);
    assert_eq!((refused, relayed[0].port() % 2, token.len()), (0, 0, 8));
    let kept = lab.opened[1];
    assert_eq!(kept.1, relayed[0].port() + 1);
    let mut second = client_at(&mut lab, 4001);
    let with = [UDP, (RESERVATION_TOKEN, token.as_slice())];
    let (relayed, _, refused) = ask(&mut lab, &mut second, &with);
    assert_eq!(
        (refused, relayed),
        (0, vec![SocketAddr::new(RELAY.parse().unwrap(), kept.1)])
    );
    assert_eq!(lab.opened.len(), 2, "no socket beside those");
    let mut third = client_at(&mut lab, 4002);
    assert_eq!(
        ask(&mut lab, &mut third, &with).2,
        508,
        "a token is good once"
    );
}

#[test]
fn a_reservation_is_its_users_and_ends_after_thirty_seconds() {
    let mut lab = Lab::new();
    let mut first = client_at(&mut lab, 4000);
    let (_, token, _) = ask(&mut lab, &mut first, &[UDP, PAIR]);
    let with = [UDP, (RESERVATION_TOKEN, token.as_slice())];
    let mut bob = client_at(&mut lab, 4001);
    (bob.username, bob.password) = ("bob", "hidden");
    assert_eq!(ask(&mut lab, &mut bob, &with).2, 508);
    lab.pass(29);
    assert!(lab.closed.is_empty());
    lab.pass(1);
    assert_eq!(lab.closed, [lab.opened[1].0]);
    let mut late = client_at(&mut lab, 4002);
    assert_eq!(ask(&mut lab, &mut late, &with).2, 508);
}

#[test]
fn a_reservation_ends_with_its_credential_and_counts_in_the_quota() {
    let mut lab = Lab::new();
    let mut first = client_at(&mut lab, 4000);
    ask(&mut lab, &mut first, &[UDP, PAIR]);
    assert_eq!(client_at(&mut lab, 4001).allocate(&mut lab), 486);
    lab.server.remove_credential(lab.now, "ann");
    lab.run();
    assert_eq!(lab.closed.len(), 2);
}

#[test]
fn one_address_has_a_quota_whoever_asks_there() {
    let mut lab = Lab::with(|config| config.allocations_per_address = 1);
    assert_eq!(client_at(&mut lab, 4000).allocate(&mut lab), 0);
    let mut bob = client_at(&mut lab, 4001);
    (bob.username, bob.password) = ("bob", "hidden");
    assert_eq!(bob.allocate(&mut lab), 486);
    bob.address = address("198.51.100.8:4000");
    bob.challenge(&mut lab);
    assert_eq!(bob.allocate(&mut lab), 0);
}

#[test]
fn several_credentials_of_one_person_have_one_quota() {
    let mut lab = Lab::new();
    let hour = std::time::Duration::from_secs(3600);
    lab.server
        .add_credential(lab.now, "bob", "hidden", "Ann", hour);
    for (port, expected) in [(4000, 0), (4001, 0), (4002, 486)] {
        let mut client = client_at(&mut lab, port);
        if port != 4000 {
            (client.username, client.password) = ("bob", "hidden");
        }
        assert_eq!(client.allocate(&mut lab), expected);
    }
}

#[test]
fn what_is_over_ones_bandwidth_is_dropped_and_counted_both_ways() {
    let mut lab = Lab::with(|config| config.octets_per_person = Some(1000));
    let mut client = allocated(&mut lab);
    assert_eq!(client.bind(&mut lab, 0x4001, PEER), 0);
    let (data, mut out) = ([&b"\x40\x01\x00\xc8"[..], &[7; 200]].concat(), Vec::new());
    let id = lab.opened[0].0;
    let to_peer = |lab: &mut Lab| {
        lab.server
            .handle_client(lab.now, client.address.into(), &data)
    };
    assert!(to_peer(&mut lab).is_some() && to_peer(&mut lab).is_some());
    assert!(to_peer(&mut lab).is_none());
    let sent = lab
        .server
        .handle_peer(lab.now, id, address(PEER), &[7; 200], &mut out);
    assert_eq!((sent, out.len()), (None, 0));
    assert_eq!(lab.server.counters().packets_over_bandwidth, 2);
    lab.pass(1);
    let sent = lab
        .server
        .handle_peer(lab.now, id, address(PEER), &[7; 200], &mut out);
    assert!(sent.is_some() && to_peer(&mut lab).is_some());
}

#[test]
fn an_ipv6_allocation_reaches_ipv6_alone() {
    let mut lab = both_families();
    let mut client = client_at(&mut lab, 4000);
    let (relayed, _, _) = ask(&mut lab, &mut client, &[UDP, IPV6_ONLY]);
    assert_eq!(relayed[0].ip().to_string(), RELAY_V6);
    assert_eq!(client.permit(&mut lab, PEER_V6), 0);
    assert_eq!(client.bind(&mut lab, 0x4001, PEER_V6), 0);
    assert_eq!(client.permit(&mut lab, PEER), 443);
    assert_eq!(
        client.permit(&mut lab, "[::ffff:8.8.8.8]:9"),
        443,
        "IPv4 in disguise"
    );
    for refused in [
        "[::1]:9",
        "[::ffff:127.0.0.1]:9",
        "[2002:7f00:1::]:9",
        "[fd00::1]:9",
    ] {
        assert_eq!(client.permit(&mut lab, refused), 403, "{refused}");
    }
    for (family, expected) in [(&[1, 0, 0, 0], 443), (&[2, 0, 0, 0], 0)] {
        let with = [(REQUESTED_ADDRESS_FAMILY, &family[..])];
        assert_eq!(client.request(&mut lab, method::REFRESH, &with), expected);
    }
}

#[test]
fn one_allocation_may_have_both_families() {
    let mut lab = both_families();
    let mut client = client_at(&mut lab, 4000);
    let (relayed, _, _) = ask(&mut lab, &mut client, &[UDP, WITH_IPV6]);
    let hosts: Vec<String> = relayed.iter().map(|it| it.ip().to_string()).collect();
    assert_eq!(hosts, [RELAY, RELAY_V6]);
    for (peer, socket) in [(PEER, 0), (PEER_V6, 1)] {
        assert_eq!(client.permit(&mut lab, peer), 0);
        let data = send_indication(peer, b"x");
        let sent = lab
            .server
            .handle_client(lab.now, client.address.into(), &data);
        assert_eq!(sent.unwrap().allocation, lab.opened[socket].0);
    }
    lab.server.remove_credential(lab.now, "ann");
    lab.run();
    assert_eq!(lab.closed.len(), 2);
}

#[test]
fn where_ipv6_cannot_be_had_one_is_told() {
    let mut lab = Lab::new();
    let mut client = client_at(&mut lab, 4000);
    let mut other = client_at(&mut lab, 4001);
    assert_eq!(ask(&mut lab, &mut other, &[UDP, IPV6_ONLY]).2, 440);
    assert_eq!(
        ask(&mut lab, &mut other, &[UDP, IPV6_ONLY, WITH_IPV6]).2,
        400
    );
    assert_eq!(ask(&mut lab, &mut other, &[UDP, PAIR, WITH_IPV6]).2, 400);
    let writer = client.begin(method::ALLOCATE, &[UDP, WITH_IPV6]);
    let answer = lab.ask(client.address, &client.sign(writer));
    let message = Message::read(&answer).unwrap();
    assert_eq!(
        &message.attribute(ADDRESS_ERROR_CODE).unwrap()[..4],
        [2, 0, 4, 40]
    );
    assert_eq!(message.addresses(XOR_RELAYED_ADDRESS).count(), 1);
}

proptest! {
    /// Whatever the range and however many ports are taken: in the range, a pair is one, nothing is left open.
    #[test]
    fn ports_are_of_the_range_and_none_is_lost(low in 1u16..1000, more in 0u16..9, taken in 1u16..5) {
        let mut lab = Lab::with(|config| config.ports = low..=low + more);
        lab.taken = Box::new(move |port| port % 7 == taken);
        let mut client = client_at(&mut lab, 4000);
        let (relayed, token, refused) = ask(&mut lab, &mut client, &[UDP, PAIR]);
        let range = low..=low + more;
        if refused == 0 {
            let port = relayed[0].port();
            prop_assert!(port % 2 == 0 && token.len() == 8);
            prop_assert!(range.contains(&port) && range.contains(&(port + 1)));
            prop_assert_eq!(lab.opened.len(), lab.closed.len() + 2);
        } else {
            prop_assert_eq!(refused, 508);
            prop_assert_eq!(lab.opened.len(), lab.closed.len());
        }
        lab.server.remove_credential(lab.now, "ann");
        lab.run();
        prop_assert_eq!(lab.opened.len(), lab.closed.len());
    }
}
