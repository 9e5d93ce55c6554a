//! Phones in a room: what they say becomes sound, what everyone else says becomes their mix.
//!
//! Nothing of this runs in a room of browsers only that isn't recorded: their speech is forwarded, not
//! decoded.

use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::events::Source;
use crate::level;
use crate::member::{Body, Member};
use crate::mixer::{Contribution, Fanout, INAUDIBLE, MAX_VOICES, Mixer};
use crate::outbox::Outbox;
use crate::outgoing::Forwarded;
use crate::pcm::{FRAME_MILLIS, Frame, SILENT};
use crate::playout::Playout;
use crate::room::Room;
use crate::slots::{EndpointKey, TrackId};

const FRAME_TIME: Duration = Duration::from_millis(FRAME_MILLIS as u64);
/// A clock that is further behind than this has slept; what was missed stays so.
const MAX_LATE: u32 = 10;
/// Browsers whose speech is decoded for phones or a recording, the loudest: two more than the mix lets in, so that a
/// newcomer's sound is there when it is wanted.
const MAX_DECODED: usize = MAX_VOICES + 2;

/// When the next 20 ms are due. It counts from one beginning, so it never drifts.
#[derive(Debug)]
struct MixClock {
    next: Instant,
}

impl MixClock {
    /// The first frame is due in 20 ms.
    fn new(now: Instant) -> Self {
        Self {
            next: now + FRAME_TIME,
        }
    }

    /// How many frames are due now, and how many before them are not worth making any more.
    fn advance(&mut self, now: Instant) -> (u32, u32) {
        let Some(late) = now.checked_duration_since(self.next) else {
            return (0, 0);
        };
        let frames = u32::try_from(late.as_nanos() / FRAME_TIME.as_nanos()).unwrap_or(u32::MAX - 1);
        let due = frames + 1;
        self.next += FRAME_TIME * due;
        if due > MAX_LATE {
            (1, due - 1)
        } else {
            (due, 0)
        }
    }
}

/// The mix of a room with phones, or that is recorded.
#[derive(Debug)]
pub struct Mix {
    clock: MixClock,
    /// Whose speech is decoded, as of the last frame.
    decoded: Vec<EndpointKey>,
    mixer: Mixer<EndpointKey>,
    fanout: Fanout,
}

impl Mix {
    /// Nobody has been heard yet.
    pub fn new(now: Instant) -> Self {
        Self {
            clock: MixClock::new(now),
            decoded: Vec::new(),
            mixer: Mixer::new(),
            fanout: Fanout::new(),
        }
    }

    /// When the next frame is due.
    pub fn deadline(&self) -> Instant {
        self.clock.next
    }
}

/// One speaker's sound of this frame.
pub(crate) struct Sound {
    pub(crate) key: EndpointKey,
    pub(crate) level: f32,
    pub(crate) frame: Frame,
}

impl Sound {
    /// For a mixer.
    pub(crate) fn contribution(&self) -> Contribution<'_, EndpointKey> {
        Contribution {
            source: self.key,
            level: self.level,
            frame: &self.frame,
        }
    }
}

impl Room {
    /// Speech that somebody may need as sound.
    pub(crate) fn listen(&mut self, now: Instant, key: EndpointKey, packet: &Forwarded) {
        let (Some(mix), Some(member)) = (&self.mix, self.members.get_mut(&key)) else {
            return;
        };
        if !member.is_phone() && !mix.decoded.contains(&key) {
            return;
        }
        let codec = match &member.body {
            Body::Browser(_) => Codec::Opus,
            Body::Phone(handset) => handset.phone.codec(),
        };
        if member.player.is_none() {
            // Without memory for a decoder this speaker stays unheard by phones; nothing else breaks.
            member.player = Playout::new(codec).ok();
        }
        if let Some(player) = &mut member.player {
            // The player counts sequence numbers in sixteen bits as they are sent.
            let sequence = packet.sequence as u16;
            player.push(now, sequence, packet.timestamp, &packet.payload);
        }
    }

    /// Whose speech must be decoded: the loudest for phones, and for a recording the loudest of those who
    /// may be in it. Phones are in any case, for their level.
    fn decoded(&self) -> Vec<EndpointKey> {
        let order = self.rankings[Source::Audio as usize].order();
        let has_phone = self.members.values().any(Member::is_phone);
        let for_phones = order.iter().filter(|_| has_phone).take(MAX_DECODED);
        let is_recorded = |key| {
            let member = self.members.get(&key);
            self.recording.is_some() && member.is_some_and(|member| member.recorded)
        };
        let recorded = order.iter().filter(|track| is_recorded(track.endpoint));
        let wanted = for_phones.chain(recorded.take(MAX_DECODED));
        wanted.map(|track| track.endpoint).collect()
    }

    /// Make the frames that are due.
    pub(crate) fn mix_due(&mut self, now: Instant, out: &mut Outbox) {
        let Some(mix) = &mut self.mix else {
            return;
        };
        let (due, missed) = mix.clock.advance(now);
        let next = mix.clock.next;
        for handset in self.members.values_mut().filter_map(Member::handset_mut) {
            handset.skip(missed);
        }
        for left in (0..due).rev() {
            let sounds = self.sounds(now);
            self.relay(now, &sounds);
            self.speak(now, &sounds, out);
            self.record(next - FRAME_TIME * (left + 1), &sounds);
        }
        self.hand_out_recording(out);
    }

    /// Twenty milliseconds of everyone who is making a sound and may.
    fn sounds(&mut self, now: Instant) -> Vec<Sound> {
        let decoded = self.decoded();
        let mut sounds = Vec::new();
        for (key, member) in &mut self.members {
            if !member.rights.audio || !(member.is_phone() || decoded.contains(key)) {
                member.player = None;
            }
            let Some(player) = &mut member.player else {
                continue;
            };
            let mut frame = SILENT;
            let is_quiet = member.loudness.dbov() < INAUDIBLE;
            if player.pull(now, &mut frame, is_quiet) {
                if member.is_phone() {
                    member.loudness.hear(now, level::measure(&frame));
                }
                let level = member.loudness.dbov();
                member.gain.apply(&mut frame);
                let key = *key;
                sounds.push(Sound { key, level, frame });
            }
        }
        if let Some(mix) = &mut self.mix {
            mix.decoded = decoded;
        }
        sounds
    }

    /// What phones say in codecs that browsers don't know, encoded once for all of them.
    fn relay(&mut self, now: Instant, sounds: &[Sound]) {
        let has_browser = self.members.values().any(|m| m.browser().is_some());
        for sound in sounds.iter().filter(|_| has_browser) {
            let Some(member) = self.members.get_mut(&sound.key) else {
                continue;
            };
            let packet = member
                .handset_mut()
                .and_then(|handset| handset.relayed.as_mut()?.encode(now, &sound.frame));
            if let Some(packet) = packet {
                let track = TrackId {
                    endpoint: sound.key,
                    source: Source::Audio,
                };
                self.forward(track, &packet);
            }
        }
    }

    /// To each phone everyone else.
    fn speak(&mut self, now: Instant, sounds: &[Sound], out: &mut Outbox) {
        let has_phone = self.members.values().any(Member::is_phone);
        let Some(Mix { mixer, fanout, .. }) = self.mix.as_mut().filter(|_| has_phone) else {
            return;
        };
        let contributions: Vec<Contribution<'_, EndpointKey>> =
            sounds.iter().map(Sound::contribution).collect();
        mixer.mix(&contributions);
        fanout.begin();
        for handset in self.members.values_mut().filter_map(Member::handset_mut) {
            handset.listener.set_loss(handset.phone.loss_percent(now));
            // A codec that fails leaves a gap, which the phone conceals like any loss.
            let payload = fanout.payload(mixer, &mut handset.listener);
            handset.phone.speak(now, payload.unwrap_or_default(), out);
        }
    }

    /// No phone is left and nothing is recorded: no more decoding.
    pub(crate) fn end_mix_if_idle(&mut self) {
        if self.recording.is_none() && !self.members.values().any(Member::is_phone) {
            self.mix = None;
            for member in self.members.values_mut() {
                member.player = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_drift_and_does_not_make_up_for_sleep() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut clock = MixClock::new(start);
        assert_eq!(clock.advance(at(19)), (0, 0));
        assert_eq!(clock.advance(at(27)), (1, 0));
        assert_eq!(clock.next, at(40));
        assert_eq!(clock.advance(at(85)), (3, 0));
        assert_eq!(clock.next, at(100));
        assert_eq!(clock.advance(at(1_105)), (1, 50));
        assert_eq!(clock.next, at(1_120));
    }
}
