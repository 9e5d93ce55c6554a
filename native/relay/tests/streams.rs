//! Clients that come by a stream.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod turn;

use turn::*;
use vestibule_relay::stun::attribute::*;
use vestibule_relay::stun::{Class, Message, Writer, method};
use vestibule_relay::{Client as Who, Output, stream};

const BY_STREAM: Who = Who {
    address: std::net::SocketAddr::new(
        std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)),
        4000,
    ),
    stream: Some(7),
    listener: 0,
};

/// Sends as one client over a stream; gives the answer.
fn ask(lab: &mut Lab, who: Who, request: &[u8]) -> Vec<u8> {
    assert_eq!(lab.server.handle_client(lab.now, who, request), None);
    let mut answer = None;
    while let Some(output) = lab.server.poll_output() {
        match output {
            Output::Send { to, data } => {
                assert_eq!(to, who);
                answer = Some(data);
            }
            Output::Open {
                allocation, port, ..
            } => {
                lab.opened.push((allocation, port));
                lab.server.opened(lab.now, allocation, true);
            }
            Output::Close { allocation } => lab.closed.push(allocation),
        }
    }
    answer.unwrap()
}

fn allocate(lab: &mut Lab, who: Who) -> Client {
    let mut client = Client::new(address(CLIENT));
    let wanted: Attributes<'_> = &[(REQUESTED_TRANSPORT, &[17, 0, 0, 0])];
    let request = client.begin(method::ALLOCATE, wanted).finish();
    let answer = ask(lab, who, &request);
    client.nonce = Message::read(&answer)
        .unwrap()
        .attribute(NONCE)
        .unwrap()
        .to_vec();
    let writer = client.begin(method::ALLOCATE, wanted);
    assert_eq!(code(&ask(lab, who, &client.sign(writer))), 0);
    client
}

#[test]
fn channel_data_is_filled_up_in_a_stream() {
    let mut lab = Lab::new();
    let mut client = allocate(&mut lab, BY_STREAM);
    let (id, peer) = (lab.opened[0].0, address(PEER));
    let writer = client.begin(method::CHANNEL_BIND, &[(CHANNEL_NUMBER, &[0x40, 1, 0, 0])]);
    let request = client.sign(writer.address(XOR_PEER_ADDRESS, peer));
    assert_eq!(code(&ask(&mut lab, BY_STREAM, &request)), 0);
    for _ in 0..2 {
        let mut out = Vec::new();
        let to = lab
            .server
            .handle_peer(lab.now, id, peer, b"hello", &mut out);
        assert_eq!(to, Some(BY_STREAM));
        assert_eq!(out, b"\x40\x01\x00\x05hello\0\0\0");
        assert_eq!(stream::length(&out), Ok(Some(out.len())));
    }
}

#[test]
fn a_stream_is_not_the_datagrams_of_the_same_address_nor_another_stream() {
    let mut lab = Lab::new();
    let client = allocate(&mut lab, BY_STREAM);
    for other in [
        BY_STREAM.address.into(),
        Who {
            stream: Some(8),
            ..BY_STREAM
        },
    ] {
        let mut again = client.clone();
        let request = again.begin(method::REFRESH, &[]);
        // Its nonce is of another client.
        assert_eq!(code(&ask(&mut lab, other, &again.sign(request))), 438);
    }
}

#[test]
fn with_the_stream_all_ends() {
    let mut lab = Lab::new();
    allocate(&mut lab, BY_STREAM);
    assert!(lab.server.has_allocation(BY_STREAM));
    lab.server.stream_ended(lab.now, BY_STREAM);
    lab.run();
    assert_eq!((lab.server.allocations(), lab.closed.len()), (0, 1));
    // What ends while its socket is being opened leaves none behind.
    let other = Who {
        stream: Some(9),
        ..BY_STREAM
    };
    let mut client = Client::new(address(CLIENT));
    let wanted: Attributes<'_> = &[(REQUESTED_TRANSPORT, &[17, 0, 0, 0])];
    let answer = ask(
        &mut lab,
        other,
        &client.begin(method::ALLOCATE, wanted).finish(),
    );
    client.nonce = Message::read(&answer)
        .unwrap()
        .attribute(NONCE)
        .unwrap()
        .to_vec();
    let request = client.begin(method::ALLOCATE, wanted);
    let request = client.sign(request);
    lab.server.handle_client(lab.now, other, &request);
    let Some(Output::Open { allocation, .. }) = lab.server.poll_output() else {
        panic!("a socket is asked for");
    };
    lab.server.stream_ended(lab.now, other);
    lab.server.opened(lab.now, allocation, true);
    assert_eq!(lab.server.poll_output(), Some(Output::Close { allocation }));
}

#[test]
fn indications_are_whole_words_anyway() {
    let data = Writer::new(Class::Indication, method::DATA, [0; 12])
        .attribute(DATA, b"x")
        .finish();
    assert_eq!(stream::length(&data), Ok(Some(data.len())));
}
