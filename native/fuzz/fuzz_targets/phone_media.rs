//! What a phone sends under its own keys: RTP with speech and keys of the telephone, RTCP. The first octet of a
//! piece tells its length, the second what it is.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vestibule_media::codec::Codec;
use vestibule_media::rtp::Header;
use vestibule_media::srtp::{SrtpSender, Suite};
use vestibule_media::{PhoneLeg, PhoneSockets, Rights, Rooms, SocketId};

const SUITE: Suite = Suite::AeadAes128Gcm;
const KEY: [u8; 28] = [1; 28];
const PHONE: SocketId = SocketId(1);
const RIGHTS: Rights = Rights {
    audio: true,
    video: false,
    screen: false,
};

fn phone(codec: Codec, remote: SocketAddr) -> PhoneLeg {
    PhoneLeg {
        codec,
        payload_type: 96,
        dtmf_payload_type: Some(101),
        suite: SUITE,
        local_key: vec![2; 28],
        remote_key: KEY.to_vec(),
        remote,
        remote_is_known: true,
        rtcp_mux: true,
    }
}

fuzz_target!(|data: &[u8]| {
    static START: OnceLock<Instant> = OnceLock::new();
    let mut now = *START.get_or_init(Instant::now);
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let codecs = [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu];
    let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut rooms = Rooms::new(now, SocketId(0), address, false).expect("rooms");
    rooms.open_room(now, "room");
    let sockets = PhoneSockets {
        rtp: PHONE,
        rtcp: None,
    };
    let leg = phone(codecs[usize::from(*first) % codecs.len()], remote);
    rooms
        .join_phone(now, "room", "x", leg, sockets, RIGHTS)
        .expect("a phone");
    let mut sender = SrtpSender::new(SUITE, &KEY).expect("a key of the right length");
    let mut sequence = 0_u16;
    while let Some(([length, kind], after)) = rest.split_first_chunk::<2>() {
        let (piece, after) = after.split_at(after.len().min(usize::from(*length)));
        rest = after;
        let mut packet = Vec::new();
        let sealed = if kind & 1 == 0 {
            packet.extend_from_slice(piece);
            sender.protect_rtcp(&mut packet).is_ok()
        } else {
            sequence = sequence.wrapping_add(u16::from(kind >> 2) + 1);
            let header = Header {
                marker: kind & 2 != 0,
                payload_type: if kind & 4 == 0 { 96 } else { 101 },
                sequence,
                timestamp: u32::from(sequence) * 160,
                ssrc: 7,
            };
            header.write(&mut packet);
            packet.extend_from_slice(piece);
            sender.protect_rtp(&mut packet).is_ok()
        };
        if sealed {
            rooms.handle_datagram(now, PHONE, remote, &mut packet);
        }
        now += Duration::from_millis(20);
        rooms.handle_timeout(now);
        while rooms.poll_transmit().is_some() {}
    }
    while rooms.poll_event().is_some() {}
});
