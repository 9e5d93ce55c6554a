//! How loud a track is, and who is speaking.
//!
//! Levels are in dBov, from 0 (full scale) down to -127 (silence), as RFC 6464 sends them.

use std::time::{Duration, Instant};

use crate::slots::EndpointKey;

/// Silence.
pub const SILENCE: f32 = -127.0;
/// Below this nobody is called a speaker.
const SPEECH: f32 = -50.0;
/// A challenger must be louder by this.
pub const MARGIN: f32 = 6.0;
/// ... for this long, unless nobody is speaking.
const PATIENCE: Duration = Duration::from_millis(300);
/// A speaker who is quiet for this long is none any more.
const HOLD: Duration = Duration::from_millis(1000);
/// How fast a smoothed level falls, in decibels a second: a pause for breath is no silence.
const FALL: f32 = 30.0;

/// A smoothed level: up at once, down slowly, so that pauses between words don't count.
#[derive(Debug)]
pub struct Loudness {
    level: f32,
    fallen: Option<Instant>,
}

impl Loudness {
    /// Silence.
    pub fn new() -> Self {
        Self {
            level: SILENCE,
            fallen: None,
        }
    }

    /// The level of the newest packet.
    pub fn hear(&mut self, now: Instant, level: f32) {
        let level = level.clamp(SILENCE, 0.0);
        self.fall(now);
        if level > self.level {
            // Half the way at once: a single click does not make a speaker.
            self.level += (level - self.level) * 0.5;
        }
    }

    /// Time has passed; a track that sends nothing (DTX) grows silent too.
    pub fn fall(&mut self, now: Instant) {
        if let Some(at) = self.fallen.replace(now) {
            let seconds = now.saturating_duration_since(at).as_secs_f32();
            self.level = (self.level - FALL * seconds).max(SILENCE);
        }
    }

    /// The level in dBov.
    pub fn dbov(&self) -> f32 {
        self.level
    }

    /// The level as a share of full scale.
    pub fn amplitude(&self) -> f32 {
        if self.level <= SILENCE + 1.0 {
            return 0.0;
        }
        10_f32.powf(self.level / 20.0)
    }
}

impl Default for Loudness {
    fn default() -> Self {
        Self::new()
    }
}

/// Who is the active speaker.
#[derive(Debug, Default)]
pub struct Speaker {
    current: Option<EndpointKey>,
    last_loud: Option<Instant>,
    challenger: Option<(EndpointKey, Instant)>,
}

impl Speaker {
    /// The one who is speaking.
    pub fn current(&self) -> Option<EndpointKey> {
        self.current
    }

    /// Look at everyone's level. Whether the speaker has changed.
    pub fn observe(&mut self, now: Instant, levels: &[(EndpointKey, f32)]) -> bool {
        let before = self.current;
        let mine = self
            .current
            .and_then(|key| levels.iter().find(|(other, _)| *other == key))
            .map(|(_, level)| *level);
        match mine {
            None => self.current = None,
            Some(level) if level >= SPEECH => self.last_loud = Some(now),
            Some(_) if self.last_loud.is_none_or(|at| now >= at + HOLD) => self.current = None,
            Some(_) => {}
        }
        self.challenge(now, mine.unwrap_or(SILENCE), levels);
        before != self.current
    }

    fn challenge(&mut self, now: Instant, mine: f32, levels: &[(EndpointKey, f32)]) {
        let loudest = levels
            .iter()
            .filter(|(key, level)| Some(*key) != self.current && *level >= SPEECH)
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((key, _)) = loudest.filter(|(_, level)| *level > mine + MARGIN) else {
            self.challenger = None;
            return;
        };
        let since = match self.challenger {
            Some((same, since)) if same == *key => since,
            _ => now,
        };
        if self.current.is_none() || now >= since + PATIENCE {
            self.current = Some(*key);
            self.last_loud = Some(now);
            self.challenger = None;
        } else {
            self.challenger = Some((*key, since));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: EndpointKey = EndpointKey(1);
    const B: EndpointKey = EndpointKey(2);

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn loudness_rises_at_once_and_falls_slowly() {
        let start = Instant::now();
        let mut loudness = Loudness::new();
        for n in 0..10 {
            loudness.hear(at(start, n * 20), -20.0);
        }
        assert!(loudness.dbov() > -22.0);
        loudness.hear(at(start, 380), SILENCE);
        assert!(loudness.dbov() > -28.0, "a pause for breath");
        loudness.fall(at(start, 4_500));
        assert_eq!(loudness.amplitude(), 0.0);
    }

    #[test]
    fn a_brief_noise_does_not_take_the_floor() {
        let start = Instant::now();
        let mut speaker = Speaker::default();
        assert!(speaker.observe(start, &[(A, -30.0), (B, -90.0)]));
        assert_eq!(speaker.current(), Some(A));
        assert!(!speaker.observe(at(start, 100), &[(A, -30.0), (B, -10.0)]));
        assert!(!speaker.observe(at(start, 200), &[(A, -30.0), (B, -90.0)]));
        assert!(!speaker.observe(at(start, 300), &[(A, -30.0), (B, -10.0)]));
        assert!(!speaker.observe(at(start, 500), &[(A, -30.0), (B, -10.0)]));
        assert!(speaker.observe(at(start, 600), &[(A, -30.0), (B, -10.0)]));
        assert_eq!(speaker.current(), Some(B));
    }

    #[test]
    fn silence_has_no_speaker() {
        let start = Instant::now();
        let mut speaker = Speaker::default();
        assert!(!speaker.observe(start, &[(A, -60.0)]));
        assert!(speaker.observe(start, &[(A, -20.0)]));
        assert!(!speaker.observe(at(start, 900), &[(A, -100.0)]));
        assert!(speaker.observe(at(start, 1000), &[(A, -100.0)]));
        assert_eq!(speaker.current(), None);
        assert!(speaker.observe(at(start, 1600), &[(A, -20.0)]));
        assert!(
            speaker.observe(at(start, 1700), &[]),
            "who leaves speaks no more"
        );
    }
}
