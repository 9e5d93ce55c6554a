//! A phone: SDES keys, one codec, 20 ms at a time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use vestibule_media::codec::{Codec, Decoder, Encoder};
use vestibule_media::pcm::{FRAME, Frame};
use vestibule_media::rtcp::{ReportBlock, write_report};
use vestibule_media::rtp::{Datagram, Header, Packet};
use vestibule_media::srtp::{SrtpReceiver, SrtpSender, Suite};
use vestibule_media::{PhoneLeg, PhoneSockets, Rights, SocketId};

use super::Network;

pub const PAYLOAD_TYPE: u8 = 96;
pub const DTMF: u8 = 101;

/// A tone that tells who is speaking.
pub struct Tone {
    hertz: f32,
    samples: usize,
}

impl Tone {
    pub fn new(hertz: f32) -> Self {
        Self { hertz, samples: 0 }
    }

    pub fn frame(&mut self) -> Frame {
        let step = std::f32::consts::TAU * self.hertz / 48_000.0;
        let start = self.samples;
        self.samples += FRAME;
        std::array::from_fn(|n| 0.4 * (step * (start + n) as f32).sin())
    }
}

/// How much of a tone is in some sound: about 1 if it is nothing else.
pub fn share_of(hertz: f32, sound: &[f32]) -> f32 {
    let step = std::f32::consts::TAU * hertz / 48_000.0;
    let (mut sine, mut cosine, mut energy) = (0.0_f32, 0.0_f32, f32::MIN_POSITIVE);
    for (n, sample) in sound.iter().enumerate() {
        sine += sample * (step * n as f32).sin();
        cosine += sample * (step * n as f32).cos();
        energy += sample * sample;
    }
    2.0 * (sine * sine + cosine * cosine) / (energy * sound.len() as f32)
}

pub struct Phone {
    pub name: String,
    pub address: SocketAddr,
    pub sockets: PhoneSockets,
    pub sound: Vec<f32>,
    pub headers: Vec<Header>,
    pub payloads: Vec<Vec<u8>>,
    pub reports: Vec<Vec<u8>>,
    pub sent: Vec<Vec<u8>>,
    sender: SrtpSender,
    receiver: SrtpReceiver,
    encoder: Encoder,
    decoder: Decoder,
    sequence: u16,
    timestamp: u32,
    codec: Codec,
}

impl Phone {
    /// Join the room with a phone at that port.
    pub fn join(
        network: &mut Network,
        name: &str,
        port: u16,
        codec: Codec,
        suite: Suite,
        rights: Rights,
    ) -> Self {
        let address = SocketAddr::new("198.51.100.9".parse().unwrap(), port);
        let leg = leg(codec, suite, address);
        let mux = port.is_multiple_of(4);
        let number = usize::from(port);
        let sockets = PhoneSockets {
            rtp: SocketId(number),
            rtcp: (!mux).then_some(SocketId(number + 1)),
        };
        let leg = PhoneLeg {
            remote_is_known: true,
            rtcp_mux: mux,
            ..leg
        };
        let phone = Self {
            name: name.to_owned(),
            address,
            sockets,
            sound: Vec::new(),
            headers: Vec::new(),
            payloads: Vec::new(),
            reports: Vec::new(),
            sent: Vec::new(),
            sender: SrtpSender::new(suite, &leg.remote_key).unwrap(),
            receiver: SrtpReceiver::new(suite, &leg.local_key).unwrap(),
            encoder: Encoder::new(codec).unwrap(),
            decoder: Decoder::new(codec).unwrap(),
            sequence: 65_500,
            timestamp: 4_294_960_000,
            codec,
        };
        let room = network.room;
        network
            .rooms
            .join_phone(network.now, room, name, leg, sockets, rights)
            .unwrap();
        phone
    }

    /// Say 20 ms.
    pub fn say(&mut self, network: &mut Network, frame: &Frame) {
        let packet = self.packet(PAYLOAD_TYPE, frame);
        self.sent.push(packet.clone());
        network.inject(self.sockets.rtp, self.address, packet);
    }

    /// The next packet, protected.
    pub fn packet(&mut self, payload_type: u8, frame: &Frame) -> Vec<u8> {
        let mut packet = Vec::new();
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: 7,
        };
        header.write(&mut packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.codec.frame_ticks());
        self.encoder.encode(frame, &mut packet).unwrap();
        self.sender.protect_rtp(&mut packet).unwrap();
        packet
    }

    /// A packet of a telephone event, protected.
    pub fn event(&mut self, timestamp: u32, payload: [u8; 4]) -> Vec<u8> {
        let mut packet = Vec::new();
        let header = Header {
            marker: false,
            payload_type: DTMF,
            sequence: self.sequence,
            timestamp,
            ssrc: 7,
        };
        header.write(&mut packet);
        self.sequence = self.sequence.wrapping_add(1);
        packet.extend_from_slice(&payload);
        self.sender.protect_rtp(&mut packet).unwrap();
        packet
    }

    /// An empty receiver report, protected.
    pub fn report(&mut self) -> Vec<u8> {
        let mut packet = vec![0x80, 201, 0, 1, 0, 0, 0, 7];
        self.sender.protect_rtcp(&mut packet).unwrap();
        packet
    }

    /// What this phone hears of us, protected.
    pub fn report_of(&mut self, block: ReportBlock) -> Vec<u8> {
        let mut packet = Vec::new();
        write_report(&mut packet, 7, None, &[block], "desk");
        self.sender.protect_rtcp(&mut packet).unwrap();
        packet
    }

    /// Take what the node has sent to this phone's address.
    pub fn take(&mut self, network: &mut Network) {
        let host = self.address.ip();
        let port = self.address.port();
        let mut rest = Vec::new();
        for (socket, destination, mut data) in network.elsewhere.drain(..) {
            let mine = destination.ip() == host && [port, port + 1].contains(&destination.port());
            if !mine {
                rest.push((socket, destination, data));
            } else if Datagram::classify(&data) == Datagram::Rtcp {
                let plain = self.receiver.unprotect_rtcp(&mut data).unwrap();
                self.reports.push(plain.to_vec());
            } else {
                assert_eq!(destination, self.address);
                let plain = self.receiver.unprotect_rtp(&mut data).unwrap();
                let packet = Packet::parse(plain).unwrap();
                self.headers.push(packet.header);
                self.payloads.push(packet.payload.to_vec());
                self.decoder
                    .decode(packet.payload, &mut self.sound)
                    .unwrap();
            }
        }
        network.elsewhere = rest;
    }
}

pub fn leg(codec: Codec, suite: Suite, remote: SocketAddr) -> PhoneLeg {
    let key = |seed: u8| (seed..).take(suite.master_length()).collect::<Vec<u8>>();
    PhoneLeg {
        codec,
        payload_type: PAYLOAD_TYPE,
        dtmf_payload_type: Some(DTMF),
        suite,
        local_key: key(1),
        remote_key: key(101),
        remote,
        remote_is_known: true,
        rtcp_mux: true,
    }
}

/// Let phones speak and hear for a while; each speaks its tone.
pub fn converse(network: &mut Network, phones: &mut [(&mut Phone, Tone)], duration: Duration) {
    let end: Instant = network.now + duration;
    while network.now < end {
        for (phone, tone) in phones.iter_mut() {
            let frame = tone.frame();
            phone.say(network, &frame);
        }
        network.run(Duration::from_millis(20));
        for (phone, _) in phones.iter_mut() {
            phone.take(network);
        }
    }
}
