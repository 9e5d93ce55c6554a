//! What a room transcodes: the track that each phone with H.264 sees, once for all of them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::places::Places;
use super::stream::{Limits, Transcoding};
use super::{Level, Outcome, Step, Task, TranscodingId};
use crate::allotment::suited;
use crate::demux::RoomKey;
use crate::events::{Event, Source};
use crate::member::Member;
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::phone_video::PhoneVideo;
use crate::room::Room;
use crate::slots::TrackId;

/// Bits per second that a picture is made with: the most of these that the narrowest phone takes, for each
/// change begins the stream anew.
const RATES: [u32; 8] = [
    100_000, 150_000, 200_000, 300_000, 400_000, 600_000, 800_000, 1_000_000,
];
/// Lines of the picture, if it is to be had so large, and if the phone takes no more than a quarter of that.
const HEIGHT: u16 = 360;
const SMALL_HEIGHT: u16 = 180;
/// Cameras are shown at this level's size at most, for some are sent in one large layer alone: 1280x720 becomes a
/// quarter of that. What is written on a screen would be lost.
const MOST_OF_CAMERA: u8 = 30;

/// The transcodings of one room.
#[derive(Debug)]
pub(crate) struct Transcodings {
    places: Places,
    of: BTreeMap<TrackId, Transcoding>,
    count: u64,
    /// By the numbers of their transcodings; `None` is the end.
    steps: Vec<(u64, Option<Step>)>,
    events: Vec<Event>,
}

impl Transcodings {
    /// None; they take these places.
    pub(crate) fn new(places: Places) -> Self {
        Self {
            places,
            of: BTreeMap::new(),
            count: 0,
            steps: Vec::new(),
            events: Vec::new(),
        }
    }

    /// End those of which nobody sees anything.
    fn keep(&mut self, wished: &BTreeMap<TrackId, Limits>) {
        let steps = &mut self.steps;
        self.of.retain(|track, transcoding| {
            let is_wished = wished.contains_key(track);
            if !is_wished {
                steps.push((transcoding.number, None));
            }
            is_wished
        });
    }

    /// Go on with a track, or begin if there is a place.
    fn set(&mut self, track: TrackId, layer: u8, limits: Limits) {
        if let Some(transcoding) = self.of.get_mut(&track) {
            transcoding.aim(layer);
            transcoding.limits = limits;
        } else if let Some(place) = self.places.take() {
            self.count += 1;
            let transcoding = Transcoding::new(self.count, place, layer, limits);
            self.of.insert(track, transcoding);
        }
    }

    fn find(&mut self, number: u64) -> Option<(TrackId, &mut Transcoding)> {
        let mut all = self.of.iter_mut();
        let (track, transcoding) = all.find(|(_, t)| t.number == number)?;
        Some((*track, transcoding))
    }

    fn push(&mut self, track: TrackId, packet: &Forwarded) {
        if let Some(transcoding) = self.of.get_mut(&track) {
            let steps = transcoding.push(packet).into_iter();
            let number = transcoding.number;
            self.steps.extend(steps.map(|step| (number, Some(step))));
        }
    }

    fn tick(&mut self, now: Instant) {
        for transcoding in self.of.values_mut() {
            let step = transcoding.tick(now);
            let number = transcoding.number;
            self.steps.extend(step.map(|step| (number, Some(step))));
        }
    }

    /// Hand out what is to be done and told by now. The room's key goes into the names.
    pub(crate) fn hand_out(&mut self, room: RoomKey, out: &mut Outbox) {
        out.events.extend(self.events.drain(..));
        let tasks = self.steps.drain(..).map(|(number, step)| {
            let id = TranscodingId { room, number };
            step.map_or(Task::End(id), |step| Task::Step(id, step))
        });
        out.tasks.extend(tasks);
    }

    /// End all.
    pub(crate) fn end(&mut self) {
        self.keep(&BTreeMap::new());
    }
}

impl Room {
    /// Transcode what phones with H.264 see, and nothing else.
    pub(crate) fn settle_transcodings(&mut self, now: Instant) {
        let wished = self.wished(now);
        if wished.is_empty() && self.transcodings.of.is_empty() {
            return;
        }
        self.transcodings.keep(&wished);
        for (track, limits) in wished {
            if let Some(layer) = self.layer_for(now, track, limits.level) {
                self.transcodings.set(track, layer, limits);
            }
        }
        self.look_after_viewers(now);
        self.ask_senders(now);
        self.transcodings.tick(now);
    }

    /// What is seen, and what those take that see it.
    fn wished(&self, now: Instant) -> BTreeMap<TrackId, Limits> {
        let mut wished: BTreeMap<TrackId, Limits> = BTreeMap::new();
        for video in self.members.values().filter_map(Member::video) {
            let Some((track, limits)) = wish(now, video) else {
                continue;
            };
            wished
                .entry(track)
                .and_modify(|all| {
                    all.bits = all.bits.min(limits.bits);
                    all.level = all.level.and(limits.level);
                })
                .or_insert(limits);
        }
        wished
    }

    fn layer_for(&self, now: Instant, track: TrackId, level: Level) -> Option<u8> {
        let sender = self.members.get(&track.endpoint)?;
        let sent = sender.tracks[track.source as usize].as_ref()?;
        let height = if level.takes_360_lines() {
            HEIGHT
        } else {
            SMALL_HEIGHT
        };
        let layer = suited(&sent.layers.heights(now), height)?;
        u8::try_from(layer).ok()
    }

    /// Who has nothing to see is shown black, and who has yet to see something gets a picture to begin with.
    fn look_after_viewers(&mut self, now: Instant) {
        let Transcodings { of, events, .. } = &mut self.transcodings;
        for (key, member) in &mut self.members {
            let Some(video) = member.video_mut() else {
                continue;
            };
            let Some((track, _)) = wish(now, video) else {
                continue;
            };
            let transcoding = of.get_mut(&track);
            let is_withheld = transcoding.is_none();
            match transcoding {
                Some(transcoding) if transcoding.is_visible() => {
                    if video.showing.awaits_keyframe().is_some() {
                        transcoding.refresh();
                    }
                }
                _ => {
                    if video.blank(now) {
                        self.dirty.insert(*key);
                    }
                }
            }
            if is_withheld && !video.is_withheld {
                events.push(Event::PicturesWithheld {
                    room: self.name.clone(),
                    endpoint: member.name.clone(),
                });
            }
            if let Some(video) = member.video_mut() {
                video.is_withheld = is_withheld;
            }
        }
    }

    fn ask_senders(&mut self, now: Instant) {
        let all = self.transcodings.of.iter();
        let waiting = all.filter(|(_, transcoding)| transcoding.wants_keyframe());
        let waiting: Vec<(TrackId, u8)> = waiting.map(|(track, t)| (*track, t.layer)).collect();
        for (track, layer) in waiting {
            self.ask_keyframe(now, track, layer);
        }
    }

    /// A packet that was let in of anybody's pictures.
    pub(crate) fn transcode(&mut self, track: TrackId, packet: &Forwarded) {
        self.transcodings.push(track, packet);
    }

    /// A phone can't decode what is made for it.
    pub(crate) fn refresh_picture(&mut self, track: TrackId) {
        if let Some(transcoding) = self.transcodings.of.get_mut(&track) {
            transcoding.refresh();
        }
    }

    /// A step of a transcoding is done. Nothing happens if that has ended.
    pub(crate) fn on_transcoded(&mut self, now: Instant, number: u64, outcome: Outcome) {
        let Some((track, transcoding)) = self.transcodings.find(number) else {
            return;
        };
        let has_failed = outcome == Outcome::Broken && transcoding.is_working();
        let shot = transcoding.done(outcome);
        if let Some(shot) = shot {
            for (key, member) in &mut self.members {
                let video = member.video_mut();
                if video.is_some_and(|video| video.show_transcoded(now, track, &shot)) {
                    self.dirty.insert(*key);
                }
            }
            return;
        }
        if has_failed && let Some(member) = self.members.get(&track.endpoint) {
            self.transcodings.events.push(Event::TranscodingFailed {
                room: self.name.clone(),
                endpoint: member.name.clone(),
            });
        }
        self.ask_senders(now);
    }
}

/// What a phone with H.264 sees, and what it takes; `None` if it has none, or nobody looks.
fn wish(now: Instant, video: &PhoneVideo) -> Option<(TrackId, Limits)> {
    let (taken, track) = (video.level()?, video.track()?);
    let level = match track.source {
        Source::Camera => Level::up_to(MOST_OF_CAMERA).map_or(taken, |most| taken.and(most)),
        Source::Audio | Source::Screen => taken,
    };
    if !video.is_there(now) {
        return None;
    }
    let takes = video.budget.bits().min(u64::from(level.bits()));
    let rates = RATES.into_iter().rev();
    let mut fitting = rates.filter(|rate| u64::from(*rate) <= takes);
    // Not even the least: a level that takes less is obeyed, losses can't be helped.
    let bits = fitting.next().unwrap_or(RATES[0].min(level.bits()));
    Some((track, Limits { bits, level }))
}
