//! Which layers a room's receivers get, and keyframe requests to senders.

use std::time::{Duration, Instant};

use crate::allotment::{FEWER_FRAMES, Priority, Request, STEPS, allot, suited};
use crate::browser::Browser;
use crate::events::Source;
use crate::member::Member;
use crate::room::Room;
use crate::showing::Showing;
use crate::slots::{EndpointKey, TrackId};

/// Everyone's layers are looked at this often; sooner where something has changed.
const CHOICE_INTERVAL: Duration = Duration::from_millis(500);
/// Bits per second set aside for each voice: Opus, its headers and repairs.
const VOICE: u64 = 50_000;
/// Of an estimate, in percent, what may be planned with: headers and repairs take the rest.
const USABLE: u64 = 90;
/// Looked for beyond what is wanted, in percent, so that it is found with room to spare.
const SOUGHT: u64 = 140;

/// Looked for in any case: who was shown little for a while has an estimate that says so, and yet is to
/// have the next camera at once.
const SOUGHT_ALWAYS: u64 = 1_000_000;

/// One slot in which there is something.
struct Shown {
    at: (Source, usize),
    track: TrackId,
    request: Request,
    hidden: bool,
}

impl Room {
    /// One receiver's layers are to be chosen anew soon.
    pub(crate) fn reconsider(&mut self, key: EndpointKey) {
        if let Some(member) = self.members.get_mut(&key) {
            member.reconsider = true;
        }
    }

    /// Choose layers for all, or for those for whom something changed.
    pub(crate) fn choose_layers(&mut self, now: Instant) {
        let all = now >= self.next_choice;
        if all {
            self.next_choice = now + CHOICE_INTERVAL;
        }
        let mut keys = Vec::new();
        for (key, member) in &mut self.members {
            if std::mem::take(&mut member.reconsider) || all {
                keys.push(*key);
            }
        }
        for key in keys {
            if self.choose_layers_of(now, key) {
                self.tell_slots(key);
            }
        }
    }

    /// Choose one receiver's layers; whether it must be told of slots paused or resumed.
    pub(crate) fn choose_layers_of(&mut self, now: Instant, key: EndpointKey) -> bool {
        let Some(receiver) = self.members.get(&key).and_then(Member::browser) else {
            self.choose_layer_of_phone(now, key);
            return false;
        };
        let shown = self.shown_to(now, receiver);
        let budget = budget(receiver);
        let live: Vec<&Shown> = shown.iter().filter(|slot| !slot.hidden).collect();
        let requests: Vec<Request> = live.iter().map(|slot| slot.request).collect();
        let choices = allot(budget, &requests);
        let sustained = sustained(receiver, &requests, &choices);
        let mut choices = choices.into_iter();
        let chosen: Vec<Option<usize>> = shown
            .iter()
            .map(|slot| {
                if slot.hidden {
                    None
                } else {
                    choices.next().flatten()
                }
            })
            .collect();
        let desired = desired(receiver, &requests);
        let Some(receiver) = self.members.get_mut(&key).and_then(Member::browser_mut) else {
            return false;
        };
        receiver.seek_bandwidth(now, sustained, desired);
        let mut told = false;
        let mut fresh = Vec::new();
        for (slot, choice) in shown.iter().zip(chosen) {
            let (source, index) = slot.at;
            let Some((stream, _)) = receiver.group(source).iter_mut().nth(index) else {
                continue;
            };
            let showing = &mut stream.showing;
            told |= settle(now, showing, &slot.request, choice, slot.hidden);
            if showing.aim(choice, smallest(&slot.request)) {
                fresh.extend(showing.target().map(|layer| (slot.track, layer)));
            }
        }
        for (track, layer) in fresh {
            self.ask_keyframe(now, track, layer);
        }
        told
    }

    fn shown_to(&self, now: Instant, receiver: &Browser) -> Vec<Shown> {
        let groups = receiver.groups();
        let cameras = groups[Source::Camera as usize].iter();
        let count = cameras.filter(|(_, track)| track.is_some()).count();
        let mut shown = Vec::new();
        for source in [Source::Camera, Source::Screen] {
            for (index, (stream, track)) in groups[source as usize].iter().enumerate() {
                let height = receiver.layout.height(stream.mid(), count);
                if let Some(track) = track {
                    let request = self.request(now, &stream.showing, track, height);
                    let hidden = height == 0;
                    let at = (source, index);
                    shown.extend(request.map(|request| Shown {
                        at,
                        track,
                        request,
                        hidden,
                    }));
                }
            }
        }
        shown
    }

    /// What a slot asks for; `None` while the track sends nothing.
    pub(crate) fn request(
        &self,
        now: Instant,
        showing: &Showing,
        track: TrackId,
        height: u16,
    ) -> Option<Request> {
        let sender = self.members.get(&track.endpoint)?;
        let layers = &sender.tracks[track.source as usize].as_ref()?.layers;
        let priority = match track.source {
            Source::Screen => Priority::Screen,
            _ if self.speaker.current() == Some(track.endpoint) => Priority::Speaker,
            _ => Priority::Other,
        };
        Some(Request {
            priority,
            rates: layers.rates(now),
            wanted: FEWER_FRAMES + suited(&layers.heights(now), height)?,
            current: showing.step().filter(|step| *step < STEPS),
            may_rise: showing.may_rise(now),
        })
    }

    /// Ask a sender for a keyframe of a layer, now or as soon as it may be asked again.
    pub(crate) fn ask_keyframe(&mut self, now: Instant, track: TrackId, layer: u8) {
        let Some(member) = self.members.get_mut(&track.endpoint) else {
            return;
        };
        let state = member.tracks[track.source as usize].as_mut();
        let Some(state) = state.and_then(|track| track.layers.get_mut(layer)) else {
            return;
        };
        if state.ask_keyframe(now) && member.body.request_keyframe(track.source, layer) {
            self.dirty.insert(track.endpoint);
        }
    }

    /// Until a slot, or a phone, has had its keyframe its sender is asked again and again.
    pub(crate) fn retry_keyframes(&mut self, now: Instant) {
        let mut wanted: Vec<(TrackId, u8)> = Vec::new();
        for (key, member) in &self.members {
            let groups = member.browser().map(Browser::groups);
            for (stream, track) in groups.into_iter().flatten().flat_map(|g| g.iter()) {
                wanted.extend(track.zip(stream.showing.awaits_keyframe()));
            }
            // What H.264 is made of is asked for by its transcoding.
            let forwarded = member.video().filter(|video| video.level().is_none());
            let awaited = forwarded.and_then(|video| {
                let layer = video.showing.awaits_keyframe()?;
                Some((video.track()?, layer))
            });
            wanted.extend(awaited);
            for source in [Source::Camera, Source::Screen] {
                let track = TrackId {
                    endpoint: *key,
                    source,
                };
                let layers = member.tracks[source as usize].iter();
                wanted.extend(
                    layers
                        .flat_map(|t| t.layers.wanting())
                        .map(|layer| (track, layer)),
                );
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        for (track, layer) in wanted {
            self.ask_keyframe(now, track, layer);
        }
    }
}

/// The smallest layer that is being sent.
pub(crate) fn smallest(request: &Request) -> u8 {
    let mut layers = (0..).zip(&request.rates[FEWER_FRAMES..]);
    let sent = layers.find(|(_, rate)| rate.is_some());
    sent.map_or(0, |(layer, _)| layer)
}

/// Take note of what a choice means for a stream; whether it was paused or resumed by it.
pub(crate) fn settle(
    now: Instant,
    showing: &mut Showing,
    request: &Request,
    choice: Option<usize>,
    hidden: bool,
) -> bool {
    // Lowered for want of bandwidth, not because less is wanted now.
    let had = request.current.map(|layer| layer.min(request.wanted));
    let sent = |layer: usize| request.rates[layer].is_some();
    if !hidden && had.is_some_and(sent) && choice < had {
        showing.hold(now);
    }
    let paused = choice.is_none() && !hidden && request.rates.iter().any(Option::is_some);
    std::mem::replace(&mut showing.paused, paused) != paused
}

/// Bits per second for a receiver's video.
fn budget(receiver: &Browser) -> u64 {
    let Some(estimate) = receiver.layout.estimate() else {
        return u64::MAX;
    };
    (estimate / 100 * USABLE).saturating_sub(voices(receiver) * VOICE)
}

fn voices(receiver: &Browser) -> u64 {
    let slots = receiver.groups()[Source::Audio as usize].iter();
    slots.filter(|(_, track)| track.is_some()).count() as u64
}

/// Bits per second that must get through before the next better layer fits, for an estimate doesn't rise
/// far above what is sent: padding fills the difference. 0 if nothing may rise.
fn sustained(receiver: &Browser, requests: &[Request], choices: &[Option<usize>]) -> u64 {
    let now: u64 = requests
        .iter()
        .zip(choices)
        .filter_map(|(request, choice)| request.rates[(*choice)?])
        .sum();
    let steps = requests.iter().zip(choices);
    let next = steps
        .filter_map(|(request, choice)| request.next_step(*choice))
        .min();
    next.map_or(0, |step| {
        (now + step + voices(receiver) * VOICE) / USABLE * 100
    })
}

/// Bits per second that would be enough for everything that is wanted.
fn desired(receiver: &Browser, requests: &[Request]) -> u64 {
    let best = |request: &Request| {
        request.rates[..=request.wanted]
            .iter()
            .rev()
            .find_map(|rate| *rate)
    };
    let video: u64 = requests.iter().filter_map(best).sum();
    ((video + voices(receiver) * VOICE) / 100 * SOUGHT).max(SOUGHT_ALWAYS)
}
