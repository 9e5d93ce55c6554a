//! What one browser shows and how much it can take: its wishes and its bandwidth.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::wishes::{self, Patience};

/// Lines wanted of each picture by a browser that hasn't said, by how many it is shown.
const DEFAULT_HEIGHTS: [(usize, u16); 2] = [(1, 720), (4, 360)];
const SMALL: u16 = 180;
/// An estimate within this share of the last one changes nothing at once; ticks will see it.
const STEP: u64 = 10;

/// See the module.
#[derive(Debug)]
pub struct Layout {
    heights: Option<BTreeMap<String, u16>>,
    patience: Patience,
    estimate: Option<u64>,
    acted_on: u64,
    sought: (u64, u64),
}

impl Layout {
    /// Nothing known yet.
    pub fn new(now: Instant) -> Self {
        Self {
            heights: None,
            patience: Patience::new(now),
            estimate: None,
            acted_on: 0,
            sought: (0, 0),
        }
    }

    /// A message of the data channel. False: it was none, or one too many.
    pub fn hear(&mut self, now: Instant, message: &[u8], is_slot: impl Fn(&str) -> bool) -> bool {
        if !self.patience.bears(now) {
            return false;
        }
        let heights = wishes::read(message, is_slot);
        let understood = heights.is_some();
        if understood {
            self.heights = heights;
        }
        understood
    }

    /// Bandwidth to the browser in bits per second. Whether that is news.
    pub fn learn_estimate(&mut self, estimate: u64) -> bool {
        self.estimate = Some(estimate);
        let news = self.acted_on.abs_diff(estimate) > self.acted_on / STEP;
        if news {
            self.acted_on = estimate;
        }
        news
    }

    /// Bits per second that may be sent; `None`: unknown, for the browser doesn't report arrivals.
    pub fn estimate(&self) -> Option<u64> {
        self.estimate
    }

    /// Lines wanted in a slot, 0 if it isn't shown; `shown` is how many pictures there are.
    pub fn height(&self, mid: &str, shown: usize) -> u16 {
        match &self.heights {
            // A slot that it has not spoken of was empty when it spoke.
            Some(heights) => heights.get(mid).copied().unwrap_or(SMALL),
            None => {
                let mut sizes = DEFAULT_HEIGHTS.iter();
                sizes
                    .find(|(most, _)| shown <= *most)
                    .map_or(SMALL, |(_, height)| *height)
            }
        }
    }

    /// Whether that is news: bits per second to sustain and to find.
    pub fn seeks(&mut self, sustained: u64, desired: u64) -> bool {
        let far = |before: u64, now: u64| before.abs_diff(now) > before / STEP;
        let news = far(self.sought.0, sustained) || far(self.sought.1, desired);
        if news {
            self.sought = (sustained, desired);
        }
        news
    }
}
