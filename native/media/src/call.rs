//! A browser in a call of two: sound both ways on one m-line, offered by it or by us.

use std::collections::HashMap;
use std::time::Instant;

use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};

use crate::answer::{Answerer, negotiated, printable, random_credentials, random_start};
use crate::browser::{Browser, Messages};
use crate::error::Refused;
use crate::events::{Source, Stats};
use crate::layout::Layout;
use crate::offer::Shape;
use crate::outgoing::{SlotGroup, SlotStream};
use crate::quality::BrowserMeter;
use crate::simulcast::Simulcast;
use crate::sound_line::{SoundLine, placed};

/// The name of the lines that a call doesn't have. No description can use it: a mid is alphanumeric.
const NO_LINE: &str = "-";

/// What a later offer in the call may not change.
#[derive(Debug)]
pub(crate) struct Terms {
    mid: Mid,
    ufrag: String,
}

/// An offer of ours that has not been answered: keys, ICE credentials and certificate are drawn.
pub(crate) struct Offered {
    rtc: Rtc,
    pending: SdpPendingOffer,
    mid: Mid,
    ufrag: String,
}

impl Answerer {
    /// Build a browser from its offer of a call, and the answer to it.
    pub(crate) fn answer_call(
        &self,
        now: Instant,
        offer: &str,
    ) -> Result<(Browser, String), Refused> {
        let line = SoundLine::of(offer)?;
        let parsed = SdpOffer::from_sdp_string(&line.alone).map_err(|_| Refused::NotSdp)?;
        let credentials = random_credentials()?;
        let ufrag = credentials.ufrag.clone();
        let mut rtc = self.build(now, credentials, false)?;
        let answer = rtc.sdp_api().accept_offer(parsed);
        let answer = answer.map_err(|error| Refused::Unanswerable(printable(&error)))?;
        let answer = line.complete(&placed(&answer.to_sdp_string(), self.address));
        Ok((self.in_call(now, rtc, ufrag, line)?, answer))
    }

    /// Offer a call to a browser: the offer's text, and what becomes a browser once it is answered.
    pub(crate) fn offer_call(&self, now: Instant) -> Result<(Offered, String), Refused> {
        let credentials = random_credentials()?;
        let ufrag = credentials.ufrag.clone();
        let mut rtc = self.build(now, credentials, false)?;
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = change.apply().ok_or(Refused::Internal("no offer"))?;
        let offered = Offered {
            rtc,
            pending,
            mid,
            ufrag,
        };
        Ok((offered, placed(&offer.to_sdp_string(), self.address)))
    }

    /// The browser that has answered.
    pub(crate) fn take_answer(
        &self,
        now: Instant,
        offered: Offered,
        answer: &str,
    ) -> Result<Browser, Refused> {
        let line = SoundLine::of(answer)?;
        let Offered {
            mut rtc,
            pending,
            mid,
            ufrag,
        } = offered;
        if line.mid != mid {
            return Err(Refused::Mid(0));
        }
        let parsed = SdpAnswer::from_sdp_string(&line.alone).map_err(|_| Refused::NotSdp)?;
        let accepted = rtc.sdp_api().accept_answer(pending, parsed);
        accepted.map_err(|error| Refused::Unanswerable(printable(&error)))?;
        self.in_call(now, rtc, ufrag, line)
    }

    fn in_call(
        &self,
        now: Instant,
        mut rtc: Rtc,
        ufrag: String,
        line: SoundLine,
    ) -> Result<Browser, Refused> {
        let codec = negotiated(&rtc, line.mid, Codec::Opus).ok_or(Refused::NoCodec("the call"))?;
        let sound = slot(&mut rtc, line.mid, codec)?;
        Ok(Browser {
            // Nothing is ever taken for video: there is no line for it.
            receives: [codec, codec],
            repairs: Vec::new(),
            rtc,
            shape: shape_of(line.mid, line.ssrcs),
            address: self.address,
            ufrag,
            groups: [sound, SlotGroup::default(), SlotGroup::default()],
            sources: HashMap::new(),
            deadline: now,
            stats: Stats::default(),
            meter: BrowserMeter::default(),
            connected: false,
            messages: Messages::default(),
            layout: Layout::new(now),
            call: Some(Terms {
                mid: line.mid,
                ufrag: line.ufrag,
            }),
        })
    }
}

impl Browser {
    /// A later offer of a browser in a call, such as one that holds it; returns the answer. What is refused
    /// changes nothing.
    pub(crate) fn renew_call(&mut self, offer: &str) -> Result<String, Refused> {
        let line = SoundLine::of(offer)?;
        let terms = self.call.as_ref().ok_or(Refused::NoCall)?;
        if line.mid != terms.mid {
            return Err(Refused::Mid(0));
        }
        // The core would draw the new credentials from a generator that isn't made for secrets.
        if line.ufrag != terms.ufrag {
            return Err(Refused::Restart);
        }
        let parsed = SdpOffer::from_sdp_string(&line.alone).map_err(|_| Refused::NotSdp)?;
        let answer = self.rtc.sdp_api().accept_offer(parsed);
        let answer = answer.map_err(|error| Refused::Unanswerable(printable(&error)))?;
        self.shape.ssrcs.extend(&line.ssrcs);
        Ok(line.complete(&placed(&answer.to_sdp_string(), self.address)))
    }
}

fn shape_of(mid: Mid, ssrcs: HashMap<u32, Source>) -> Shape {
    let none = Mid::from(NO_LINE);
    Shape {
        sources: [
            (Source::Audio, mid),
            (Source::Camera, none),
            (Source::Screen, none),
        ],
        audio_slots: vec![mid],
        video_slots: Vec::new(),
        screen_slot: none,
        undeclared: ssrcs.is_empty(),
        ssrcs,
        simulcast: Simulcast::default(),
        reports_arrivals: false,
    }
}

/// What the browser hears. Unlike a meeting's slots its stream stays declared, for later answers name it again.
fn slot(rtc: &mut Rtc, mid: Mid, codec: Pt) -> Result<SlotGroup, Refused> {
    let mut direct = rtc.direct_api();
    let stream = direct.stream_tx_by_mid(mid, None);
    let stream = stream.ok_or(Refused::NoCodec("the call"))?;
    let ssrcs = (stream.ssrc(), stream.rtx());
    let start = random_start()?;
    let stream = SlotStream::new(mid, ssrcs, codec, Source::Audio, start);
    Ok(SlotGroup::new(vec![stream]))
}
