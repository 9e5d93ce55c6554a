//! A browser in a call of two: sound both ways on one m-line, offered by it or by us.

use std::collections::HashMap;
use std::time::Instant;

use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::Ssrc;

use crate::answer::{
    Answerer, negotiated, printable, random_credentials, random_start, stream_shape,
};
use crate::browser::{Browser, Negotiated};
use crate::egress::Egress;
use crate::error::Refused;
use crate::events::Source;
use crate::media_keys::FutureKeys;
use crate::offer::Shape;
use crate::outgoing::{SlotGroup, SlotStream};
use crate::simulcast::Simulcast;
use crate::sound_line::{SoundLine, placed};

/// The name of the lines that a call doesn't have. No description can use it: a mid is alphanumeric.
const NO_LINE: &str = "-";

/// What a later offer in the call may not change.
#[derive(Debug)]
pub(crate) struct Terms {
    mid: Mid,
    /// Of what we send.
    ssrc: Ssrc,
    ufrag: String,
}

/// An offer of ours that has not been answered: keys, ICE credentials and certificate are drawn.
pub(crate) struct Offered {
    rtc: Rtc,
    keys: FutureKeys,
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
        let (mut rtc, keys) = self.build(now, credentials)?;
        let answer = rtc.sdp_api().accept_offer(parsed);
        let answer = answer.map_err(|error| Refused::Unanswerable(printable(&error)))?;
        let answer = line.complete(&placed(&answer.to_sdp_string(), self.address));
        Ok((self.in_call(now, (rtc, keys), ufrag, line)?, answer))
    }

    /// Offer a call to a browser: the offer's text, and what becomes a browser once it is answered.
    pub(crate) fn offer_call(&self, now: Instant) -> Result<(Offered, String), Refused> {
        let credentials = random_credentials()?;
        let ufrag = credentials.ufrag.clone();
        let (mut rtc, keys) = self.build(now, credentials)?;
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = change.apply().ok_or(Refused::Internal("no offer"))?;
        let offered = Offered {
            rtc,
            keys,
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
            keys,
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
        self.in_call(now, (rtc, keys), ufrag, line)
    }

    fn in_call(
        &self,
        now: Instant,
        (mut rtc, keys): (Rtc, FutureKeys),
        ufrag: String,
        line: SoundLine,
    ) -> Result<Browser, Refused> {
        let codec = negotiated(&rtc, line.mid, Codec::Opus).ok_or(Refused::NoCodec("the call"))?;
        let shape = stream_shape(&mut rtc, line.mid, Source::Audio)?;
        let ssrc = shape.ssrc.into();
        let mut egress = Egress::new(now, keys, false);
        let stream = egress.add(shape);
        let sound = SlotStream::new(line.mid, stream, Source::Audio, random_start()?);
        let negotiated = Negotiated {
            // Nothing is ever taken for video: there is no line for it.
            receives: [codec, codec],
            repairs: Vec::new(),
            rtc,
            shape: shape_of(line.mid, line.ssrcs),
            address: self.address,
            ufrag,
            groups: [
                SlotGroup::new(vec![sound]),
                SlotGroup::default(),
                SlotGroup::default(),
            ],
            egress,
            call: Some(Terms {
                mid: line.mid,
                ssrc,
                ufrag: line.ufrag,
            }),
        };
        Ok(Browser::new(now, negotiated))
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
        let (mid, ssrc) = (terms.mid, terms.ssrc);
        // The core names our stream again only if it knows it. Both sending reports of one SSRC under one key
        // would use a nonce twice, so it forgets it at once.
        self.rtc
            .direct_api()
            .declare_stream_tx(ssrc, None, mid, None);
        let answer = self.rtc.sdp_api().accept_offer(parsed);
        self.rtc.direct_api().remove_stream_tx(ssrc);
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
