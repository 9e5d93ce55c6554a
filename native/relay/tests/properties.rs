//! Whatever arrives, nothing panics and nothing is relayed for strangers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod turn;

use proptest::collection::vec;
use proptest::prelude::*;
use turn::{Lab, PEER, address, allocated, send_indication};
use vestibule_relay::stun::attribute::{DATA, USERNAME, XOR_PEER_ADDRESS};
use vestibule_relay::stun::integrity::Integrity;
use vestibule_relay::stun::{Class, Message, Writer};

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        class in prop_oneof![Just(Class::Request), Just(Class::Indication), Just(Class::Success), Just(Class::Error)],
        method in 0u16..0x1000,
        transaction in any::<[u8; 12]>(),
        user in vec(any::<u8>(), 0..70),
        data in vec(any::<u8>(), 0..70),
        peer in any::<std::net::SocketAddr>(),
    ) {
        let bytes = Writer::new(class, method, transaction)
            .attribute(USERNAME, &user)
            .address(XOR_PEER_ADDRESS, peer)
            .attribute(DATA, &data)
            .protect(Integrity::Sha256, b"key")
            .fingerprint()
            .finish();
        let message = Message::read(&bytes).unwrap();
        prop_assert_eq!((message.class, message.method), (class, method));
        prop_assert_eq!(message.transaction, transaction);
        prop_assert_eq!(message.attribute(USERNAME), Some(&user[..]));
        prop_assert_eq!(message.attribute(DATA), Some(&data[..]));
        let found = message.addresses(XOR_PEER_ADDRESS).next().unwrap().unwrap();
        prop_assert_eq!((found.ip(), found.port()), (peer.ip(), peer.port()));
        prop_assert!(message.verifies(Integrity::Sha256, b"key"));
    }

    #[test]
    fn damaged_and_random_datagrams_do_no_harm(
        noise in vec(any::<u8>(), 0..200),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut lab = Lab::new();
        let client = allocated(&mut lab);
        let mut datagram = send_indication(PEER, &noise);
        for (place, octet) in damage {
            let place = place.index(datagram.len());
            datagram[place] = octet;
        }
        for data in [&datagram, &noise] {
            for from in [client.address, address("203.0.113.5:1")] {
                prop_assert_eq!(lab.server.handle_client(lab.now, from.into(), data), None);
            }
        }
        for (_, answer) in lab.run() {
            prop_assert!(Message::read(&answer).is_ok());
        }
    }
}
