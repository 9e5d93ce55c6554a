//! `Media`'s calls of two: browsers on one line of sound, and phones whose ports are open before they answer.

use std::collections::HashMap;

use pyo3::prelude::*;
use vestibule_media::{PhoneSockets, Refused, Rights};

use super::Media;
use super::refusal::refusal;
use super::sockets::Sockets;
use super::worker::Worker;

/// The sockets of phones that have been offered a call and have not answered, by room and endpoint.
#[derive(Default)]
pub struct OfferedPhones(HashMap<(String, String), (u16, PhoneSockets)>);

impl OfferedPhones {
    /// The sockets of an endpoint, if it was offered a call; they are the caller's from now on.
    pub fn take(&mut self, room: &str, endpoint: &str) -> Option<(u16, PhoneSockets)> {
        self.0.remove(&(room.to_owned(), endpoint.to_owned()))
    }

    /// Close those of one endpoint of a room, or of all of them.
    pub fn withdraw(&mut self, sockets: &mut Sockets, room: &str, endpoint: Option<&str>) {
        self.0.retain(|(its_room, its_name), (_, its_sockets)| {
            let kept = its_room != room || endpoint.is_some_and(|name| name != its_name);
            if !kept {
                close(sockets, *its_sockets);
            }
            kept
        });
    }
}

/// Close all of a phone's sockets.
pub fn close(sockets: &mut Sockets, of_phone: PhoneSockets) {
    for socket in [Some(of_phone.rtp), of_phone.rtcp].into_iter().flatten() {
        sockets.close(socket);
    }
}

impl Worker {
    /// Open sockets for a phone that is to answer an offer of ours; returns its RTP port.
    pub fn offer_phone(&mut self, room: String, endpoint: String) -> Result<u16, Refused> {
        if self.rooms.stats(&room, &endpoint).is_some() {
            return Err(Refused::Duplicate);
        }
        let opened = self.sockets.open_random(true);
        let (port, sockets) = opened.map_err(|_| Refused::Internal("no free media port"))?;
        let offered = &mut self.offered_phones;
        offered.withdraw(&mut self.sockets, &room, Some(&endpoint));
        offered.0.insert((room, endpoint), (port, sockets));
        Ok(port)
    }

    /// The sockets of a phone: those that were opened for an offer, or new ones.
    pub fn sockets_for(
        &mut self,
        room: &str,
        endpoint: &str,
        rtcp_mux: bool,
    ) -> Result<(u16, PhoneSockets), Refused> {
        let Some((port, mut sockets)) = self.offered_phones.take(room, endpoint) else {
            let opened = self.sockets.open_random(!rtcp_mux);
            return opened.map_err(|_| Refused::Internal("no free media port"));
        };
        if rtcp_mux && let Some(rtcp) = sockets.rtcp.take() {
            self.sockets.close(rtcp);
        }
        Ok((port, sockets))
    }

    /// An endpoint leaves, whether it had joined or was only offered a call.
    pub fn leave(&mut self, room: &str, endpoint: &str) {
        let Self {
            offered_phones,
            sockets,
            ..
        } = self;
        offered_phones.withdraw(sockets, room, Some(endpoint));
        self.rooms.leave(self.now, room, endpoint);
    }

    /// A room closes, for those who were only offered a call too.
    pub fn close_room(&mut self, room: &str) {
        let Self {
            offered_phones,
            sockets,
            ..
        } = self;
        offered_phones.withdraw(sockets, room, None);
        self.rooms.close_room(self.now, room);
    }
}

impl Media {
    /// See `Rooms::join_call`; so the others.
    pub(super) fn answer_call(
        &self,
        py: Python<'_>,
        (room, endpoint): (String, String),
        offer: String,
        audio: bool,
    ) -> PyResult<String> {
        self.refusable(py, move |worker| {
            let (now, rooms) = (worker.now, &mut worker.rooms);
            rooms.join_call(now, &room, &endpoint, &offer, speaking(audio))
        })
    }

    pub(super) fn take_answer(
        &self,
        py: Python<'_>,
        (room, endpoint): (String, String),
        answer: String,
        audio: bool,
    ) -> PyResult<()> {
        self.refusable(py, move |worker| {
            let (now, rooms) = (worker.now, &mut worker.rooms);
            rooms.accept_call(now, &room, &endpoint, &answer, speaking(audio))
        })
    }

    pub(super) fn refusable<T: Send + 'static>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut Worker) -> Result<T, Refused> + Send + 'static,
    ) -> PyResult<T> {
        self.ask(py, command)?
            .map_err(|refused| refusal(py, &refused))
    }
}

fn speaking(audio: bool) -> Rights {
    Rights {
        audio,
        ..Rights::default()
    }
}
