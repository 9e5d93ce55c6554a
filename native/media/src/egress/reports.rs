//! What a browser reports of what is sent to it, and asks for.

use std::time::{Duration, Instant};

use super::Egress;
use super::control::Control;
use super::stream::Stream;
use crate::quality::{self, from_ticks};
use crate::rtcp::{Feedback, Lost, Part, ReportBlock, parse_reduced};

/// What a browser's RTCP packet told.
#[derive(Debug, Default)]
pub struct Told {
    /// Whether it is the browser's.
    pub is_authentic: bool,
    /// Whether it told of arrivals, so that there is a new estimate.
    pub has_arrivals: bool,
    /// Streams of which it can't decode what it has.
    pub unreadable: Vec<usize>,
}

impl Egress {
    /// A browser's RTCP packet, decrypted in place. Nothing changes if it isn't authentic.
    pub fn receive_rtcp(&mut self, now: Instant, data: &mut [u8]) -> Told {
        let mut told = Told::default();
        let Some(plain) = self
            .srtp
            .as_mut()
            .and_then(|srtp| srtp.1.unprotect_rtcp(data).ok())
        else {
            return told;
        };
        told.is_authentic = true;
        for part in parse_reduced(plain).into_iter().flatten() {
            match part {
                Part::SenderReport { blocks, .. } | Part::ReceiverReport { blocks, .. } => {
                    blocks.iter().for_each(|block| self.on_report(now, &block));
                }
                other => other
                    .feedback()
                    .for_each(|wish| self.on_wish(now, wish, &mut told)),
            }
        }
        told
    }

    fn on_report(&mut self, now: Instant, block: &ReportBlock) {
        let middle = (self.ntp(now) >> 16) as u32;
        let Some(stream) = find(&self.streams, block.ssrc) else {
            return;
        };
        let jitter = from_ticks(block.jitter, self.streams[stream].shape.clock_rate);
        self.streams[stream].gauge.report(now, block.loss(), jitter);
        let trip = quality::round_trip(middle, block.last_report, block.delay);
        self.round_trip = trip.map(|trip| (now, trip)).or(self.round_trip);
    }

    fn on_wish(&mut self, now: Instant, wish: Feedback<'_>, told: &mut Told) {
        match wish {
            Feedback::Keyframe { ssrc, .. } => {
                told.unreadable.extend(find(&self.streams, ssrc));
            }
            Feedback::Lost { ssrc, packets } => self.repair(now, ssrc, packets),
            Feedback::Arrivals(body) => {
                if let Some(control) = &mut self.control {
                    told.has_arrivals |= control.report(now, body);
                }
            }
        }
    }

    /// Queue packets that were lost, as many as there is credit for: who asks for ever more has a way that
    /// can't carry them.
    fn repair(&mut self, now: Instant, ssrc: u32, packets: Lost<'_>) {
        let control = self.control.as_ref();
        let round_trip = control.map_or(Duration::ZERO, Control::round_trip);
        let Some(stream) = find(&self.streams, ssrc) else {
            return;
        };
        for sequence in packets.iter() {
            let resends = &mut self.streams[stream].resends;
            let Some(packet) = resends.take(now, sequence, round_trip) else {
                continue;
            };
            let Some(left) = self.repair_credit.checked_sub(packet.payload.len() as u64) else {
                return;
            };
            self.repair_credit = left;
            self.repairs.push_back(packet);
        }
    }
}

fn find(streams: &[Stream], ssrc: u32) -> Option<usize> {
    streams.iter().position(|stream| stream.shape.ssrc == ssrc)
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::{plain, shape};
    use super::super::{FIRST_CREDIT, Form, Plain};
    use super::*;
    use crate::media_keys::FutureKeys;

    #[test]
    fn greedy_wishes_get_a_share() {
        let now = Instant::now();
        let mut egress = Egress::new(now, FutureKeys::default(), true);
        let stream = egress.add(shape());
        let payload = [7; 1_000];
        for sequence in 0..512 {
            let packet = Plain {
                payload: payload.into(),
                ..plain(now, sequence)
            };
            egress.streams[stream].count(now, &packet, Form::First);
        }
        // A wish for all of them.
        let wishes = (0..512_u16).step_by(17).flat_map(|first| {
            let [high, low] = first.to_be_bytes();
            [high, low, 0xff, 0xff]
        });
        let mut wish = vec![0x81, 205, 0, 0, 0, 0, 0, 7, 0, 0, 0, 100];
        wish.extend(wishes);
        wish[3] = (wish.len() / 4 - 1) as u8;
        let mut told = Told::default();
        for part in parse_reduced(&wish).unwrap() {
            for wish in part.feedback() {
                egress.on_wish(now, wish, &mut told);
            }
        }
        assert_eq!(egress.repairs.len() as u64, FIRST_CREDIT / 1_000);
    }
}
