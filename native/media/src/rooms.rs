//! All rooms of a node: which datagram is whose, and the way in for everything else.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rand;

use crate::answer::Answerer;
use crate::browser::Browser;
use crate::call::Offered;
use crate::demux::{Demux, Owner, RoomKey};
use crate::error::Refused;
use crate::events::{Event, Rights, SocketId, Stats, Transmit};
use crate::isolate::isolate;
use crate::leg::{PhoneLeg, PhoneSockets, VideoLeg};
use crate::outbox::Outbox;
use crate::phone::Phone;
use crate::phone_video::PhoneVideo;
use crate::prompt::Prompt;
use crate::quality::Quality;
use crate::room::Room;
use crate::slots::EndpointKey;
use crate::timetable::Timetable;
use crate::transcoding::Places;

/// Pictures that are transcoded at once, unless something else is said.
const MOST_TRANSCODED: usize = 4;

/// Every room. Bytes and time in; datagrams, events and deadlines out. After any call, take
/// `poll_transmit` and the other `poll_…` until they are empty, then `next_deadline`.
pub struct Rooms {
    pub(crate) answerer: Answerer,
    /// Calls offered to browsers that have not answered.
    pub(crate) offered: HashMap<(RoomKey, String), Offered>,
    browser_socket: SocketId,
    rooms: HashMap<RoomKey, Room>,
    names: HashMap<String, RoomKey>,
    pub(crate) demux: Demux,
    phones: HashMap<SocketId, Owner>,
    deadlines: Timetable<RoomKey>,
    dirty: BTreeSet<RoomKey>,
    pub(crate) out: Outbox,
    pub(crate) places: Places,
    now: Instant,
    next_key: u64,
    strays: u64,
}

impl Rooms {
    /// No rooms yet. `browser_address` is where browsers reach the socket `browser_socket`. `fips`: browsers
    /// use approved algorithms only; which suite a phone has, the caller says.
    pub fn new(
        now: Instant,
        browser_socket: SocketId,
        browser_address: SocketAddr,
        fips: bool,
    ) -> Result<Self, Refused> {
        Ok(Self {
            answerer: Answerer::new(browser_address, fips)?,
            offered: HashMap::new(),
            browser_socket,
            rooms: HashMap::new(),
            names: HashMap::new(),
            demux: Demux::default(),
            phones: HashMap::new(),
            deadlines: Timetable::default(),
            dirty: BTreeSet::new(),
            out: Outbox::new(browser_socket),
            places: Places::new(MOST_TRANSCODED),
            now,
            next_key: 0,
            strays: 0,
        })
    }

    /// Open a room; nothing happens if it is open.
    pub fn open_room(&mut self, now: Instant, room: &str) {
        if !self.names.contains_key(room) {
            let key = RoomKey(self.new_key());
            self.names.insert(room.to_owned(), key);
            let opened = Room::new(room.to_owned(), now, self.places.clone());
            self.rooms.insert(key, opened);
        }
    }

    /// End every endpoint of a room, and the room.
    pub fn close_room(&mut self, now: Instant, room: &str) {
        if let Some(key) = self.names.get(room).copied() {
            self.drop_room(now, key, None);
        }
    }

    /// End everything.
    pub fn close(&mut self, now: Instant) {
        for room in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.drop_room(now, room, None);
        }
    }

    /// A browser joins with an offer; returns the answer.
    pub fn join_browser(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        offer: &str,
        rights: Rights,
    ) -> Result<String, Refused> {
        let room_key = self.vacancy(room, endpoint)?;
        let answered = isolate(|| self.answerer.answer(now, offer));
        let (browser, answer) =
            answered.map_err(|_| Refused::Internal("panic in the answer"))??;
        self.add_browser(now, room_key, endpoint, rights, browser);
        Ok(answer)
    }

    /// A browser that has been answered, or has answered, is in the room.
    pub(crate) fn add_browser(
        &mut self,
        now: Instant,
        room: RoomKey,
        endpoint: &str,
        rights: Rights,
        browser: Browser,
    ) {
        let owner = Owner {
            room,
            endpoint: EndpointKey(self.new_key()),
        };
        self.demux.add(browser.ufrag(), owner);
        let name = endpoint.to_owned();
        self.with_room(now, room, |room, _| {
            room.add_browser(now, owner.endpoint, name, rights, browser);
        });
    }

    /// A phone joins on sockets that are its own. If it is refused the sockets are the caller's to close.
    pub fn join_phone(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        leg: PhoneLeg,
        sockets: PhoneSockets,
        rights: Rights,
    ) -> Result<(), Refused> {
        let room_key = self.vacancy(room, endpoint)?;
        let phone = Phone::new(now, leg, sockets, random_start()?)?;
        let owner = Owner {
            room: room_key,
            endpoint: EndpointKey(self.new_key()),
        };
        let name = endpoint.to_owned();
        let mut added = Err(Refused::Internal("panic in the room"));
        self.with_room(now, room_key, |room, _| {
            added = room.add_phone(now, owner.endpoint, name, rights, phone);
        });
        added?;
        for socket in [Some(sockets.rtp), sockets.rtcp].into_iter().flatten() {
            self.phones.insert(socket, owner);
        }
        Ok(())
    }

    /// A phone that has joined has pictures too, on sockets that are their own; `may_send`: its camera's go to
    /// others. If it is refused the sockets are the caller's to close, and the phone has its sound all the same.
    pub fn add_phone_video(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        leg: VideoLeg,
        sockets: PhoneSockets,
        may_send: bool,
    ) -> Result<(), Refused> {
        let owner = self.owner(room, endpoint).ok_or(Refused::NoRoom)?;
        let video = PhoneVideo::new(now, leg, sockets, random_start()?)?;
        let mut added = Err(Refused::Internal("panic in the room"));
        self.with_room(now, owner.room, |room, _| {
            added = room.add_phone_video(now, owner.endpoint, video, may_send);
        });
        added?;
        for socket in [Some(sockets.rtp), sockets.rtcp].into_iter().flatten() {
            self.phones.insert(socket, owner);
        }
        Ok(())
    }

    /// Play a phone a sound of the mix's rate, over what it hears, once or until something else is played;
    /// an empty one ends what is played. No error if there is no such phone.
    pub fn play(
        &mut self,
        now: Instant,
        room: &str,
        endpoint: &str,
        samples: Arc<[f32]>,
        repeats: bool,
    ) {
        if let Some(owner) = self.owner(room, endpoint) {
            self.with_room(now, owner.room, |room, _| {
                room.play(owner.endpoint, Prompt::new(samples, repeats));
            });
        }
    }

    /// What an endpoint may send from now on. No error if there is none.
    pub fn set_rights(&mut self, now: Instant, room: &str, endpoint: &str, rights: Rights) {
        if let Some(owner) = self.owner(room, endpoint) {
            self.with_room(now, owner.room, |room, out| {
                room.set_rights(now, owner.endpoint, rights, out);
            });
        }
    }

    /// An endpoint leaves. No error if there is none.
    pub fn leave(&mut self, now: Instant, room: &str, endpoint: &str) {
        if let Some(key) = self.room_key(room) {
            self.offered.remove(&(key, endpoint.to_owned()));
        }
        if let Some(owner) = self.owner(room, endpoint) {
            self.with_room(now, owner.room, |room, out| {
                room.remove(now, owner.endpoint, None, out);
            });
        }
    }

    /// An endpoint's counters.
    pub fn stats(&self, room: &str, endpoint: &str) -> Option<Stats> {
        let owner = self.owner(room, endpoint)?;
        self.rooms.get(&owner.room)?.stats(owner.endpoint)
    }

    /// How one endpoint's media fares.
    pub fn quality(&self, now: Instant, room: &str, endpoint: &str) -> Option<Quality> {
        let owner = self.owner(room, endpoint)?;
        self.rooms.get(&owner.room)?.quality(now, owner.endpoint)
    }

    /// How everyone's media in one room fares, by name; nothing if there is no such room.
    pub fn qualities(&self, now: Instant, room: &str) -> Vec<(String, Quality)> {
        let room = self.names.get(room).and_then(|key| self.rooms.get(key));
        let all = room.into_iter().flat_map(|room| room.qualities(now));
        all.map(|(name, quality)| (name.to_owned(), quality))
            .collect()
    }

    /// How everyone's media fares, nobody named.
    pub fn all_qualities(&self, now: Instant) -> Vec<Quality> {
        let all = self.rooms.values().flat_map(|room| room.qualities(now));
        all.map(|(_, quality)| quality).collect()
    }

    /// Datagrams that were nobody's.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// A datagram came in on a socket. What is protected is decrypted in place.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        source: SocketAddr,
        data: &mut [u8],
    ) {
        self.now = now;
        if socket == self.browser_socket {
            self.handle_browser_datagram(now, source, data);
            return;
        }
        match self.phones.get(&socket).copied() {
            None => self.strays += 1,
            Some(owner) => self.with_room(now, owner.room, |room, out| {
                room.receive(now, owner.endpoint, (socket, source), data, out);
            }),
        }
    }

    fn handle_browser_datagram(&mut self, now: Instant, source: SocketAddr, data: &mut [u8]) {
        let Some(addressed) = self.demux.identify(now, source, data) else {
            self.strays += 1;
            return;
        };
        let from = (self.browser_socket, source);
        let owner = addressed.owner;
        self.with_room(now, owner.room, |room, out| {
            room.receive(now, owner.endpoint, from, data, out);
        });
        let verified = std::mem::take(&mut self.out.verified);
        self.demux.learn(now, &addressed, &verified);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(key) = self.deadlines.pop_due(now) {
            self.with_room(now, key, |room, out| room.handle_timeout(now, out));
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if self.out.transmits.is_empty() {
            self.settle();
        }
        self.out.transmits.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// The next socket that is needed no more.
    pub fn poll_released(&mut self) -> Option<SocketId> {
        self.out.released.pop_front()
    }

    /// When to call `handle_timeout`.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// What was queued while a batch of datagrams was taken in goes out in one go.
    fn settle(&mut self) {
        let now = self.now;
        while let Some(key) = self.dirty.pop_first() {
            self.with_room(now, key, |room, out| room.settle(now, out));
        }
    }

    pub(crate) fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    pub(crate) fn room_key(&self, room: &str) -> Option<RoomKey> {
        self.names.get(room).copied()
    }

    pub(crate) fn find_room(&self, room: &str) -> Option<&Room> {
        self.rooms.get(&self.room_key(room)?)
    }

    pub(crate) fn owner(&self, room: &str, endpoint: &str) -> Option<Owner> {
        let room = *self.names.get(room)?;
        let endpoint = self.rooms.get(&room)?.find(endpoint)?;
        Some(Owner { room, endpoint })
    }

    /// The room's key, if that endpoint may be added to it.
    pub(crate) fn vacancy(&self, room: &str, endpoint: &str) -> Result<RoomKey, Refused> {
        let key = *self.names.get(room).ok_or(Refused::NoRoom)?;
        match self.owner(room, endpoint) {
            Some(_) => Err(Refused::Duplicate),
            None => Ok(key),
        }
    }

    /// Call one room; a panic in it ends that room only. Afterwards its books are put in order.
    pub(crate) fn with_room(
        &mut self,
        now: Instant,
        key: RoomKey,
        call: impl FnOnce(&mut Room, &mut Outbox),
    ) {
        let Some(room) = self.rooms.get_mut(&key) else {
            return;
        };
        let count = room.population();
        let out = &mut self.out;
        if isolate(|| call(room, out)).is_err() {
            self.drop_room(now, key, Some("internal error in the room"));
            return;
        }
        if room.is_dirty() {
            self.dirty.insert(key);
        }
        room.transcodings.hand_out(key, &mut self.out);
        self.deadlines.set(key, room.next_deadline());
        if room.population() < count {
            self.forget_departed(key);
        }
    }

    fn forget_departed(&mut self, key: RoomKey) {
        let rooms = &self.rooms;
        let gone = |owner: &Owner| {
            owner.room == key
                && rooms
                    .get(&key)
                    .is_none_or(|room| !room.contains(owner.endpoint))
        };
        self.demux.forget(gone);
        self.phones.retain(|_, owner| !gone(owner));
    }

    fn drop_room(&mut self, now: Instant, key: RoomKey, reason: Option<&str>) {
        let Some(mut room) = self.rooms.remove(&key) else {
            return;
        };
        self.names.retain(|_, other| *other != key);
        self.offered.retain(|(room, _), _| *room != key);
        self.deadlines.set(key, None);
        self.dirty.remove(&key);
        room.stop_recording(&mut self.out);
        for endpoint in room.keys() {
            let reason = reason.map(str::to_owned);
            let out = &mut self.out;
            // A broken room may panic again; its endpoints are gone all the same.
            let _ = isolate(|| room.remove(now, endpoint, reason, out));
        }
        room.transcodings.end();
        room.transcodings.hand_out(key, &mut self.out);
        self.forget_departed(key);
    }
}

/// Where a phone's streams begin (RFC 3550 section 5.1).
fn random_start() -> Result<u128, Refused> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Refused::Internal("no randomness"))?;
    Ok(u128::from_ne_bytes(bytes))
}
