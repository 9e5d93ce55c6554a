//! Simulcast (RFC 8853): the layers a camera is sent in, and which unknown packet may be of which.

use str0m::media::Rid;

use crate::allotment::MAX_LAYERS;
use crate::rtp::Extension;

/// Longest rid that the core carries unchanged.
const MAX_RID: usize = 8;
/// Header extensions that name a layer (RFC 8852 section 3.1 and 3.2).
const STREAM_ID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_ID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

/// What an offer says of its camera's layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simulcast {
    /// The names of the layers, the smallest picture first; none without simulcast.
    pub rids: Vec<Rid>,
    /// The header extension that names a packet's layer.
    pub stream_id: u8,
    /// The same for repair packets; 0 if there is none.
    pub repaired_id: u8,
}

impl Simulcast {
    /// Read the attributes of the camera's m-line. `None`: not as a room understands it.
    pub fn of<'a>(attributes: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut simulcast = Self::default();
        let mut seen = false;
        for attribute in attributes {
            if let Some(value) = attribute.strip_prefix("simulcast:") {
                // One attribute at most (RFC 8853 section 5.1).
                if std::mem::replace(&mut seen, true) {
                    return None;
                }
                simulcast.rids = layers(value)?;
            } else if let Some(value) = attribute.strip_prefix("extmap:") {
                simulcast.learn_extension(value);
            }
        }
        // Without its extension nobody can tell the layers apart.
        (simulcast.rids.is_empty() || simulcast.stream_id != 0).then_some(simulcast)
    }

    fn learn_extension(&mut self, value: &str) {
        let mut words = value.trim().split(' ');
        let id = words
            .next()
            .and_then(|id| id.split('/').next()?.parse().ok());
        match (id, words.next()) {
            (Some(id), Some(STREAM_ID)) => self.stream_id = id,
            (Some(id), Some(REPAIRED_ID)) => self.repaired_id = id,
            _ => {}
        }
    }

    /// The layer of that name.
    pub fn layer(&self, rid: &[u8]) -> Option<usize> {
        self.rids.iter().position(|known| known.as_bytes() == rid)
    }

    /// The layer that a packet's header says it is of, and whether it is a repair.
    pub fn named(&self, extension: Option<Extension<'_>>) -> Option<(usize, bool)> {
        let extension = extension?;
        let name = |id: u8| (id != 0).then(|| extension.element(id)).flatten();
        let main = name(self.stream_id).map(|rid| (rid, false));
        let (rid, repair) = main.or_else(|| name(self.repaired_id).map(|rid| (rid, true)))?;
        Some((self.layer(rid)?, repair))
    }
}

/// The layers of `send q;h;f`; alternatives and paused layers are not served.
fn layers(value: &str) -> Option<Vec<Rid>> {
    let (direction, list) = value.trim().split_once(' ')?;
    let mut rids: Vec<Rid> = Vec::new();
    for name in list.trim().split(';') {
        let plain = !name.is_empty()
            && name.len() <= MAX_RID
            && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let rid = Rid::from(name);
        if !plain || rids.contains(&rid) {
            return None;
        }
        rids.push(rid);
    }
    (direction == "send" && rids.len() <= MAX_LAYERS).then_some(rids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(attributes: &[&str]) -> Option<Simulcast> {
        Simulcast::of(attributes.iter().copied())
    }

    const EXTENSION: &str = "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

    #[test]
    fn layers_are_read_from_the_smallest() {
        let simulcast = read(&[EXTENSION, "simulcast:send q;h;f"]).unwrap();
        assert_eq!(simulcast.stream_id, 10);
        assert_eq!(simulcast.layer(b"q"), Some(0));
        assert_eq!(simulcast.layer(b"f"), Some(2));
        assert_eq!(simulcast.layer(b"x"), None);
        assert_eq!(read(&[]).unwrap(), Simulcast::default());
    }

    #[test]
    fn what_a_room_does_not_serve_is_refused() {
        for bad in [
            "simulcast:send a;b;c;d",
            "simulcast:recv a;b",
            "simulcast:send a,b;c",
            "simulcast:send a;~b",
            "simulcast:send a;a",
            "simulcast:send",
            "simulcast:send 123456789",
            "simulcast:send a;b recv c",
        ] {
            assert_eq!(read(&[EXTENSION, bad]), None, "{bad}");
        }
        assert_eq!(read(&["simulcast:send q;h;f"]), None, "no extension");
        let twice = [EXTENSION, "simulcast:send q", "simulcast:send h"];
        assert_eq!(read(&twice), None);
    }

    proptest! {
        #[test]
        fn any_attributes_are_read(attributes in prop::collection::vec("(simulcast:|extmap:)?.{0,40}", 0..8)) {
            let read = Simulcast::of(attributes.iter().map(String::as_str));
            prop_assert!(read.is_none_or(|s| s.rids.len() <= MAX_LAYERS));
        }
    }
}
