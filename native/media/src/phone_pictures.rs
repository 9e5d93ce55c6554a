//! Which picture each phone sees: a shared screen, else the camera of who speaks, in a layer that fits.
//!
//! A phone has one place for pictures. It shows the first of those that browsers are shown first, but never
//! the phone's own (`slots.rs`), and changes when their order does.

use std::time::Instant;

use crate::allotment::{FEWER_FRAMES, allot};
use crate::error::Refused;
use crate::events::Source;
use crate::layering::{settle, smallest};
use crate::member::Member;
use crate::phone_video::PhoneVideo;
use crate::room::Room;
use crate::slots::{EndpointKey, TrackId};

/// Lines of the picture, if it is to be had so large: phones' screens are small.
const HEIGHT: u16 = 360;
/// A picture of more lines is not transcoded (`transcoding/mod.rs` says of how many pixels).
const MOST_LINES: u16 = 720;

impl Room {
    /// A phone that is here has pictures too, from now on; whether it may send its own is said with them.
    pub(crate) fn add_phone_video(
        &mut self,
        now: Instant,
        key: EndpointKey,
        video: PhoneVideo,
        may_send: bool,
    ) -> Result<(), Refused> {
        let member = self.members.get_mut(&key).ok_or(Refused::NoRoom)?;
        member.rights.video = may_send;
        let handset = member.handset_mut().ok_or(Refused::Duplicate)?;
        if handset.video.is_some() {
            return Err(Refused::Duplicate);
        }
        handset.video = Some(Box::new(video));
        self.turn_phone(now, key);
        Ok(())
    }

    /// Let a phone see what deserves it most.
    pub(crate) fn turn_phone(&mut self, now: Instant, key: EndpointKey) {
        let Some(video) = self.members.get(&key).and_then(Member::video) else {
            return;
        };
        let (before, receives) = (video.track(), video.receives());
        let is_transcoded = video.level().is_some();
        let first = self.first_for(key, |track| {
            !(is_transcoded && self.is_too_high(now, track))
        });
        let track = first.filter(|_| receives);
        if track != before
            && let Some(video) = self.members.get_mut(&key).and_then(Member::video_mut)
        {
            video.turn_to(now, track);
            self.dirty.insert(key);
            self.choose_layer_of_phone(now, key);
            self.settle_transcodings(now);
        }
    }

    /// What deserves it most to be seen by a phone, of what can be.
    fn first_for(&self, key: EndpointKey, can_be: impl Fn(TrackId) -> bool) -> Option<TrackId> {
        // A screen goes before every camera.
        let order = [Source::Screen, Source::Camera].map(|s| self.rankings[s as usize].order());
        let mut order = order.into_iter().flatten().copied();
        order.find(|track| track.endpoint != key && can_be(*track))
    }

    /// Phones with H.264 look away from what has become too large to be transcoded, and back.
    pub(crate) fn turn_phones(&mut self, now: Instant) {
        let members = self.members.iter();
        let transcoded =
            members.filter(|(_, member)| member.video().is_some_and(|v| v.level().is_some()));
        for key in transcoded.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.turn_phone(now, key);
        }
        self.settle_transcodings(now);
    }

    /// Whether even the smallest layer of a track has more lines than are transcoded.
    fn is_too_high(&self, now: Instant, track: TrackId) -> bool {
        let sender = self.members.get(&track.endpoint);
        let sent = sender.and_then(|sender| sender.tracks[track.source as usize].as_ref());
        let heights = sent.map(|sent| sent.layers.heights(now));
        let least = heights.and_then(|heights| heights.into_iter().flatten().min());
        least.is_some_and(|least| least > MOST_LINES)
    }

    /// Choose the layer of what a phone sees.
    pub(crate) fn choose_layer_of_phone(&mut self, now: Instant, key: EndpointKey) {
        if let Some(video) = self.members.get_mut(&key).and_then(Member::video_mut)
            && video.level().is_some()
        {
            // What is made for it is as large as it takes.
            video.showing.aim(Some(FEWER_FRAMES), 0);
            return;
        }
        let video = self.members.get(&key).and_then(Member::video);
        let Some((video, track)) = video.and_then(|video| Some((video, video.track()?))) else {
            return;
        };
        let Some(request) = self.request(now, &video.showing, track, HEIGHT) else {
            return;
        };
        let choice = allot(video.budget.bits(), &[request]).pop().flatten();
        let Some(video) = self.members.get_mut(&key).and_then(Member::video_mut) else {
            return;
        };
        settle(now, &mut video.showing, &request, choice, false);
        if video.showing.aim(choice, smallest(&request))
            && let Some(layer) = video.showing.target()
        {
            self.ask_keyframe(now, track, layer);
        }
    }
}
