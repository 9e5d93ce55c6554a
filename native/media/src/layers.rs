//! What a sender's track consists of: one layer, or several of the same picture in different sizes.

use std::time::{Duration, Instant};

use str0m::rtp::Vp8Descriptor;

use crate::allotment::{FEWER_FRAMES, MAX_LAYERS, STEPS};
use crate::outgoing::Forwarded;

/// A sender is asked for a keyframe of a layer at most this often.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// Bit rates are averaged over about two of these.
const MEASURED_OVER: Duration = Duration::from_millis(500);
/// A layer that its encoder has stopped sending is not to be had.
const LAYER_LIMIT: Duration = Duration::from_millis(1_500);
/// What a layer is taken for before it has been measured: bits per second and lines.
const NOMINAL_RATES: [u64; MAX_LAYERS] = [150_000, 400_000, 1_000_000];
const NOMINAL_HEIGHTS: [u16; MAX_LAYERS] = [180, 360, 720];
/// Temporal layers that are told apart; what is above the last counts as it.
const TEMPORAL: usize = FEWER_FRAMES + 1;

/// One encoding of a track.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    last_packet: Option<Instant>,
    height: Option<u16>,
    /// Bits per second of the first temporal layer, of the first two, of all.
    rates: Option<[u64; TEMPORAL]>,
    measured_from: Option<Instant>,
    bytes: [u64; TEMPORAL],
    keyframe_asked: Option<Instant>,
    keyframe_wanted: bool,
}

impl Layer {
    fn hear(&mut self, now: Instant, packet: &Forwarded) {
        self.last_packet = Some(now);
        let temporal = usize::from(packet.temporal.layer);
        for bytes in self.bytes.iter_mut().skip(temporal.min(TEMPORAL - 1)) {
            *bytes += packet.payload.len() as u64;
        }
        if packet.starts_keyframe() {
            self.height = keyframe_height(&packet.payload).or(self.height);
        }
        let from = *self.measured_from.get_or_insert(now);
        let time = now.saturating_duration_since(from);
        if time >= MEASURED_OVER {
            let millis = (time.as_millis() as u64).max(1);
            let rates = self.bytes.map(|bytes| bytes * 8_000 / millis);
            let before = self.rates.unwrap_or(rates);
            self.rates = Some(std::array::from_fn(|i| (before[i] + rates[i]) / 2));
            self.measured_from = Some(now);
            self.bytes = [0; TEMPORAL];
        }
    }

    /// Bits per second with fewer frames, where that is less by what is worth it.
    fn fewer_frames(&self) -> [Option<u64>; FEWER_FRAMES] {
        let Some([first, second, all]) = self.rates else {
            return [None; FEWER_FRAMES];
        };
        let is_less = |rate: u64, than: u64| rate > 0 && rate <= than / 10 * 9;
        [
            is_less(first, all).then_some(first),
            (is_less(second, all) && is_less(first, second)).then_some(second),
        ]
    }

    fn is_live(&self, now: Instant) -> bool {
        self.last_packet.is_some_and(|at| now <= at + LAYER_LIMIT)
    }

    /// Whether the sender may be asked for a keyframe now; if not, it will be asked later.
    pub(crate) fn ask_keyframe(&mut self, now: Instant) -> bool {
        let may = self
            .keyframe_asked
            .is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        self.keyframe_wanted = !may;
        if may {
            self.keyframe_asked = Some(now);
        }
        may
    }

    /// Whether an earlier wish is still open.
    pub(crate) fn wants_keyframe(&self) -> bool {
        self.keyframe_wanted
    }
}

/// All layers of one track.
#[derive(Debug, Default)]
pub(crate) struct Layers([Layer; MAX_LAYERS]);

impl Layers {
    pub(crate) fn hear(&mut self, now: Instant, packet: &Forwarded) {
        if let Some(layer) = self.0.get_mut(usize::from(packet.layer)) {
            layer.hear(now, packet);
        }
    }

    pub(crate) fn get_mut(&mut self, layer: u8) -> Option<&mut Layer> {
        self.0.get_mut(usize::from(layer))
    }

    /// Layers of which a keyframe is still to be asked.
    pub(crate) fn wanting(&self) -> impl Iterator<Item = u8> {
        (0..)
            .zip(&self.0)
            .filter_map(|(index, layer)| layer.wants_keyframe().then_some(index))
    }

    /// Bits per second of each step that is to be had: of the smallest layer that is being sent with fewer
    /// frames, and of each layer whole.
    pub(crate) fn rates(&self, now: Instant) -> [Option<u64>; STEPS] {
        let whole = self.each(now, |index, layer| {
            layer.rates.map_or(NOMINAL_RATES[index], |[.., all]| all)
        });
        let smallest = self.0.iter().find(|layer| layer.is_live(now));
        let fewer = smallest.map_or([None; FEWER_FRAMES], Layer::fewer_frames);
        let mut steps = [None; STEPS];
        steps[..FEWER_FRAMES].copy_from_slice(&fewer);
        steps[FEWER_FRAMES..].copy_from_slice(&whole);
        steps
    }

    /// Lines of each layer that is being sent.
    pub(crate) fn heights(&self, now: Instant) -> [Option<u16>; MAX_LAYERS] {
        self.each(now, |index, layer| {
            layer.height.unwrap_or(NOMINAL_HEIGHTS[index])
        })
    }

    fn each<T>(&self, now: Instant, of: impl Fn(usize, &Layer) -> T) -> [Option<T>; MAX_LAYERS] {
        std::array::from_fn(|index| {
            let layer = &self.0[index];
            layer.is_live(now).then(|| of(index, layer))
        })
    }
}

/// The height in the frame header of a packet that starts a keyframe (RFC 6386 section 9.1).
fn keyframe_height(payload: &[u8]) -> Option<u16> {
    Vp8Descriptor::parse(payload).ok()?;
    let body = payload.get(descriptor_octets(payload)?..)?;
    keyframe_size(body).map(|(_, height)| height)
}

/// Width and height in a keyframe's head (RFC 6386 section 9.1).
pub(crate) fn keyframe_size(frame: &[u8]) -> Option<(u16, u16)> {
    let (sides, _) = frame
        .get(3..)?
        .strip_prefix(&[0x9d, 0x01, 0x2a])?
        .split_first_chunk::<4>()?;
    // The two topmost bits say how to scale.
    let side = |low, high| u16::from_le_bytes([low, high]) & 0x3fff;
    Some((side(sides[0], sides[1]), side(sides[2], sides[3])))
}

/// Length of a VP8 payload descriptor (RFC 7741 section 4.2).
pub(crate) fn descriptor_octets(payload: &[u8]) -> Option<usize> {
    if payload.first()? & 0x80 == 0 {
        return Some(1);
    }
    let flags = payload.get(1)?;
    let picture = match (flags & 0x80 != 0, payload.get(2)) {
        (false, _) => 0,
        (true, Some(first)) if first & 0x80 != 0 => 2,
        (true, _) => 1,
    };
    let has_layer = usize::from(flags & 0x40 != 0);
    let has_key = usize::from(flags & 0x30 != 0);
    Some(2 + picture + has_layer + has_key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_keyframe_tells_its_height() {
        let body = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x40];
        let long = [[0x90, 0xe0, 0x80, 1, 5, 0x20].as_slice(), &body].concat();
        let short = [[0x10].as_slice(), &body].concat();
        assert_eq!(keyframe_height(&long), Some(180));
        assert_eq!(keyframe_height(&short), Some(180));
        assert_eq!(keyframe_size(&body), Some((320, 180)));
        assert_eq!(keyframe_height(&short[..9]), None);
    }

    proptest! {
        #[test]
        fn any_payload_is_read(payload in prop::collection::vec(any::<u8>(), 0..40)) {
            let height = keyframe_height(&payload);
            prop_assert!(height.is_none_or(|height| height < 0x4000));
        }
    }
}
