//! Datagrams from an address that has proven to be a browser's, before it has any keys: DTLS records, STUN, RTP
//! and RTCP. The first octet of a piece tells its length.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vestibule_media::{Rights, Rooms, SocketId};
use vestibule_relay::stun::attribute::USERNAME;
use vestibule_relay::stun::integrity::Integrity;
use vestibule_relay::stun::{Class, Writer, method};

const BROWSERS: SocketId = SocketId(0);
const OFFER: &str = include_str!("../corpus/room_offer/whole");
const RIGHTS: Rights = Rights {
    audio: true,
    video: true,
    screen: true,
};
/// RFC 8445 section 16.1.
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLING: u16 = 0x802a;

fn value<'a>(sdp: &'a str, attribute: &str) -> &'a str {
    let mut lines = sdp.lines();
    let line = lines.find_map(|line| line.strip_prefix(attribute));
    line.expect("an attribute of ICE")
}

/// A room with a browser whose address is known.
fn with_browser(now: Instant, browser: SocketAddr) -> Rooms {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut rooms = Rooms::new(now, BROWSERS, address, false).expect("rooms");
    rooms.open_room(now, "room");
    let answer = rooms
        .join_browser(now, "room", "x", OFFER, RIGHTS)
        .expect("an answer");
    let (ours, theirs) = (value(&answer, "a=ice-ufrag:"), value(OFFER, "a=ice-ufrag:"));
    let check = Writer::new(Class::Request, method::BINDING, [7; 12])
        .attribute(USERNAME, format!("{ours}:{theirs}").as_bytes())
        .attribute(PRIORITY, &[1, 2, 3, 4])
        .attribute(ICE_CONTROLLING, &[9; 8])
        .attribute(USE_CANDIDATE, &[])
        .protect(Integrity::Sha1, value(&answer, "a=ice-pwd:").as_bytes())
        .fingerprint();
    rooms.handle_datagram(now, BROWSERS, browser, &mut check.finish());
    let answered = rooms.poll_transmit().expect("an answer to the check");
    assert_eq!(answered.destination, browser);
    rooms
}

fuzz_target!(|data: &[u8]| {
    static START: OnceLock<Instant> = OnceLock::new();
    let mut now = *START.get_or_init(Instant::now);
    let browser = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
    let mut rooms = with_browser(now, browser);
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (piece, after) = after.split_at(after.len().min(usize::from(*length)));
        rooms.handle_datagram(now, BROWSERS, browser, &mut piece.to_vec());
        now += Duration::from_millis(20);
        rooms.handle_timeout(now);
        while rooms.poll_transmit().is_some() {}
        rest = after;
    }
    // Anyone may send garbage from anywhere: it ends nobody.
    let is_due = now
        < START
            .get()
            .map_or(now, |start| *start + Duration::from_secs(29));
    assert!(!is_due || rooms.stats("room", "x").is_some());
});
