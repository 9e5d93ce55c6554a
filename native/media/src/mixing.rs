//! Phones in a room: what they say becomes sound, what everyone else says becomes their mix.
//!
//! Nothing of this runs in a room of browsers only: their speech is forwarded, not decoded.

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
/// Browsers whose speech is decoded for phones, the loudest: two more than the mix lets in, so that a
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

/// The mix of a room with phones.
#[derive(Debug)]
pub struct Mix {
    clock: MixClock,
    mixer: Mixer<EndpointKey>,
    fanout: Fanout,
}

impl Mix {
    /// Nobody has been heard yet.
    pub fn new(now: Instant) -> Self {
        Self {
            clock: MixClock::new(now),
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
struct Sound {
    key: EndpointKey,
    level: f32,
    frame: Frame,
}

impl Room {
    /// Speech that somebody may need as sound.
    pub(crate) fn listen(&mut self, now: Instant, key: EndpointKey, packet: &Forwarded) {
        if self.mix.is_none() || !self.is_decoded(key) {
            return;
        }
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
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

    /// Every phone is, for its level; of the browsers the loudest.
    fn is_decoded(&self, key: EndpointKey) -> bool {
        let order = self.rankings[Source::Audio as usize].order();
        let loudest = order.iter().take(MAX_DECODED);
        self.members.get(&key).is_some_and(Member::is_phone)
            || loudest.into_iter().any(|track| track.endpoint == key)
    }

    /// Make the frames that are due.
    pub(crate) fn mix_due(&mut self, now: Instant, out: &mut Outbox) {
        let Some(mix) = &mut self.mix else {
            return;
        };
        let (due, missed) = mix.clock.advance(now);
        for handset in self.members.values_mut().filter_map(Member::handset_mut) {
            handset.skip(missed);
        }
        for _ in 0..due {
            let sounds = self.sounds(now);
            self.relay(now, &sounds);
            self.speak(now, &sounds, out);
        }
    }

    /// Twenty milliseconds of everyone who is making a sound and may.
    fn sounds(&mut self, now: Instant) -> Vec<Sound> {
        let order = self.rankings[Source::Audio as usize].order();
        let mut sounds = Vec::new();
        for (key, member) in &mut self.members {
            let ranked = order.iter().take(MAX_DECODED).any(|t| t.endpoint == *key);
            if !member.rights.audio || !(member.is_phone() || ranked) {
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
        let Some(Mix { mixer, fanout, .. }) = &mut self.mix else {
            return;
        };
        let contributions: Vec<Contribution<'_, EndpointKey>> = sounds
            .iter()
            .map(|sound| Contribution {
                source: sound.key,
                level: sound.level,
                frame: &sound.frame,
            })
            .collect();
        mixer.mix(&contributions);
        fanout.begin();
        for handset in self.members.values_mut().filter_map(Member::handset_mut) {
            handset.listener.set_loss(handset.phone.loss_percent(now));
            // A codec that fails leaves a gap, which the phone conceals like any loss.
            let payload = fanout.payload(mixer, &mut handset.listener);
            handset.phone.speak(now, payload.unwrap_or_default(), out);
        }
    }

    /// The last phone has left: no more decoding.
    pub(crate) fn end_mix_without_phones(&mut self) {
        if !self.members.values().any(Member::is_phone) {
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
