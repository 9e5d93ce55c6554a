//! What a room's recording takes in: those who have said yes, and only what they may send.

use std::time::{Duration, Instant};

use crate::allotment::suited;
use crate::events::Source;
use crate::isolate::isolate;
use crate::mixer::Contribution;
use crate::mixing::{Mix, Sound};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::recording::{Part, Recording, Unrecordable};
use crate::room::Room;
use crate::slots::{EndpointKey, TrackId};

/// Lines of the picture, if it is to be had so large.
const HEIGHT: u16 = 720;

impl Room {
    /// Whether a recording can be started.
    pub(crate) fn can_be_recorded(&self) -> Result<(), Unrecordable> {
        match self.recording {
            Some(_) => Err(Unrecordable::Recorded),
            None => Ok(()),
        }
    }

    /// Record from now on.
    pub(crate) fn start_recording(
        &mut self,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Unrecordable> {
        self.can_be_recorded()?;
        let recording = Recording::new(now).map_err(|_| Unrecordable::Codec)?;
        self.recording = Some(Box::new(recording));
        self.mix.get_or_insert_with(|| Mix::new(now));
        self.settle_picture(now);
        self.hand_out_recording(out);
        Ok(())
    }

    /// Record no more.
    pub(crate) fn stop_recording(&mut self, out: &mut Outbox) {
        let Some(recording) = self.recording.take() else {
            return;
        };
        let parts = isolate(|| recording.finish()).unwrap_or_else(|_| broken());
        out.record(&self.name, parts);
        self.end_mix_if_idle();
    }

    /// How long the recording has lasted, if there is one.
    pub(crate) fn recorded_for(&self, now: Instant) -> Option<Duration> {
        self.recording.as_ref().map(|r| r.length(now))
    }

    /// Whether an endpoint may be in the recording, from now on.
    pub(crate) fn set_recorded(&mut self, now: Instant, key: EndpointKey, recorded: bool) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        if recorded && !member.recorded {
            // What waits to be played was said before.
            member.player = None;
        }
        member.recorded = recorded;
        self.settle_picture(now);
    }

    /// Twenty milliseconds of the room that end at `due`.
    pub(crate) fn record(&mut self, due: Instant, sounds: &[Sound]) {
        let members = &self.members;
        let may = |sound: &&Sound| members.get(&sound.key).is_some_and(|m| m.recorded);
        if self.recording.is_none() {
            return;
        }
        let heard: Vec<Contribution<'_, EndpointKey>> =
            sounds.iter().filter(may).map(Sound::contribution).collect();
        if let Some(recording) = &mut self.recording
            && isolate(|| recording.hear(due, &heard)).is_err()
        {
            self.broken_recording = true;
        }
    }

    /// A packet that was let in of anybody's camera.
    pub(crate) fn record_picture(&mut self, track: TrackId, packet: &Forwarded) {
        if track.source != Source::Camera || self.recording.is_none() || !self.may_be_seen(track) {
            return;
        }
        self.with_recording(|recording| recording.see(track, packet));
    }

    /// Show who speaks, of those who may be seen; if that is nobody, whoever was shown; else somebody.
    pub(crate) fn settle_picture(&mut self, now: Instant) {
        let Some(recording) = &self.recording else {
            return;
        };
        let cameras = self.rankings[Source::Camera as usize].order().to_vec();
        let speaker = self.speaker.current().map(|endpoint| TrackId {
            endpoint,
            source: Source::Camera,
        });
        let preferred = speaker.into_iter().chain(recording.shown()).chain(cameras);
        let seen: Vec<TrackId> = preferred.filter(|t| self.may_be_seen(*t)).collect();
        let chosen = seen.first().and_then(|track| {
            let sending =
                self.members.get(&track.endpoint)?.tracks[track.source as usize].as_ref()?;
            let layer = suited(&sending.layers.heights(now), HEIGHT)?;
            Some((*track, u8::try_from(layer).ok()?))
        });
        self.with_recording(|recording| {
            recording.keep(now, |track| seen.contains(&track));
            if let Some((track, layer)) = chosen {
                recording.aim(track, layer);
            }
        });
        let wanted = self.recording.as_ref().and_then(|r| r.wants_keyframe(now));
        if let Some((track, layer)) = wanted {
            self.ask_keyframe(now, track, layer);
        }
    }

    /// Whether a camera's picture may be in the recording, and there is one.
    fn may_be_seen(&self, track: TrackId) -> bool {
        self.members.get(&track.endpoint).is_some_and(|member| {
            member.recorded
                && member.rights.cover(track.source)
                && member.tracks[track.source as usize].is_some()
        })
    }

    /// A recording that panics is dropped when it is next asked for its parts.
    fn with_recording(&mut self, call: impl FnOnce(&mut Recording)) {
        if let Some(recording) = &mut self.recording
            && isolate(|| call(recording)).is_err()
        {
            self.broken_recording = true;
        }
    }

    /// Hand out what is to be written by now. A recording that panicked ends; the meeting goes on.
    pub(crate) fn hand_out_recording(&mut self, out: &mut Outbox) {
        if std::mem::take(&mut self.broken_recording) {
            self.recording = None;
            out.record(&self.name, broken());
            self.end_mix_if_idle();
        } else if let Some(recording) = &mut self.recording {
            let parts = recording.take_parts();
            out.record(&self.name, parts);
        }
    }
}

fn broken() -> Vec<Part> {
    let problem = Some("internal error in the recording");
    vec![Part::End { problem }]
}
