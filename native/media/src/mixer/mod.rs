//! The mix: the loudest few of a room, and for each of them the same without itself.
//!
//! Every 20 ms the room hands in who has sound, and how loud each one is. [`Mixer::mix`] picks the
//! voices; [`Mixer::common`] is what everyone else hears, [`Mixer::without`] what a voice hears.
//! How that is encoded, once for all where it can be, is in `fanout.rs`.

mod comfort;
mod fanout;
mod limiter;

pub use fanout::{Fanout, Listener};

use crate::pcm::{Frame, SILENT};
use limiter::limit;

/// Voices heard at once; more are babble.
pub const MAX_VOICES: usize = 6;
/// A challenger must be louder than a voice by this many decibels to take its place.
const HYSTERESIS: f32 = 6.0;
/// Quieter sources are not mixed, in dBov: below it is no speech but rooms that hum, each of which would
/// cost an encoding of its own. One that is in the mix leaves it at [`HYSTERESIS`] less.
const FLOOR: f32 = -60.0;
/// Whoever is quieter than this, in dBov, is in no mix.
pub const INAUDIBLE: f32 = FLOOR - HYSTERESIS;

/// One source's sound of this tick.
#[derive(Debug, Clone, Copy)]
pub struct Contribution<'a, K> {
    /// Whose it is.
    pub source: K,
    /// Its smoothed level in dBov.
    pub level: f32,
    /// Its sound.
    pub frame: &'a Frame,
}

/// A source that is in the mix, with its sound as mixed: faded in or out where it comes or goes.
#[derive(Debug)]
struct Voice<K> {
    source: K,
    fading: Fading,
    frame: Frame,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fading {
    In,
    Steady,
    Out,
}

impl Fading {
    fn apply(self, frame: &mut Frame) {
        if self == Self::Steady {
            return;
        }
        let length = frame.len() as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            let share = n as f32 / length;
            *sample *= if self == Self::In { share } else { 1.0 - share };
        }
    }
}

/// The mixer of one room. `K` names a source.
#[derive(Debug)]
pub struct Mixer<K> {
    voices: Vec<Voice<K>>,
    common: Box<Frame>,
    /// Reused from tick to tick: index of a contribution and the level it competes with.
    ranking: Vec<(usize, f32)>,
}

impl<K: Copy + Eq> Mixer<K> {
    /// A mixer that has heard nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            voices: Vec::new(),
            common: Box::new(SILENT),
            ranking: Vec::new(),
        }
    }

    /// Mix one tick. Each source contributes at most once; who has no sound is left out.
    pub fn mix(&mut self, contributions: &[Contribution<'_, K>]) {
        self.rank(contributions);
        let before: Vec<(K, Fading)> = self
            .voices
            .iter()
            .map(|voice| (voice.source, voice.fading))
            .collect();
        let was_in = |source: K| {
            before
                .iter()
                .any(|(known, fading)| *known == source && *fading != Fading::Out)
        };
        self.voices.clear();
        for (rank, (index, score)) in self.ranking.iter().enumerate() {
            let Some(contribution) = contributions.get(*index) else {
                continue;
            };
            let is_heard = rank < MAX_VOICES && *score >= FLOOR;
            let fading = match (was_in(contribution.source), is_heard) {
                (true, true) => Fading::Steady,
                (false, true) => Fading::In,
                (true, false) => Fading::Out,
                (false, false) => continue,
            };
            let mut frame = *contribution.frame;
            fading.apply(&mut frame);
            self.voices.push(Voice {
                source: contribution.source,
                fading,
                frame,
            });
        }
        sum(&self.voices, |_| true, &mut self.common);
    }

    /// Order the audible contributions, loudest first, those already in the mix with a bonus.
    fn rank(&mut self, contributions: &[Contribution<'_, K>]) {
        self.ranking.clear();
        for (index, contribution) in contributions.iter().enumerate() {
            let is_in = self.is_steady(contribution.source);
            if contribution.level >= FLOOR || is_in {
                let bonus = if is_in { HYSTERESIS } else { 0.0 };
                self.ranking.push((index, contribution.level + bonus));
            }
        }
        self.ranking
            .sort_by(|(_, left), (_, right)| right.total_cmp(left));
    }

    fn is_steady(&self, source: K) -> bool {
        self.voices
            .iter()
            .any(|voice| voice.source == source && voice.fading != Fading::Out)
    }

    /// What everyone hears who is not in the mix.
    #[must_use]
    pub fn common(&self) -> &Frame {
        &self.common
    }

    /// Whether a source is heard in this tick's mix.
    #[must_use]
    pub fn contains(&self, source: K) -> bool {
        self.voices.iter().any(|voice| voice.source == source)
    }

    /// What `listener` hears: every voice but its own. The others are added up afresh, so that
    /// nothing of its own sound is left, not even a rounding error.
    pub fn without(&self, listener: K, out: &mut Frame) {
        if self.contains(listener) {
            sum(&self.voices, |source| source != listener, out);
        } else {
            *out = *self.common;
        }
    }

    /// Whether `listener` hears nobody.
    #[must_use]
    pub fn is_silent_for(&self, listener: K) -> bool {
        !self.voices.iter().any(|voice| voice.source != listener)
    }

    /// Who is heard, loudest first.
    pub fn voices(&self) -> impl Iterator<Item = K> + '_ {
        self.voices.iter().map(|voice| voice.source)
    }
}

impl<K: Copy + Eq> Default for Mixer<K> {
    fn default() -> Self {
        Self::new()
    }
}

fn sum<K: Copy>(voices: &[Voice<K>], wanted: impl Fn(K) -> bool, out: &mut Frame) {
    *out = SILENT;
    for voice in voices.iter().filter(|voice| wanted(voice.source)) {
        for (total, sample) in out.iter_mut().zip(&voice.frame) {
            *total += sample;
        }
    }
    for sample in out.iter_mut() {
        *sample = limit(*sample);
    }
}

#[cfg(test)]
mod tests;
