//! One stream to a browser: its numbers, what is remembered of it, and its reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::Mid;
use str0m::rtp::VideoOrientation;

use super::extensions::{Elements, ExtensionIds, MAX_OCTETS};
use super::resends::Resends;
use crate::events::Source;
use crate::quality::Gauge;
use crate::rtcp::SenderInfo;
use crate::rtp::{FIXED_HEADER, Header, set_padding};
use crate::showing::Numbers;
use crate::srtp::MAX_OVERHEAD;
use crate::vp8_payload::write_ids;

/// A packet before it is protected.
#[derive(Debug, Clone)]
pub struct Plain {
    /// Its stream's place among all.
    pub stream: usize,
    /// As its receiver is to see it.
    pub numbers: Numbers,
    /// Marker bit.
    pub marker: bool,
    /// Audio level as RFC 6464 has it.
    pub level: Option<(i8, bool)>,
    /// How the camera is held.
    pub orientation: Option<VideoOrientation>,
    /// Shared by all receivers; ids are written into a copy.
    pub payload: Arc<[u8]>,
    /// When it came.
    pub queued: Instant,
}

/// What the answer says of a stream.
#[derive(Debug)]
pub struct StreamShape {
    /// Its m-line.
    pub mid: Mid,
    /// Of what kind it is.
    pub source: Source,
    /// Its SSRC.
    pub ssrc: u32,
    /// That of its repairs with their payload type (RFC 4588).
    pub repairs: Option<(u32, u8)>,
    /// Of the one codec.
    pub payload_type: u8,
    /// In ticks per second.
    pub clock_rate: u32,
    /// By what its header extensions are known.
    pub extensions: ExtensionIds,
}

/// What of a packet is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The packet itself.
    First,
    /// The packet once more, in its stream of repairs.
    Repair,
    /// Nothing but so many octets of padding, in the stream of repairs.
    Padding(u8),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) shape: StreamShape,
    pub(super) resends: Resends,
    pub(super) gauge: Gauge,
    /// Packets and octets of payload, without and with those that went again.
    first: (u64, u64),
    all: (u64, u64),
    /// Since the last report.
    is_fresh: bool,
    /// The newest packet's timestamp and when it came.
    newest: Option<(Instant, u32)>,
    next_repair: u16,
}

impl Stream {
    pub(super) fn new(shape: StreamShape) -> Self {
        Self {
            shape,
            resends: Resends::default(),
            gauge: Gauge::default(),
            first: (0, 0),
            all: (0, 0),
            is_fresh: false,
            newest: None,
            next_repair: 1,
        }
    }

    /// Whether its gaps can be filled.
    pub(super) fn can_fill(&self) -> bool {
        self.shape.repairs.is_some() && self.newest.is_some()
    }

    /// When the newest packet came.
    pub(super) fn newest(&self) -> Option<Instant> {
        self.newest.map(|(at, _)| at)
    }

    /// The packet in plain, and where its transport-wide number is to be written. `None`: the stream has no
    /// repairs.
    pub(super) fn write(&mut self, packet: &Plain, form: Form) -> Option<(Vec<u8>, Option<usize>)> {
        let (ssrc, payload_type, sequence) = match form {
            Form::First => {
                let sequence = packet.numbers.sequence as u16;
                (self.shape.ssrc, self.shape.payload_type, sequence)
            }
            Form::Repair | Form::Padding(_) => {
                let (ssrc, payload_type) = self.shape.repairs?;
                self.next_repair = self.next_repair.wrapping_add(1);
                (ssrc, payload_type, self.next_repair)
            }
        };
        let header = Header {
            marker: packet.marker && !matches!(form, Form::Padding(_)),
            payload_type,
            sequence,
            timestamp: packet.numbers.timestamp,
            ssrc,
        };
        let room = FIXED_HEADER + MAX_OCTETS + packet.payload.len() + 2 + MAX_OVERHEAD;
        let mut out = Vec::with_capacity(room);
        header.write(&mut out);
        let elements = Elements {
            mid: &self.shape.mid,
            level: packet.level,
            orientation: packet.orientation,
        };
        let number = self.shape.extensions.write(&mut out, elements);
        if let Form::Padding(octets) = form {
            set_padding(&mut out, octets);
            return Some((out, number));
        }
        if form == Form::Repair {
            out.extend((packet.numbers.sequence as u16).to_be_bytes());
        }
        let start = out.len();
        out.extend_from_slice(&packet.payload);
        if let Some(ids) = packet.numbers.vp8 {
            write_ids(&mut out[start..], ids);
        }
        Some((out, number))
    }

    /// A packet has gone out.
    pub(super) fn count(&mut self, now: Instant, packet: &Plain, form: Form) {
        let octets = packet.payload.len() as u64;
        if form == Form::First {
            self.first = (self.first.0 + 1, self.first.1 + octets);
            self.is_fresh = true;
            self.newest = Some((packet.queued, packet.numbers.timestamp));
            if self.shape.repairs.is_some() {
                self.resends.keep(now, packet);
            }
        }
        if !matches!(form, Form::Padding(_)) {
            self.all = (self.all.0 + 1, self.all.1 + octets);
        }
    }

    /// The counters are read.
    pub(super) fn read(&mut self, now: Instant) {
        self.gauge.read(now, self.all.0, self.all.1);
    }

    /// What to report of it, once after it has been sent; `ntp` is the time of the report.
    pub(super) fn report(&mut self, now: Instant, ntp: u64) -> Option<SenderInfo> {
        let (at, timestamp) = self.newest?;
        let span = now.saturating_duration_since(at);
        std::mem::take(&mut self.is_fresh).then(|| SenderInfo {
            ntp,
            rtp_timestamp: timestamp.wrapping_add(ticks(span, self.shape.clock_rate)),
            packets: self.first.0 as u32,
            octets: self.first.1 as u32,
        })
    }
}

/// RTP time wraps at 32 bits by design.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    (span.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rewrite::Vp8Ids;
    use crate::rtp::Packet;

    /// A packet of a picture with a 15-bit id.
    pub(crate) fn plain(now: Instant, sequence: u64) -> Plain {
        Plain {
            stream: 0,
            numbers: Numbers {
                sequence,
                timestamp: 90_000,
                vp8: Some(Vp8Ids {
                    picture: 7,
                    layer: None,
                }),
            },
            marker: true,
            level: None,
            orientation: None,
            payload: [0x90, 0x80, 0x80, 0x01, 1, 2, 3].into(),
            queued: now,
        }
    }

    pub(crate) fn shape() -> StreamShape {
        StreamShape {
            mid: Mid::from("7"),
            source: Source::Camera,
            ssrc: 100,
            repairs: Some((101, 97)),
            payload_type: 96,
            clock_rate: 90_000,
            extensions: ExtensionIds::default(),
        }
    }

    #[test]
    fn a_packet_a_repair_and_padding_are_written() {
        let now = Instant::now();
        let (mut stream, packet) = (Stream::new(shape()), plain(now, 65_537));
        let (first, _) = stream.write(&packet, Form::First).unwrap();
        let read = Packet::parse(&first).unwrap();
        assert_eq!((read.header.ssrc, read.header.sequence), (100, 1));
        assert_eq!(
            read.payload,
            [0x90, 0x80, 0x80, 0x07, 1, 2, 3],
            "with its own id"
        );
        let (repair, _) = stream.write(&packet, Form::Repair).unwrap();
        let read = Packet::parse(&repair).unwrap();
        assert_eq!((read.header.ssrc, read.header.payload_type), (101, 97));
        assert_eq!(read.payload, [0, 1, 0x90, 0x80, 0x80, 0x07, 1, 2, 3]);
        let (padding, _) = stream.write(&packet, Form::Padding(200)).unwrap();
        let padded = Packet::parse(&padding).unwrap();
        assert_eq!((padded.header.ssrc, padded.payload), (101, &[][..]));
        assert_eq!(padded.header.sequence, read.header.sequence + 1);
        assert_eq!(padding.len(), FIXED_HEADER + 200);
    }

    #[test]
    fn a_report_has_the_streams_clock_at_that_time() {
        let now = Instant::now();
        let (mut stream, packet) = (Stream::new(shape()), plain(now, 1));
        assert_eq!(stream.report(now, 1), None);
        stream.count(now, &packet, Form::First);
        let later = now + Duration::from_millis(100);
        let report = stream.report(later, 5).unwrap();
        assert_eq!((report.rtp_timestamp, report.ntp), (99_000, 5));
        assert_eq!((report.packets, report.octets), (1, 7));
        assert_eq!(stream.report(later, 6), None, "nothing new");
    }
}
