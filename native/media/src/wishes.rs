//! What a browser may tell over the data channel: how large it shows each video slot.
//!
//! `{"type":"want","heights":{"4":180,"5":0}}`: pixels by mid, 0 for a slot that is not shown. The whole
//! map is told each time. Anything else is refused as a whole and changes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::offer::MAX_VIDEO_SLOTS;

/// Longest message: 26 slots with mids of 16 characters take under 700 bytes.
pub const MAX_MESSAGE: usize = 1_024;
/// Messages at once, and how soon another one is allowed after them.
const BURST: u32 = 20;
const REFILL: Duration = Duration::from_millis(200);
/// The tallest picture there is, 8K.
const MAX_HEIGHT: u16 = 4_320;

#[derive(Debug, Deserialize)]
enum Kind {
    #[serde(rename = "want")]
    Want,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Want {
    #[serde(rename = "type")]
    _kind: Kind,
    heights: BTreeMap<String, u16>,
}

/// Heights by mid, if the message is one; `is_slot` says whether a mid is that of a video slot.
pub fn read(message: &[u8], is_slot: impl Fn(&str) -> bool) -> Option<BTreeMap<String, u16>> {
    if message.len() > MAX_MESSAGE {
        return None;
    }
    let want: Want = serde_json::from_slice(message).ok()?;
    let heights = want.heights;
    let good = heights.len() <= MAX_VIDEO_SLOTS + 1
        && heights
            .iter()
            .all(|(mid, height)| *height <= MAX_HEIGHT && is_slot(mid));
    good.then_some(heights)
}

/// How often a browser may say something.
#[derive(Debug)]
pub struct Patience {
    left: u32,
    since: Instant,
}

impl Patience {
    /// Full.
    pub fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            since: now,
        }
    }

    /// Whether one more message is heard.
    pub fn bears(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.since).as_millis() / REFILL.as_millis();
        let earned = u32::try_from(earned).unwrap_or(BURST);
        self.since += REFILL * earned;
        self.left = self.left.saturating_add(earned).min(BURST);
        let bears = self.left > 0;
        self.left = self.left.saturating_sub(1);
        bears
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_slot(mid: &str) -> bool {
        matches!(mid, "4" | "5")
    }

    #[test]
    fn heights_are_read() {
        let read = read(br#"{"type":"want","heights":{"4":180,"5":0}}"#, is_slot).unwrap();
        assert_eq!(read, BTreeMap::from([("4".into(), 180), ("5".into(), 0)]));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!(
            r#"{{"type":"want","heights":{{}}}}{}"#,
            " ".repeat(MAX_MESSAGE)
        );
        let deep = "[".repeat(900);
        for bad in [
            "",
            "{}",
            "null",
            "[]",
            r#"{"type":"want"}"#,
            r#"{"heights":{}}"#,
            r#"{"type":"slots","heights":{}}"#,
            r#"{"type":"want","heights":{"9":180}}"#,
            r#"{"type":"want","heights":{"4":-1}}"#,
            r#"{"type":"want","heights":{"4":1.5}}"#,
            r#"{"type":"want","heights":{"4":4321}}"#,
            r#"{"type":"want","heights":{"4":[[]]}}"#,
            r#"{"type":"want","heights":{},"more":1}"#,
            &long,
            &deep,
        ] {
            assert_eq!(read(bad.as_bytes(), is_slot), None, "{bad}");
        }
    }

    #[test]
    fn too_many_are_not_heard_until_time_has_passed() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert_eq!((0..100).filter(|_| patience.bears(start)).count(), 20);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| patience.bears(later)).count(), 5);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let heights = read(&bytes, is_slot);
            prop_assert!(heights.is_none_or(|h| h.keys().all(|mid| is_slot(mid))));
        }

        #[test]
        fn what_is_within_the_limits_is_read(four in 0_u16..=MAX_HEIGHT, five in 0_u16..=MAX_HEIGHT) {
            let message = format!(r#"{{"type":"want","heights":{{"4":{four},"5":{five}}}}}"#);
            prop_assert_eq!(read(message.as_bytes(), is_slot).unwrap()["4"], four);
        }
    }
}
