//! What a phone says by RTCP of the pictures that it sees and sends.

use std::time::Instant;

use super::{PhoneVideo, of_block};
use crate::browser::Heard;
use crate::leg::VideoCodec;
use crate::outbox::Outbox;
use crate::rtcp::{Feedback, Lost, Part, ReportBlock, parse_reduced};

impl PhoneVideo {
    pub(super) fn receive_rtcp(
        &mut self,
        now: Instant,
        plain: &[u8],
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        for part in parse_reduced(plain).into_iter().flatten() {
            match part {
                Part::SenderReport {
                    ssrc,
                    sender,
                    blocks,
                } => {
                    let reception = self.incoming.reception.as_mut();
                    if let Some(reception) = reception.filter(|r| r.ssrc() == ssrc) {
                        reception.sender_report(now, &sender);
                    }
                    blocks.iter().for_each(|block| self.on_report(now, &block));
                }
                Part::ReceiverReport { blocks, .. } => {
                    blocks.iter().for_each(|block| self.on_report(now, &block));
                }
                other => other
                    .feedback()
                    .for_each(|wish| self.on_wish(now, wish, heard, out)),
            }
        }
    }

    /// What the phone says of what it sees.
    fn on_report(&mut self, now: Instant, block: &ReportBlock) {
        if block.ssrc == self.ssrc {
            let (loss, jitter) = of_block(block);
            let sent = self.meter.flows(now).1.bitrate;
            self.budget.report(now, loss, sent);
            self.meter.sent.report(now, loss, jitter);
        }
    }

    fn on_wish(
        &mut self,
        now: Instant,
        wish: Feedback<'_>,
        heard: &mut Vec<Heard>,
        out: &mut Outbox,
    ) {
        match wish {
            Feedback::Keyframe { ssrc, command } if ssrc == self.ssrc => {
                // Commands are repeated until they are seen to have been obeyed (RFC 5104 section 4.3.1.2).
                let is_known = command.is_some() && self.commanded == command;
                if !is_known && let Some(wanted) = self.complaint(now) {
                    self.commanded = command.or(self.commanded);
                    heard.push(wanted);
                }
            }
            Feedback::Lost { ssrc, packets } if ssrc == self.ssrc => {
                self.repair(now, packets, out);
            }
            Feedback::Keyframe { .. } | Feedback::Lost { .. } | Feedback::Arrivals(_) => {}
        }
    }

    fn complaint(&mut self, now: Instant) -> Option<Heard> {
        let track = self.track?;
        let layer = self.showing.complain(now)?;
        Some(match self.leg.codec {
            VideoCodec::Vp8 => Heard::KeyframeWanted(track, layer),
            VideoCodec::H264 { .. } => Heard::FreshPictureWanted(track),
        })
    }

    fn repair(&mut self, now: Instant, packets: Lost<'_>, out: &mut Outbox) {
        for sequence in packets.iter() {
            if let Some(packet) = self.repairs.take(now, sequence) {
                self.stream.send(packet, out);
            }
        }
    }
}
