//! The relay: stray datagrams, and requests that prove a credential, from a client with an allocation.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vestibule_relay::stun::attribute::{NONCE, REALM, REQUESTED_TRANSPORT, USERNAME};
use vestibule_relay::stun::integrity::{Integrity, PasswordAlgorithm};
use vestibule_relay::stun::{Class, Message, Writer, method};
use vestibule_relay::{AllocationId, Config, Output, PeerPolicy, Server};

const CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4000);

/// Do what the server wants done; gives the last answer.
fn run(server: &mut Server, now: Instant) -> Vec<u8> {
    let mut last = Vec::new();
    while let Some(output) = server.poll_output() {
        match output {
            Output::Send { data, .. } => last = data,
            Output::Open {
                allocation, port, ..
            } => server.opened(now, allocation, port % 2 == 0),
            Output::Close { .. } => {}
        }
    }
    last
}

fn signed(request: Writer, nonce: &[u8]) -> Vec<u8> {
    let key = PasswordAlgorithm::Md5.key("u", "r", "p");
    let request = request
        .attribute(USERNAME, b"u")
        .attribute(REALM, b"r")
        .attribute(NONCE, nonce);
    request.protect(Integrity::Sha1, &key).finish()
}

fuzz_target!(|data: &[u8]| {
    let now = Instant::now();
    let config = Config {
        realm: "r".into(),
        relay_addresses: vec![CLIENT.ip(), std::net::Ipv6Addr::LOCALHOST.into()],
        ports: 50_000..=50_009,
        peers: PeerPolicy::default(),
        allocations_per_person: 2,
        allocations_per_address: 2,
        octets_per_person: Some(1000),
        allocations: 2,
        secret: [1; 32],
        fips: false,
    };
    let mut server = Server::new(config, now);
    server.add_credential(now, "u", "p", "person", Duration::from_secs(60));
    let allocate = Writer::new(Class::Request, method::ALLOCATE, [0; 12])
        .attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    server.handle_client(now, CLIENT.into(), &allocate.clone().finish());
    let challenge = run(&mut server, now);
    let challenge = Message::read(&challenge).expect("our own answer");
    let nonce = challenge.attribute(NONCE).expect("a nonce").to_vec();
    server.handle_client(now, CLIENT.into(), &signed(allocate, &nonce));
    run(&mut server, now);

    // As it is; then each piece, led by method and type, as an attribute of a request that proves itself.
    let _ = server.handle_client(now, CLIENT.into(), data);
    for (number, piece) in data.chunks(24).enumerate() {
        let [method, kind, value @ ..] = piece else {
            break;
        };
        let request = Writer::new(
            Class::Request,
            u16::from(method % 12),
            [number as u8 + 1; 12],
        );
        let request = request.attribute(u16::from(kind % 0x30), value);
        let _ = server.handle_client(now, CLIENT.into(), &signed(request, &nonce));
    }
    let answer = run(&mut server, now);
    assert!(answer.is_empty() || Message::read(&answer).is_ok());
    let mut out = Vec::new();
    let _ = server.handle_peer(now, AllocationId(1), CLIENT, data, &mut out);
    server.handle_timeout(now + Duration::from_secs(100));
});
