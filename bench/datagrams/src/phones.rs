//! Phones that talk to a server, and what they hear of its mix.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use vestibule_media::codec::{Codec, Decoder};
use vestibule_media::level;
use vestibule_media::rtp::{Datagram, Header, Packet};
use vestibule_media::srtp::{SrtpReceiver, SrtpSender, Suite};

use crate::Talk;
use crate::offload::{Inbox, Socket};
use crate::speech;

const FRAME_TIME: Duration = Duration::from_millis(20);
const FRAME_TICKS: u32 = 960;
const NAP: Duration = Duration::from_micros(500);
const LAST_ONES: Duration = Duration::from_millis(300);

/// What came of it.
pub(crate) struct Tally {
    sent: u64,
    received: u64,
    wrong: u64,
    seconds: f64,
    heard_dbov: f32,
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            received,
            wrong,
            seconds,
            heard_dbov,
        } = self;
        write!(
            to,
            r#"{{"sent":{sent},"received":{received},"wrong":{wrong},"seconds":{seconds:.3},"heard_dbov":{heard_dbov:.1}}}"#
        )
    }
}

struct Phone {
    socket: Socket,
    to: SocketAddr,
    says: Vec<Vec<u8>>,
    ssrc: u32,
    sent: u32,
    protection: Option<(SrtpSender, SrtpReceiver)>,
}

impl Phone {
    fn new(talk: &Talk, number: usize, inner: UdpSocket) -> io::Result<Self> {
        inner.set_nonblocking(true)?;
        let says = if number < talk.talkers {
            speech::voice(number)?
        } else {
            speech::hum(number)?
        };
        Ok(Self {
            to: inner.peer_addr()?,
            socket: Socket::new(inner)?,
            says,
            ssrc: number as u32 + 1,
            sent: 0,
            protection: protection(talk)?,
        })
    }

    fn say(&mut self, payload_type: u8) -> io::Result<()> {
        let mut packet = Vec::new();
        let header = Header {
            marker: self.sent == 0,
            payload_type,
            sequence: self.sent as u16,
            timestamp: self.sent.wrapping_mul(FRAME_TICKS),
            ssrc: self.ssrc,
        };
        header.write(&mut packet);
        packet.extend_from_slice(&self.says[self.sent as usize % self.says.len()]);
        self.sent += 1;
        if let Some((sender, _)) = &mut self.protection {
            sender.protect_rtp(&mut packet).map_err(io::Error::other)?;
        }
        self.socket.send(self.to, &packet, packet.len());
        Ok(())
    }

    /// Hand each right packet's payload on; how many there were, and how many wrong ones.
    fn hear(
        &mut self,
        payload_type: u8,
        inbox: &mut Inbox,
        mut each: impl FnMut(&[u8]),
    ) -> (u64, u64) {
        let (mut right, mut wrong) = (0, 0);
        let protection = &mut self.protection;
        inbox.drain(&self.socket, |_, datagram| {
            if Datagram::classify(datagram) != Datagram::Rtp {
                return;
            }
            let mut bytes = datagram.to_vec();
            let plain = match protection {
                Some((_, receiver)) => receiver.unprotect_rtp(&mut bytes).ok(),
                None => Some(&mut bytes[..]),
            };
            match plain.and_then(|plain| Packet::parse(plain).ok()) {
                Some(packet) if packet.header.payload_type == payload_type => {
                    right += 1;
                    each(packet.payload);
                }
                _ => wrong += 1,
            }
        });
        (right, wrong)
    }
}

/// Talk for a while. The first phones are the talkers; the last one tells how loud it hears them.
pub(crate) fn run(talk: &Talk, sockets: Vec<UdpSocket>) -> io::Result<Tally> {
    let phones = sockets.into_iter().enumerate();
    let phones: io::Result<Vec<Phone>> = phones
        .map(|(number, socket)| Phone::new(talk, number, socket))
        .collect();
    let mut phones = phones?;
    println!("ready");
    let time = Duration::from_secs_f64(talk.seconds);
    let (mut inbox, mut said) = (Inbox::new(), 0);
    let (mut right, mut wrong) = (0, 0);
    let mut ear = Ear::new()?;
    let started = Instant::now();
    while started.elapsed() < time + LAST_ONES {
        let count = phones.len();
        for (number, phone) in phones.iter_mut().enumerate() {
            // Phones don't keep step: each has its place within the 20 ms.
            let offset = FRAME_TIME * number as u32 / count as u32;
            let due = started.elapsed().min(time).saturating_sub(offset);
            while u128::from(phone.sent) < due.as_nanos() / FRAME_TIME.as_nanos() {
                phone.say(talk.payload_type)?;
                said += 1;
            }
            let is_last = number + 1 == count;
            let (good, bad) = phone.hear(talk.payload_type, &mut inbox, |payload| {
                if is_last {
                    ear.hear(payload);
                }
            });
            (right, wrong) = (right + good, wrong + bad);
        }
        std::thread::sleep(NAP);
    }
    Ok(Tally {
        sent: said,
        received: right,
        wrong,
        seconds: time.as_secs_f64(),
        heard_dbov: level::measure(&ear.sound),
    })
}

/// Decodes what one phone hears.
struct Ear {
    decoder: Decoder,
    sound: Vec<f32>,
}

impl Ear {
    fn new() -> io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new(Codec::Opus).map_err(io::Error::other)?,
            sound: Vec::new(),
        })
    }

    /// What is no Opus adds nothing, and is missed in the loudness.
    fn hear(&mut self, payload: &[u8]) {
        let _ = self.decoder.decode(payload, &mut self.sound);
    }
}

fn protection(talk: &Talk) -> io::Result<Option<(SrtpSender, SrtpReceiver)>> {
    let Some(name) = &talk.suite else {
        return Ok(None);
    };
    let suite = Suite::from_sdes_name(name).ok_or_else(|| io::Error::other("no such suite"))?;
    let octets = talk.master.as_bytes().chunks(2).map(|digits| {
        let digits = std::str::from_utf8(digits).map_err(io::Error::other)?;
        u8::from_str_radix(digits, 16).map_err(io::Error::other)
    });
    let master: Vec<u8> = octets.collect::<io::Result<_>>()?;
    let sender = SrtpSender::new(suite, &master).map_err(io::Error::other)?;
    let receiver = SrtpReceiver::new(suite, &master).map_err(io::Error::other)?;
    Ok(Some((sender, receiver)))
}
