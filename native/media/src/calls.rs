//! Calls of two in a room: browsers join them by an offer of their own, or by answering ours.

use std::time::Instant;

use crate::error::Refused;
use crate::events::Rights;
use crate::isolate::isolate;
use crate::rooms::Rooms;

/// What can't be sent by a browser whose offer, or answer, made a core panic.
const PANICKED: Refused = Refused::Internal("panic in the description");

impl Rooms {
    /// A browser joins with an offer of a call, one line of sound both ways; returns the answer.
    pub fn join_call(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        offer: &str,
        rights: Rights,
    ) -> Result<String, Refused> {
        let key = self.vacancy(room, endpoint)?;
        let answered = isolate(|| self.answerer.answer_call(now, offer));
        let (browser, answer) = answered.map_err(|_| PANICKED)??;
        self.add_browser(now, key, endpoint, rights, browser);
        Ok(answer)
    }

    /// Offer a call to a browser that is to join under that name; returns the offer. It is forgotten when it is
    /// answered, when another is made for the name, when the name leaves or its room closes.
    pub fn offer_call(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
    ) -> Result<String, Refused> {
        let key = self.vacancy(room, endpoint)?;
        let offered = isolate(|| self.answerer.offer_call(now));
        let (offered, offer) = offered.map_err(|_| PANICKED)??;
        self.offered.insert((key, endpoint.to_owned()), offered);
        Ok(offer)
    }

    /// The browser has answered our offer, and joins.
    pub fn accept_call(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        answer: &str,
        rights: Rights,
    ) -> Result<(), Refused> {
        let key = self.vacancy(room, endpoint)?;
        let offered = self.offered.remove(&(key, endpoint.to_owned()));
        let offered = offered.ok_or(Refused::NoCall)?;
        let browser = isolate(|| self.answerer.take_answer(now, offered, answer));
        let browser = browser.map_err(|_| PANICKED)??;
        self.add_browser(now, key, endpoint, rights, browser);
        Ok(())
    }

    /// A later offer of a browser in a call; returns the answer. ICE can't be restarted.
    pub fn renew_call(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        offer: &str,
    ) -> Result<String, Refused> {
        let owner = self.owner(room, endpoint).ok_or(Refused::NoCall)?;
        let mut answered = Err(PANICKED);
        self.with_room(now, owner.room, |room, _| {
            answered = room.renew_call(owner.endpoint, offer);
        });
        answered
    }
}
