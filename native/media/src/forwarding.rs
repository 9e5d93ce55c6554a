//! What goes where in a room: packets to slots, tracks into slots, keyframe requests to senders.

use std::time::{Duration, Instant};

use crate::channel;
use crate::events::{Event, Source};
use crate::loudness::{MARGIN, SILENCE};
use crate::member::{Member, Track};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::room::{GATHER, Room};
use crate::slots::{EndpointKey, TrackId, fill};

/// Voices change places at most this often.
const CONTEST_INTERVAL: Duration = Duration::from_secs(1);

impl Room {
    /// An authentic packet: forbidden, or to whoever has its track in a slot.
    pub(crate) fn on_packet(&mut self, now: Instant, track: TrackId, packet: &Forwarded) {
        let Some(member) = self.members.get_mut(&track.endpoint) else {
            return;
        };
        if !member.rights.cover(track.source) {
            member.forbidden += 1;
            return;
        }
        if let (Source::Audio, Some((level, _))) = (track.source, packet.level) {
            member.loudness.hear(now, f32::from(level));
        }
        let relayed = track.source == Source::Audio
            && member
                .handset_mut()
                .is_some_and(|handset| handset.relayed.is_some());
        match &mut member.tracks[track.source as usize] {
            Some(known) => known.hear(now, packet),
            unknown => {
                *unknown = Some(Track::new(now, packet));
                self.begin_track(now, track);
            }
        }
        if track.source == Source::Audio {
            self.listen(now, track.endpoint, packet);
        }
        self.record_picture(track, packet);
        self.transcode(track, packet);
        // What browsers can't decode comes to them by way of the mix.
        if !relayed {
            self.forward(track, packet);
        }
    }

    pub(crate) fn forward(&mut self, track: TrackId, packet: &Forwarded) {
        let gathers = track.source.is_video() && self.is_dense(packet.arrived);
        for (key, member) in &mut self.members {
            if *key == track.endpoint || !member.body.forward(track, packet) {
                continue;
            }
            if gathers {
                self.gathering.insert(*key);
                self.gathered_at.get_or_insert(packet.arrived + GATHER);
            } else {
                self.dirty.insert(*key);
            }
        }
    }

    /// Whether another packet of video can be expected while this one waits.
    fn is_dense(&mut self, now: Instant) -> bool {
        let before = self.last_video.replace(now);
        before.is_some_and(|at| now < at + GATHER)
    }

    fn begin_track(&mut self, now: Instant, track: TrackId) {
        let ranking = &mut self.rankings[track.source as usize];
        ranking.append(track);
        if track.source == Source::Screen {
            // There is one screen slot: the newest share has it.
            ranking.promote(track);
        }
        self.settle_picture(now);
        self.reassign(now);
    }

    /// A track is over: it has no slot after the next `reassign`.
    pub(crate) fn end_track(&mut self, track: TrackId) {
        if let Some(member) = self.members.get_mut(&track.endpoint) {
            member.tracks[track.source as usize] = None;
        }
        self.rankings[track.source as usize].remove(track);
    }

    /// Give slots to the tracks that deserve them, and tell those for whom anything changed.
    pub(crate) fn reassign(&mut self, now: Instant) {
        let versions: [u64; 3] = std::array::from_fn(|at| self.rankings[at].version());
        if self.assigned != versions {
            self.assigned = versions;
            for key in self.members.keys().copied().collect::<Vec<_>>() {
                self.reassign_to(now, key);
            }
        }
    }

    /// Give one endpoint's slots to the tracks that deserve them.
    pub(crate) fn reassign_to(&mut self, now: Instant, key: EndpointKey) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let told = std::mem::replace(&mut member.told, true);
        let Some(browser) = member.browser_mut() else {
            self.turn_phone(now, key);
            return;
        };
        let mut changed = !told;
        for source in Source::ALL {
            let order = self.rankings[source as usize].order();
            let group = browser.group(source);
            let slots = fill(&mut group.tracks, order, key);
            group.switch(&slots);
            changed |= !slots.is_empty();
        }
        if changed {
            self.choose_layers_of(now, key);
            self.tell_slots(key);
        }
    }

    pub(crate) fn tell_slots(&mut self, key: EndpointKey) {
        let Some(receiver) = self.members.get(&key).and_then(Member::browser) else {
            return;
        };
        let slots = receiver.groups().iter().flat_map(|g| g.iter());
        let message = channel::slots_message(slots.map(|(stream, track)| {
            let shown = track.and_then(|track| {
                let sender = self.members.get(&track.endpoint)?;
                Some((sender.name.as_str(), track.source, stream.showing.paused))
            });
            (stream.mid(), shown)
        }));
        let receiver = self.members.get_mut(&key);
        if let Some(receiver) = receiver.and_then(Member::browser_mut)
            && receiver.tell_slots(message)
        {
            self.dirty.insert(key);
        }
    }

    /// See who is speaking; a new speaker is announced and its camera comes first.
    pub(crate) fn observe_speaker(&mut self, now: Instant, out: &mut Outbox) {
        let levels: Vec<(EndpointKey, f32)> = self
            .members
            .iter()
            .filter(|(_, m)| m.tracks[Source::Audio as usize].is_some())
            .map(|(key, m)| (*key, m.loudness.dbov()))
            .collect();
        if !self.speaker.observe(now, &levels) {
            return;
        }
        let speaker = self.speaker.current();
        if let Some(endpoint) = speaker {
            self.next_choice = now;
            self.rankings[Source::Camera as usize].promote(TrackId {
                endpoint,
                source: Source::Camera,
            });
        }
        let name = speaker
            .and_then(|key| self.members.get(&key))
            .map(|m| m.name.clone());
        self.tell_speaker(name.as_deref());
        out.events.push_back(Event::ActiveSpeaker {
            room: self.name.clone(),
            endpoint: name,
        });
    }

    fn tell_speaker(&mut self, speaker: Option<&str>) {
        let message = channel::speaker_message(speaker);
        for (key, member) in &mut self.members {
            if let Some(browser) = member.browser_mut()
                && browser.tell_speaker(message.clone())
            {
                self.dirty.insert(*key);
            }
        }
    }

    /// A newcomer learns who is speaking.
    pub(crate) fn tell_speaker_to(&mut self, key: EndpointKey) {
        let speaker = self
            .speaker
            .current()
            .and_then(|key| self.members.get(&key));
        let message = channel::speaker_message(speaker.map(|m| m.name.as_str()));
        if let Some(browser) = self.members.get_mut(&key).and_then(Member::browser_mut) {
            browser.tell_speaker(message);
        }
    }

    /// The loudest first, but not too often: two who talk at the same time must not swap a slot.
    pub(crate) fn settle_audio(&mut self, now: Instant) {
        if now < self.next_contest {
            return;
        }
        let members = &self.members;
        let changed = self.rankings[Source::Audio as usize].settle(MARGIN, |track| {
            members
                .get(&track.endpoint)
                .map_or(SILENCE, |m| m.loudness.dbov())
        });
        if changed {
            self.next_contest = now + CONTEST_INTERVAL;
        }
    }

    /// Messages that a full channel did not take.
    pub(crate) fn retry_messages(&mut self) {
        for (key, member) in &mut self.members {
            if let Some(browser) = member.browser_mut()
                && browser.write_messages()
            {
                self.dirty.insert(*key);
            }
        }
    }
}
