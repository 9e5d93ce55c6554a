//! Which picture each phone sees: a shared screen, else the camera of who speaks, in a layer that fits.
//!
//! A phone has one place for pictures. It shows the first of those that browsers are shown first, but never
//! the phone's own (`slots.rs`), and changes when their order does.

use std::time::Instant;

use crate::allotment::allot;
use crate::error::Refused;
use crate::events::Source;
use crate::layering::{settle, smallest};
use crate::member::Member;
use crate::phone_video::PhoneVideo;
use crate::room::Room;
use crate::slots::EndpointKey;

/// Lines of the picture, if it is to be had so large: phones' screens are small.
const HEIGHT: u16 = 360;

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
        let Some(video) = self.members.get_mut(&key).and_then(Member::video_mut) else {
            return;
        };
        let (before, receives) = (video.track(), video.receives());
        // A screen goes before every camera.
        let order = [Source::Screen, Source::Camera].map(|s| self.rankings[s as usize].order());
        let first = order.into_iter().flatten().find(|t| t.endpoint != key);
        let track = first.copied().filter(|_| receives);
        if track != before {
            video.turn_to(now, track);
            self.dirty.insert(key);
            self.choose_layer_of_phone(now, key);
        }
    }

    /// Choose the layer of what a phone sees.
    pub(crate) fn choose_layer_of_phone(&mut self, now: Instant, key: EndpointKey) {
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
