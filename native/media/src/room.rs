//! One meeting's media: who is in it, what they may send, and what happens when.
//!
//! Forwarding (what goes where) is in `forwarding.rs`, phones and their mix in `mixing.rs`; both are
//! the same `Room`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::browser::{Browser, Heard};
use crate::dtmf::Digit;
use crate::error::Refused;
use crate::events::{Event, Rights, SocketId, Source, Stats};
use crate::handset::Handset;
use crate::isolate::isolate;
use crate::loudness::Speaker;
use crate::member::{Body, Member};
use crate::mixing::Mix;
use crate::outbox::Outbox;
use crate::phone::Phone;
use crate::prompt::Prompt;
use crate::quality::Quality;
use crate::recording::Recording;
use crate::slots::{EndpointKey, Ranking, TrackId};
use crate::timetable::Timetable;
use crate::transcoding::{Places, Transcodings};

/// Levels, speakers and the life of tracks are looked at this often.
const TICK: Duration = Duration::from_millis(100);
/// What video to a browser may wait for more that goes with it: a visit to its connection costs several
/// times what a packet does. It is less than the 5 ms in which browsers send, and judge, groups of packets.
pub(crate) const GATHER: Duration = Duration::from_millis(4);

/// A room.
pub struct Room {
    pub(crate) name: String,
    pub(crate) members: BTreeMap<EndpointKey, Member>,
    pub(crate) rankings: [Ranking; 3],
    /// The rankings that slots have been given by.
    pub(crate) assigned: [u64; 3],
    pub(crate) speaker: Speaker,
    pub(crate) dirty: BTreeSet<EndpointKey>,
    /// For whom video waits, and until when.
    pub(crate) gathering: BTreeSet<EndpointKey>,
    pub(crate) gathered_at: Option<Instant>,
    /// When video last came: a thin stream has nothing to wait for.
    pub(crate) last_video: Option<Instant>,
    /// Runs while there is a phone, or a recording.
    pub(crate) mix: Option<Mix>,
    pub(crate) recording: Option<Box<Recording>>,
    /// Whether it panicked, so that it must end.
    pub(crate) broken_recording: bool,
    pub(crate) transcodings: Transcodings,
    deadlines: Timetable<EndpointKey>,
    next_tick: Instant,
    /// When everyone's layers are looked at again.
    pub(crate) next_choice: Instant,
    /// Before this no voice takes another's place.
    pub(crate) next_contest: Instant,
}

impl Room {
    /// An empty room; what it transcodes takes some of these places.
    pub(crate) fn new(name: String, now: Instant, places: Places) -> Self {
        Self {
            name,
            members: BTreeMap::new(),
            rankings: Default::default(),
            assigned: [0; 3],
            speaker: Speaker::default(),
            dirty: BTreeSet::new(),
            gathering: BTreeSet::new(),
            gathered_at: None,
            last_video: None,
            mix: None,
            recording: None,
            broken_recording: false,
            transcodings: Transcodings::new(places),
            deadlines: Timetable::default(),
            next_tick: now + TICK,
            next_choice: now,
            next_contest: now,
        }
    }

    /// Whether `settle` has something to do.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// When it wants to be called; never while nobody is in it and nothing is recorded.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.members.is_empty() && self.recording.is_none() {
            return None;
        }
        let mix = self.mix.as_ref().map(Mix::deadline);
        let next = [self.deadlines.next(), mix, Some(self.next_tick)];
        next.into_iter().chain([self.gathered_at]).flatten().min()
    }

    /// The endpoint of that name.
    pub fn find(&self, endpoint: &str) -> Option<EndpointKey> {
        let mut members = self.members.iter();
        members.find(|(_, m)| m.name == endpoint).map(|(k, _)| *k)
    }

    /// Whether the endpoint is still in it.
    pub fn contains(&self, key: EndpointKey) -> bool {
        self.members.contains_key(&key)
    }

    /// How many are in it.
    pub fn population(&self) -> usize {
        self.members.len()
    }

    /// Everyone.
    pub fn keys(&self) -> Vec<EndpointKey> {
        self.members.keys().copied().collect()
    }

    /// A browser joins.
    pub fn add_browser(
        &mut self,
        now: Instant,
        key: EndpointKey,
        name: String,
        rights: Rights,
        browser: Browser,
    ) {
        let body = Body::Browser(Box::new(browser));
        let member = Member::new(now, name, rights, body);
        self.members.insert(key, member);
        self.dirty.insert(key);
        self.next_tick = self.next_tick.max(now);
        self.reassign_to(now, key);
        self.tell_speaker_to(key);
    }

    /// A later offer of a browser in a call; returns the answer.
    pub fn renew_call(&mut self, key: EndpointKey, offer: &str) -> Result<String, Refused> {
        let member = self.members.get_mut(&key);
        let browser = member.and_then(Member::browser_mut);
        let answer = browser.ok_or(Refused::NoCall)?.renew_call(offer)?;
        self.dirty.insert(key);
        Ok(answer)
    }

    /// A phone joins; from now on there is a mix.
    pub fn add_phone(
        &mut self,
        now: Instant,
        key: EndpointKey,
        name: String,
        rights: Rights,
        phone: Phone,
    ) -> Result<(), Refused> {
        let handset = Handset::new(key, phone).map_err(|_| Refused::Internal("a codec failed"))?;
        let body = Body::Phone(Box::new(handset));
        let member = Member::new(now, name, rights, body);
        self.members.insert(key, member);
        self.next_tick = self.next_tick.max(now);
        self.mix.get_or_insert_with(|| Mix::new(now));
        Ok(())
    }

    /// An endpoint leaves, told or not told why.
    pub fn remove(
        &mut self,
        now: Instant,
        key: EndpointKey,
        reason: Option<String>,
        out: &mut Outbox,
    ) {
        let Some(mut member) = self.members.remove(&key) else {
            return;
        };
        let quality = reason.is_some().then(|| Box::new(member.quality(now)));
        // A browser whose core is broken can't say goodbye; that is no reason not to remove it.
        let _ = isolate(|| member.body.close(now, out));
        self.deadlines.set(key, None);
        self.dirty.remove(&key);
        self.gathering.remove(&key);
        for source in Source::ALL {
            self.rankings[source as usize].remove(TrackId {
                endpoint: key,
                source,
            });
        }
        if let Some((reason, quality)) = reason.zip(quality) {
            out.events.push_back(Event::Gone {
                room: self.name.clone(),
                endpoint: member.name,
                reason,
                quality,
            });
        }
        self.end_mix_if_idle();
        self.observe_speaker(now, out);
        self.settle_picture(now);
        self.reassign(now);
        self.settle_transcodings(now);
    }

    /// Rights change at once: a track that they no longer cover loses its slots now.
    pub fn set_rights(&mut self, now: Instant, key: EndpointKey, rights: Rights, out: &mut Outbox) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        member.rights = rights;
        let lost: Vec<Source> = Source::ALL
            .into_iter()
            .filter(|source| !rights.cover(*source))
            .collect();
        for source in lost {
            self.end_track(TrackId {
                endpoint: key,
                source,
            });
        }
        self.observe_speaker(now, out);
        self.settle_picture(now);
        self.reassign(now);
    }

    /// Play a phone something that it alone hears, or no more. Nothing happens to a browser.
    pub fn play(&mut self, key: EndpointKey, prompt: Option<Prompt>) {
        if let Some(handset) = self.members.get_mut(&key).and_then(Member::handset_mut) {
            handset.listener.play(prompt);
        }
    }

    /// An endpoint's counters.
    pub fn stats(&self, key: EndpointKey) -> Option<Stats> {
        self.members.get(&key).map(Member::stats)
    }

    /// How everyone's media fares, by name.
    pub fn qualities(&self, now: Instant) -> impl Iterator<Item = (&str, Quality)> {
        let members = self.members.values();
        members.map(move |member| (member.name.as_str(), member.quality(now)))
    }

    /// How one endpoint's media fares.
    pub fn quality(&self, now: Instant, key: EndpointKey) -> Option<Quality> {
        self.members.get(&key).map(|member| member.quality(now))
    }

    /// A datagram for one endpoint.
    pub fn receive(
        &mut self,
        now: Instant,
        key: EndpointKey,
        from: (SocketId, SocketAddr),
        data: &mut [u8],
        out: &mut Outbox,
    ) {
        self.with_member(now, key, out, |body, heard, out| {
            body.receive(now, from, data, heard, out);
        });
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(key) = self.deadlines.pop_due(now) {
            self.dirty.insert(key);
        }
        if self.gathered_at.is_some_and(|at| now >= at) {
            self.gathered_at = None;
            self.dirty.append(&mut self.gathering);
        }
        if now >= self.next_tick {
            // From now on, not from when it was due: a late tick is not made up for.
            self.next_tick = now + TICK;
            self.tick(now, out);
        }
        self.mix_due(now, out);
    }

    /// Let everyone who has something queued send it, until nobody has.
    pub fn settle(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(key) = self.dirty.pop_first() {
            self.gathering.remove(&key);
            self.with_member(now, key, out, |body, heard, out| {
                body.pump(now, heard, out);
            });
        }
    }

    /// Call one endpoint's core; a panic in it ends that endpoint only.
    fn with_member(
        &mut self,
        now: Instant,
        key: EndpointKey,
        out: &mut Outbox,
        call: impl FnOnce(&mut Body, &mut Vec<Heard>, &mut Outbox),
    ) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let mut heard = Vec::new();
        if isolate(|| call(&mut member.body, &mut heard, out)).is_err() {
            self.remove(now, key, Some("internal error".to_owned()), out);
            return;
        }
        self.deadlines.set(key, member.body.deadline());
        for event in heard {
            self.on_heard(now, key, event, out);
        }
    }

    fn on_heard(&mut self, now: Instant, key: EndpointKey, event: Heard, out: &mut Outbox) {
        match event {
            Heard::Connected => self.on_connected(key, out),
            Heard::Packet(source, packet) => {
                let track = TrackId {
                    endpoint: key,
                    source,
                };
                self.on_packet(now, track, &packet);
            }
            Heard::Digit(digit) => self.on_digit(key, digit, out),
            Heard::KeyframeWanted(track, layer) => self.ask_keyframe(now, track, layer),
            Heard::FreshPictureWanted(track) => self.refresh_picture(track),
            Heard::LayoutChanged => self.reconsider(key),
            Heard::Gone(reason) => self.remove(now, key, Some(reason), out),
        }
    }

    fn on_digit(&mut self, key: EndpointKey, digit: Digit, out: &mut Outbox) {
        if let Some(member) = self.members.get(&key) {
            out.events.push_back(Event::Digit {
                room: self.name.clone(),
                endpoint: member.name.clone(),
                digit: digit.symbol(),
            });
        }
    }

    fn on_connected(&mut self, key: EndpointKey, out: &mut Outbox) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        if !member.connected {
            member.connected = true;
            out.events.push_back(Event::Connected {
                room: self.name.clone(),
                endpoint: member.name.clone(),
            });
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Outbox) {
        self.give_up(now, out);
        for track in self.finished_tracks(now) {
            self.end_track(track);
        }
        for member in self.members.values_mut() {
            member.loudness.fall(now);
        }
        self.observe_speaker(now, out);
        self.settle_picture(now);
        self.settle_audio(now);
        self.reassign(now);
        self.choose_layers(now);
        self.retry_keyframes(now);
        self.turn_phones(now);
        self.retry_messages();
        for handset in self.members.values_mut().filter_map(Member::handset_mut) {
            handset.tick(now, out);
        }
    }

    fn give_up(&mut self, now: Instant, out: &mut Outbox) {
        let lost: Vec<(EndpointKey, &str)> = self
            .members
            .iter()
            .filter_map(|(key, member)| Some((*key, member.given_up(now)?)))
            .collect();
        for (key, reason) in lost {
            self.remove(now, key, Some(reason.to_owned()), out);
        }
    }

    fn finished_tracks(&self, now: Instant) -> Vec<TrackId> {
        let mut finished = Vec::new();
        for (key, member) in &self.members {
            for source in Source::ALL {
                let track = &member.tracks[source as usize];
                if track.as_ref().is_some_and(|t| t.is_over(now, source)) {
                    finished.push(TrackId {
                        endpoint: *key,
                        source,
                    });
                }
            }
        }
        finished
    }
}
