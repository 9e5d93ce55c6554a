//! One meeting's media: who is in it, what they may send, and what happens when.
//!
//! Forwarding (what goes where) is in `forwarding.rs`, phones and their mix in `mixing.rs`; both are
//! the same `Room`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::browser::{Browser, Heard};
use crate::events::{Event, Rights, Source, Stats};
use crate::isolate::isolate;
use crate::loudness::{Loudness, Speaker};
use crate::outbox::Outbox;
use crate::slots::{EndpointKey, Ranking, TrackId};
use crate::timetable::Timetable;

/// Levels, speakers and the life of tracks are looked at this often.
const TICK: Duration = Duration::from_millis(100);
/// Who has not connected by then never will.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// A sender is asked for a keyframe at most this often.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// A track without packets is over: cameras are turned off, screens may stand still longer.
const CAMERA_LIMIT: Duration = Duration::from_secs(2);
const QUIET_LIMIT: Duration = Duration::from_secs(5);

/// A stream that an endpoint is sending now.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) last_packet: Instant,
    keyframe_asked: Option<Instant>,
    keyframe_wanted: bool,
}

impl Track {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last_packet: now,
            keyframe_asked: None,
            keyframe_wanted: false,
        }
    }

    fn is_over(&self, now: Instant, source: Source) -> bool {
        let limit = match source {
            Source::Camera => CAMERA_LIMIT,
            Source::Audio | Source::Screen => QUIET_LIMIT,
        };
        now > self.last_packet + limit
    }

    /// Whether the sender may be asked for a keyframe now; if not, it will be asked later.
    pub(crate) fn ask_keyframe(&mut self, now: Instant) -> bool {
        let may = self
            .keyframe_asked
            .is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        self.keyframe_wanted = !may;
        if may {
            self.keyframe_asked = Some(now);
        }
        may
    }

    /// Whether an earlier wish is still open.
    pub(crate) fn wants_keyframe(&self) -> bool {
        self.keyframe_wanted
    }
}

/// One endpoint and what the room knows of it.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) rights: Rights,
    pub(crate) tracks: [Option<Track>; 3],
    pub(crate) loudness: Loudness,
    pub(crate) forbidden: u64,
    pub(crate) browser: Box<Browser>,
    /// Whether it has been told its slots at all.
    pub(crate) told: bool,
    joined: Instant,
    connected: bool,
}

/// A room.
pub struct Room {
    pub(crate) name: String,
    pub(crate) members: BTreeMap<EndpointKey, Member>,
    pub(crate) rankings: [Ranking; 3],
    pub(crate) speaker: Speaker,
    pub(crate) dirty: BTreeSet<EndpointKey>,
    deadlines: Timetable<EndpointKey>,
    next_tick: Instant,
}

impl Room {
    /// An empty room.
    pub fn new(name: String, now: Instant) -> Self {
        Self {
            name,
            members: BTreeMap::new(),
            rankings: Default::default(),
            speaker: Speaker::default(),
            dirty: BTreeSet::new(),
            deadlines: Timetable::default(),
            next_tick: now + TICK,
        }
    }

    /// Whether `settle` has something to do.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// When it wants to be called; never while nobody is in it.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.members.is_empty() {
            return None;
        }
        let soonest = self.deadlines.next();
        Some(soonest.map_or(self.next_tick, |at| at.min(self.next_tick)))
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
        let member = Member {
            name,
            rights,
            tracks: [None, None, None],
            loudness: Loudness::new(),
            forbidden: 0,
            browser: Box::new(browser),
            told: false,
            joined: now,
            connected: false,
        };
        self.members.insert(key, member);
        self.dirty.insert(key);
        self.next_tick = self.next_tick.max(now);
        self.reassign(now);
        self.tell_speaker_to(key);
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
        // A browser whose core is broken can't say goodbye; that is no reason not to remove it.
        let _ = isolate(|| member.browser.close(now, out));
        self.deadlines.set(key, None);
        self.dirty.remove(&key);
        for source in Source::ALL {
            self.rankings[source as usize].remove(TrackId {
                endpoint: key,
                source,
            });
        }
        if let Some(reason) = reason {
            out.events.push_back(Event::Gone {
                room: self.name.clone(),
                endpoint: member.name,
                reason,
            });
        }
        self.observe_speaker(now, out);
        self.reassign(now);
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
        self.reassign(now);
    }

    /// An endpoint's counters.
    pub fn stats(&self, key: EndpointKey) -> Option<Stats> {
        let member = self.members.get(&key)?;
        Some(Stats {
            packets_forbidden: member.forbidden,
            audio_level: member.loudness.amplitude(),
            ..member.browser.stats()
        })
    }

    /// A datagram for one endpoint.
    pub fn receive(
        &mut self,
        now: Instant,
        key: EndpointKey,
        source: SocketAddr,
        data: &[u8],
        out: &mut Outbox,
    ) {
        self.with_member(now, key, out, |browser, heard, out| {
            browser.receive(now, source, data, heard, out);
        });
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(key) = self.deadlines.pop_due(now) {
            self.dirty.insert(key);
        }
        if now >= self.next_tick {
            // From now on, not from when it was due: a late tick is not made up for.
            self.next_tick = now + TICK;
            self.tick(now, out);
        }
    }

    /// Let everyone who has something queued send it, until nobody has.
    pub fn settle(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(key) = self.dirty.pop_first() {
            self.with_member(now, key, out, |browser, heard, out| {
                browser.pump(now, heard, out);
            });
        }
    }

    /// Call one endpoint's core; a panic in it ends that endpoint only.
    fn with_member(
        &mut self,
        now: Instant,
        key: EndpointKey,
        out: &mut Outbox,
        call: impl FnOnce(&mut Browser, &mut Vec<Heard>, &mut Outbox),
    ) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let mut heard = Vec::new();
        if isolate(|| call(&mut member.browser, &mut heard, out)).is_err() {
            self.remove(now, key, Some("internal error".to_owned()), out);
            return;
        }
        self.deadlines.set(key, Some(member.browser.deadline()));
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
            Heard::KeyframeWanted(track) => self.ask_keyframe(now, track),
            Heard::Gone(reason) => self.remove(now, key, Some(reason), out),
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
        self.remove_unconnected(now, out);
        for track in self.finished_tracks(now) {
            self.end_track(track);
        }
        for member in self.members.values_mut() {
            member.loudness.tick(now);
        }
        self.observe_speaker(now, out);
        self.settle_audio();
        self.reassign(now);
        self.retry_keyframes(now);
        self.retry_messages();
    }

    fn remove_unconnected(&mut self, now: Instant, out: &mut Outbox) {
        let late: Vec<EndpointKey> = self
            .members
            .iter()
            .filter(|(_, m)| !m.connected && now > m.joined + CONNECT_LIMIT)
            .map(|(key, _)| *key)
            .collect();
        for key in late {
            self.remove(now, key, Some("never connected".to_owned()), out);
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
