//! Two phones that see each other: what one sends under its own keys (VP8 of any make, with temporal layers, RTCP)
//! is shown to the other, as it is or in H.264, whose wishes are any too. The first octet of a piece tells its length, the second what it is.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vestibule_media::codec::Codec;
use vestibule_media::rtp::Header;
use vestibule_media::srtp::{SrtpSender, Suite};
use vestibule_media::{
    Level, Outcome, PhoneLeg, PhoneSockets, Rights, Rooms, SocketId, StreamLeg, Task, Transcoder,
    VideoCodec, VideoLeg,
};

const SUITE: Suite = Suite::AeadAes128Gcm;
const KEY: [u8; 28] = [1; 28];
const NAMES: [&str; 2] = ["one", "two"];

fn stream(port: u16) -> StreamLeg {
    StreamLeg {
        suite: SUITE,
        local_key: vec![2; 28],
        remote_key: KEY.to_vec(),
        remote: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        remote_is_known: true,
        rtcp_mux: true,
    }
}

fn sound(port: u16) -> PhoneLeg {
    let leg = stream(port);
    PhoneLeg {
        codec: Codec::Pcmu,
        payload_type: 0,
        dtmf_payload_type: None,
        suite: leg.suite,
        local_key: leg.local_key,
        remote_key: leg.remote_key,
        remote: leg.remote,
        remote_is_known: true,
        rtcp_mux: true,
    }
}

fn pictures(port: u16, settings: u8) -> VideoLeg {
    VideoLeg {
        stream: stream(port),
        codec: if settings & 8 == 0 {
            VideoCodec::Vp8
        } else {
            let level = Level::up_to(9 + (settings >> 4)).expect("a level");
            VideoCodec::H264 { level }
        },
        payload_type: 98,
        bandwidth: (settings & 1 != 0).then(|| u64::from(settings) * 1_000),
        repairs: settings & 2 != 0,
        receives: settings & 4 == 0,
    }
}

fn on(socket: usize) -> PhoneSockets {
    PhoneSockets {
        rtp: SocketId(socket),
        rtcp: None,
    }
}

fuzz_target!(|data: &[u8]| {
    static START: OnceLock<Instant> = OnceLock::new();
    let mut now = *START.get_or_init(Instant::now);
    let Some(([one, two], mut rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut rooms = Rooms::new(now, SocketId(0), address, false).expect("rooms");
    rooms.open_room(now, "room");
    let rights = Rights {
        audio: true,
        video: true,
        screen: false,
    };
    for ((index, name), settings) in (0..).zip(NAMES).zip([*one, *two]) {
        let port = 5_000 + index as u16 * 4;
        rooms
            .join_phone(now, "room", name, sound(port), on(index * 2 + 1), rights)
            .expect("a phone");
        let leg = pictures(port + 2, settings);
        rooms
            .add_phone_video(now, "room", name, leg, on(index * 2 + 2), true)
            .expect("its pictures");
    }
    let new_sender = || SrtpSender::new(SUITE, &KEY).expect("a key of the right length");
    let mut senders = [new_sender(), new_sender()];
    let mut sequence = 0_u16;
    let mut transcoder = Transcoder::default();
    while let Some(([length, kind], after)) = rest.split_first_chunk::<2>() {
        let (piece, after) = after.split_at(after.len().min(usize::from(*length)));
        rest = after;
        let who = usize::from(kind >> 7);
        let mut packet = Vec::new();
        let sealed = if kind & 1 == 0 {
            packet.extend_from_slice(piece);
            senders[who].protect_rtcp(&mut packet).is_ok()
        } else {
            // Small steps back and forth, so that packets are overtaken.
            sequence = sequence
                .wrapping_add(u16::from(kind >> 3 & 7))
                .wrapping_sub(2);
            let header = Header {
                marker: kind & 2 != 0,
                payload_type: 98,
                sequence,
                timestamp: u32::from(sequence / 2) * 3_000,
                ssrc: 7 + u32::from(kind & 4),
            };
            header.write(&mut packet);
            packet.extend_from_slice(piece);
            senders[who].protect_rtp(&mut packet).is_ok()
        };
        if sealed {
            let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 5_002 + who as u16 * 4));
            rooms.handle_datagram(now, SocketId(who * 2 + 2), from, &mut packet);
        }
        now += Duration::from_millis(20);
        rooms.handle_timeout(now);
        while let Some(task) = rooms.poll_task() {
            if let Task::Step(id, step) = task {
                let outcome = transcoder.work(&step);
                assert_ne!(outcome, Outcome::Broken, "a codec panicked");
                rooms.handle_transcoded(now, id, outcome);
            }
        }
        while rooms.poll_transmit().is_some() {}
    }
    while rooms.poll_event().is_some() {}
});
