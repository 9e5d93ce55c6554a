//! Sound that one phone alone hears: prompts, tones, music while it waits.

use std::sync::Arc;

use crate::pcm::Frame;

/// The rest of the room while a prompt plays: 12 dB down.
const BACKGROUND: f32 = 0.25;

/// A sound on its way to one phone.
#[derive(Debug, Clone)]
pub struct Prompt {
    samples: Arc<[f32]>,
    position: usize,
    repeats: bool,
}

impl Prompt {
    /// A sound of the mix's rate, once or again and again. `None` if it is empty.
    #[must_use]
    pub fn new(samples: Arc<[f32]>, repeats: bool) -> Option<Self> {
        (!samples.is_empty()).then_some(Self {
            samples,
            position: 0,
            repeats,
        })
    }

    /// Lay the next 20 ms over what the phone hears anyway. Whether there is more to come.
    pub fn lay_over(&mut self, frame: &mut Frame) -> bool {
        for sample in frame.iter_mut() {
            if self.position == self.samples.len() {
                if !self.repeats {
                    return false;
                }
                self.position = 0;
            }
            *sample = *sample * BACKGROUND + self.samples[self.position];
            self.position += 1;
        }
        self.repeats || self.position < self.samples.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcm::{FRAME, SILENT};

    #[test]
    fn it_ends_where_it_ends_and_the_rest_is_the_rooms() {
        let mut prompt = Prompt::new(vec![0.5; FRAME + 1].into(), false).unwrap();
        let mut frame = [0.4; FRAME];
        assert!(prompt.lay_over(&mut frame));
        assert_eq!(frame, [0.6; FRAME]);
        let mut frame = [0.4; FRAME];
        assert!(!prompt.lay_over(&mut frame));
        assert_eq!(frame[..2], [0.6, 0.4]);
    }

    #[test]
    fn music_goes_round() {
        let mut music = Prompt::new(vec![0.1, 0.2, 0.3].into(), true).unwrap();
        let mut frame = SILENT;
        for _ in 0..3 {
            assert!(music.lay_over(&mut frame));
        }
    }

    #[test]
    fn nothing_is_no_prompt() {
        assert!(Prompt::new(Vec::new().into(), true).is_none());
    }
}
