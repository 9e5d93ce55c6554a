//! What a room's recording takes in: those who have said yes, and only what they may send.

use std::time::{Duration, Instant};

use crate::isolate::isolate;
use crate::mixer::Contribution;
use crate::mixing::{Mix, Sound};
use crate::outbox::Outbox;
use crate::playout::Playout;
use crate::recording::{Part, Recording, Unrecordable};
use crate::room::Room;
use crate::slots::EndpointKey;

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
        if !recorded {
            member.recorded_from = None;
        } else if member.recorded_from.is_none() {
            // What waits to be played was said before.
            let held = member.player.as_ref().map_or(Duration::ZERO, Playout::held);
            member.recorded_from = Some(now + held);
        }
    }

    /// Twenty milliseconds of the room that end at `due`.
    pub(crate) fn record(&mut self, now: Instant, due: Instant, sounds: &[Sound]) {
        let members = &self.members;
        let may = |sound: &&Sound| {
            let from = members.get(&sound.key).and_then(|m| m.recorded_from);
            from.is_some_and(|from| now >= from)
        };
        let Some(recording) = &mut self.recording else {
            return;
        };
        let heard: Vec<Contribution<'_, EndpointKey>> = sounds
            .iter()
            .filter(may)
            .map(|sound| Contribution {
                source: sound.key,
                level: sound.level,
                frame: &sound.frame,
            })
            .collect();
        if isolate(|| recording.hear(due, &heard)).is_err() {
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
