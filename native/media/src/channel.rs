//! The messages of the data channel "room": what is in which slot, and who is speaking.

use std::fmt::Write as _;

use crate::events::Source;

/// The label of the one data channel that the room writes to.
pub const LABEL: &str = "room";

/// The whole slot map: each slot's mid with the endpoint and source in it, and whether the room sends
/// nothing of it for want of bandwidth.
pub fn slots_message<'a>(
    slots: impl Iterator<Item = (&'a str, Option<(&'a str, Source, bool)>)>,
) -> String {
    let mut json = String::from(r#"{"type":"slots","slots":{"#);
    for (index, (mid, track)) in slots.enumerate() {
        if index > 0 {
            json.push(',');
        }
        string(&mut json, mid);
        json.push(':');
        match track {
            None => json.push_str("null"),
            Some((endpoint, source, paused)) => {
                json.push_str(r#"{"endpoint":"#);
                string(&mut json, endpoint);
                json.push_str(r#","source":"#);
                string(&mut json, source.name());
                if paused {
                    json.push_str(r#","paused":true"#);
                }
                json.push('}');
            }
        }
    }
    json.push_str("}}");
    json
}

/// The active speaker.
pub fn speaker_message(endpoint: Option<&str>) -> String {
    let mut json = String::from(r#"{"type":"speaker","endpoint":"#);
    match endpoint {
        None => json.push_str("null"),
        Some(endpoint) => string(&mut json, endpoint),
    }
    json.push('}');
    json
}

/// A JSON string (RFC 8259 section 7).
fn string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if u32::from(c) < 0x20 => {
                // Writing to a String can't fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_agreed() {
        let slots = [
            ("4", Some(("e\"1", Source::Camera, false))),
            ("5", None),
            ("6", Some(("e", Source::Camera, true))),
        ];
        assert_eq!(
            slots_message(slots.into_iter()),
            r#"{"type":"slots","slots":{"4":{"endpoint":"e\"1","source":"camera"},"5":null,"6":{"endpoint":"e","source":"camera","paused":true}}}"#
        );
        assert_eq!(
            speaker_message(Some("a\n\\")),
            r#"{"type":"speaker","endpoint":"a\u000a\\"}"#
        );
        assert_eq!(
            speaker_message(None),
            r#"{"type":"speaker","endpoint":null}"#
        );
    }
}
