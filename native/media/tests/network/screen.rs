//! A phone's screen and camera: a video stream of its own, with keys of its own.

use std::net::SocketAddr;
use std::time::Duration;

use str0m::rtp::Vp8Descriptor;
use vestibule_media::rtcp::{ReportBlock, write_report};
use vestibule_media::rtp::{Datagram, Header, Packet};
use vestibule_media::srtp::{SrtpReceiver, SrtpSender, Suite};
use vestibule_media::{PhoneSockets, Refused, SocketId, StreamLeg, VideoCodec, VideoLeg};

use super::Network;

/// Of its pictures, whatever they are encoded in.
pub const PICTURES: u8 = 98;
/// The SSRC of its camera.
pub const CAMERA: u32 = 21;

/// A packet that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub header: Header,
    pub picture: Option<u16>,
    pub layer: Option<u8>,
    pub keyframe: bool,
    pub payload: Vec<u8>,
}

/// What is to be known of a packet.
trait Read {
    fn shown(self, packet: &Packet<'_>) -> Shown;
}

impl Read for VideoCodec {
    fn shown(self, packet: &Packet<'_>) -> Shown {
        let vp8 = (self == Self::Vp8).then(|| Vp8Descriptor::parse(packet.payload).unwrap());
        Shown {
            header: packet.header,
            picture: vp8.and_then(|descriptor| descriptor.picture_id()),
            layer: vp8.and_then(|descriptor| descriptor.tl0_pic_idx()),
            // With H.264 the parameter sets, which come in one packet.
            keyframe: vp8.map_or(packet.payload[0] & 0x1f == 24, |descriptor| {
                descriptor.starts_keyframe(packet.payload)
            }),
            payload: packet.payload.to_vec(),
        }
    }
}

pub struct Screen {
    pub address: SocketAddr,
    pub sockets: PhoneSockets,
    pub shown: Vec<Shown>,
    pub reports: Vec<Vec<u8>>,
    codec: VideoCodec,
    sender: SrtpSender,
    receiver: SrtpReceiver,
    sequence: u16,
}

impl Screen {
    /// Give the phone of that name a screen at that port; as `change` makes the leg.
    pub fn try_add(
        network: &mut Network,
        phone: &str,
        port: u16,
        may_send: bool,
        change: impl FnOnce(&mut VideoLeg),
    ) -> Result<Self, Refused> {
        let address = SocketAddr::new("198.51.100.9".parse().unwrap(), port);
        let suite = Suite::AeadAes256Gcm;
        let key = |seed: u8| (seed..).take(suite.master_length()).collect::<Vec<u8>>();
        let mut leg = VideoLeg {
            stream: StreamLeg {
                suite,
                local_key: key(11),
                remote_key: key(111),
                remote: address,
                remote_is_known: true,
                rtcp_mux: true,
            },
            codec: VideoCodec::Vp8,
            payload_type: PICTURES,
            bandwidth: None,
            repairs: true,
            receives: true,
        };
        change(&mut leg);
        let sockets = PhoneSockets {
            rtp: SocketId(usize::from(port)),
            rtcp: None,
        };
        let screen = Self {
            address,
            sockets,
            shown: Vec::new(),
            reports: Vec::new(),
            codec: leg.codec,
            sender: SrtpSender::new(suite, &key(111)).unwrap(),
            receiver: SrtpReceiver::new(suite, &key(11)).unwrap(),
            sequence: 65_530,
        };
        let room = network.room;
        network
            .rooms
            .add_phone_video(network.now, room, phone, leg, sockets, may_send)?;
        Ok(screen)
    }

    pub fn add(network: &mut Network, phone: &str, port: u16) -> Self {
        Self::try_add(network, phone, port, true, |_| {}).unwrap()
    }

    /// Take what the node has sent to it.
    pub fn take(&mut self, network: &mut Network) {
        let all = std::mem::take(&mut network.elsewhere);
        for (socket, destination, mut data) in all {
            if destination != self.address {
                network.elsewhere.push((socket, destination, data));
            } else if Datagram::classify(&data) == Datagram::Rtcp {
                let plain = self.receiver.unprotect_rtcp(&mut data).unwrap();
                self.reports.push(plain.to_vec());
            } else {
                assert_eq!(socket, self.sockets.rtp);
                let plain = self.receiver.unprotect_rtp(&mut data).unwrap();
                let packet = Packet::parse(plain).unwrap();
                assert_eq!(packet.header.payload_type, PICTURES);
                self.shown.push(self.codec.shown(&packet));
            }
        }
    }

    /// What came since the last call.
    pub fn newest(&mut self, network: &mut Network) -> Vec<Shown> {
        self.take(network);
        std::mem::take(&mut self.shown)
    }

    /// A packet of its camera, protected.
    pub fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        let header = Header {
            marker: true,
            payload_type: PICTURES,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence) * 3_000,
            ssrc: CAMERA,
        };
        header.write(&mut packet);
        self.sequence = self.sequence.wrapping_add(1);
        packet.extend_from_slice(payload);
        self.sender.protect_rtp(&mut packet).unwrap();
        packet
    }

    /// Show the room a packet of its camera.
    pub fn film(&mut self, network: &mut Network, payload: &[u8]) {
        let packet = self.packet(payload);
        network.inject(self.sockets.rtp, self.address, packet);
    }

    /// Say something by RTCP.
    pub fn say(&mut self, network: &mut Network, mut plain: Vec<u8>) {
        self.sender.protect_rtcp(&mut plain).unwrap();
        network.inject(self.sockets.rtp, self.address, plain);
    }

    /// Report what it lost, in 256ths, of the stream that it is shown.
    pub fn report_loss(&mut self, network: &mut Network, ssrc: u32, fraction_lost: u8) {
        let block = ReportBlock {
            ssrc,
            fraction_lost,
            ..ReportBlock::default()
        };
        let mut plain = Vec::new();
        write_report(&mut plain, CAMERA, None, &[block], "screen");
        self.say(network, plain);
    }
}

/// A VP8 frame of one packet, with picture id and TL0PICIDX. Its last octet tells whose it is.
pub fn frame(id: u16, keyframe: bool, height: u8, octets: usize, mark: u8) -> Vec<u8> {
    let [high, low] = (id | 0x8000).to_be_bytes();
    let mut payload = vec![0x90, 0xe0, high, low, id as u8, 0x00];
    let dimensions = [0, 0, 0x9d, 0x01, 0x2a, 160, 0, height, 0];
    payload.push(u8::from(!keyframe));
    payload.extend(dimensions);
    payload.resize(octets, 7);
    payload[octets - 1] = mark;
    payload
}

/// As `frame`, of a temporal layer; `sync`: it needs the lowest only.
pub fn temporal_frame(id: u16, keyframe: bool, octets: usize, layer: u8, sync: bool) -> Vec<u8> {
    let mut payload = frame(id, keyframe, 180, octets, layer);
    payload[4] = (id / 4) as u8;
    payload[5] = layer << 6 | u8::from(sync) << 5;
    payload
}

/// Let some time pass in steps of 20 ms.
pub fn steps(duration: Duration) -> usize {
    (duration.as_millis() / 20) as usize
}
