//! What a browser offers: answered or refused, whatever it is.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use vestibule_media::{Rights, Rooms, SocketId};

const RIGHTS: Rights = Rights {
    audio: true,
    video: true,
    screen: true,
};

fuzz_target!(|data: &[u8]| {
    let Ok(offer) = std::str::from_utf8(data) else {
        return;
    };
    let now = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut rooms = Rooms::new(now, SocketId(0), address, false).expect("rooms");
    rooms.open_room(now, "room");
    match rooms.join_browser(now, "room", "x", offer, RIGHTS) {
        Ok(answer) => assert!(answer.contains("a=fingerprint:")),
        Err(refused) => assert!(!refused.to_string().contains(['\r', '\n'])),
    }
});
