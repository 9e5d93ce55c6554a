//! From a stream's packets to its sound: jitter buffer, decoder and concealment in one.

use std::time::{Duration, Instant};

use crate::codec::{Codec, CodecFailed, Decoder};
use crate::jitter::{Arrival, Due, JitterBuffer, JitterCounters};
use crate::pcm::{FRAME, Frame, MIX_RATE, SILENT};

/// The player of one incoming stream. Packets are pushed when they come; every 20 ms one frame is
/// pulled.
#[derive(Debug)]
pub struct Playout {
    /// Samples of the mix to one tick of the timestamp.
    samples_per_tick: usize,
    jitter: JitterBuffer,
    decoder: Decoder,
    /// Decoded sound that has not been pulled yet.
    ready: Vec<f32>,
    /// A packet's sound that is to be folded into the next one's.
    surplus: Vec<f32>,
}

impl Playout {
    /// A player for a stream in that codec.
    ///
    /// # Errors
    /// [`CodecFailed`] if the decoder can't be set up.
    pub fn new(codec: Codec) -> Result<Self, CodecFailed> {
        Ok(Self {
            samples_per_tick: (MIX_RATE / codec.clock_rate()) as usize,
            jitter: JitterBuffer::new(codec.clock_rate()),
            decoder: Decoder::new(codec)?,
            ready: Vec::new(),
            surplus: Vec::new(),
        })
    }

    /// A packet of the stream's codec has come; it must be authentic. Telephone events and comfort
    /// noise don't belong here.
    pub fn push(&mut self, now: Instant, sequence: u16, timestamp: u32, payload: &[u8]) {
        let ticks = self.decoder.ticks(payload);
        self.jitter.push(
            now,
            Arrival {
                sequence,
                timestamp,
                ticks,
                payload,
            },
        );
    }

    /// The next 20 ms. Whether there is anything to hear: if not, `frame` is silence.
    pub fn pull(&mut self, now: Instant, frame: &mut Frame) -> bool {
        while self.ready.len() < FRAME {
            if !self.fill(now) {
                break;
            }
        }
        if self.ready.is_empty() {
            *frame = SILENT;
            return false;
        }
        let count = self.ready.len().min(FRAME);
        frame[..count].copy_from_slice(&self.ready[..count]);
        frame[count..].fill(0.0);
        self.ready.drain(..count);
        true
    }

    /// Make more sound ready. Whether there is any more to come.
    fn fill(&mut self, now: Instant) -> bool {
        let per_tick = self.samples_per_tick;
        match self.jitter.pop(now) {
            Due::Paused => return false,
            Due::Dry { ticks } => {
                self.decoder
                    .conceal(&[], ticks as usize * per_tick, &mut self.ready)
            }
            Due::Lost { next, ticks } => {
                self.decoder
                    .conceal(next, ticks as usize * per_tick, &mut self.ready);
            }
            Due::Packet {
                payload,
                ticks,
                surplus,
            } => {
                let start = self.ready.len();
                if self.decoder.decode(payload, &mut self.ready).is_err() {
                    self.decoder
                        .conceal(&[], ticks as usize * per_tick, &mut self.ready);
                }
                if !self.surplus.is_empty() {
                    fold(&mut self.surplus, &mut self.ready, start);
                }
                if surplus {
                    self.surplus.extend(self.ready.drain(start..));
                }
            }
        }
        true
    }

    /// How long the jitter buffer holds packets at the moment.
    #[must_use]
    pub fn depth(&self) -> Duration {
        self.jitter.depth()
    }

    /// What has happened to packets so far.
    #[must_use]
    pub const fn counters(&self) -> JitterCounters {
        self.jitter.counters()
    }
}

/// Fold `earlier` into what begins at `start` of `ready`: the one fades out as the other fades in,
/// so that two packets take the time of one and both ends stay continuous.
fn fold(earlier: &mut Vec<f32>, ready: &mut [f32], start: usize) {
    let later = &mut ready[start..];
    let length = earlier.len().min(later.len());
    for (n, (old, new)) in earlier.iter().zip(later.iter_mut()).enumerate() {
        let share = n as f32 / length as f32;
        *new = old * (1.0 - share) + *new * share;
    }
    earlier.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoder;
    use crate::level::measure;
    use crate::pcm::signals::{correlation, tone};

    struct Phone {
        codec: Codec,
        encoder: Encoder,
        playout: Playout,
        start: Instant,
        sent: u16,
        sound: Vec<f32>,
        heard: Vec<f32>,
    }

    impl Phone {
        fn new(codec: Codec) -> Self {
            Self {
                codec,
                encoder: Encoder::new(codec).unwrap(),
                playout: Playout::new(codec).unwrap(),
                start: Instant::now(),
                sent: 0,
                sound: tone(300.0, 400 * FRAME),
                heard: Vec::new(),
            }
        }

        /// Send the next frame at that tick of 20 ms, or lose it.
        fn send(&mut self, tick: u32, arrives: bool) {
            let n = usize::from(self.sent);
            let frame = self.sound[n * FRAME..][..FRAME].try_into().unwrap();
            let mut payload = Vec::new();
            self.encoder.encode(frame, &mut payload).unwrap();
            if arrives {
                let timestamp = u32::from(self.sent) * self.codec.frame_ticks();
                let now = self.start + Duration::from_millis(20) * tick;
                self.playout.push(now, self.sent, timestamp, &payload);
            }
            self.sent += 1;
        }

        fn pull(&mut self, tick: u32) -> bool {
            let mut frame = SILENT;
            let now = self.start + Duration::from_millis(20) * tick;
            let audible = self.playout.pull(now, &mut frame);
            self.heard.extend(frame);
            audible
        }
    }

    #[test]
    fn every_codec_plays_through() {
        for codec in Codec::ALL {
            let mut phone = Phone::new(codec);
            for tick in 0..50 {
                phone.send(tick, true);
                phone.pull(tick);
            }
            let likeness = correlation(&phone.sound[..48_000], &phone.heard, 6_000);
            assert!(likeness > 0.9, "{codec:?}: {likeness}");
        }
    }

    #[test]
    fn losses_are_concealed() {
        for codec in Codec::ALL {
            let mut phone = Phone::new(codec);
            for tick in 0..100 {
                phone.send(tick, tick % 20 != 10);
                phone.pull(tick);
            }
            assert_eq!(phone.playout.counters().lost, 5, "{codec:?}");
            let heard = &phone.heard[10 * FRAME..];
            for frame in heard.chunks(FRAME) {
                assert!(measure(frame) > -25.0, "{codec:?}: a hole");
            }
        }
    }

    #[test]
    fn a_stream_that_ends_becomes_silence() {
        let mut phone = Phone::new(Codec::Pcma);
        for tick in 0..20 {
            phone.send(tick, true);
            phone.pull(tick);
        }
        let audible: Vec<_> = (20..40).map(|tick| phone.pull(tick)).collect();
        assert!(audible[0] && !audible[19]);
        assert_eq!(phone.heard[39 * FRAME..], SILENT);
    }

    #[test]
    fn a_burst_is_caught_up_with_without_leaps() {
        let mut phone = Phone::new(Codec::Pcmu);
        for _ in 0..15 {
            phone.send(0, true);
        }
        for tick in 1..300 {
            phone.send(tick, true);
            phone.pull(tick);
        }
        assert!(phone.playout.counters().surplus >= 3);
        let leap = phone.heard[FRAME..]
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        assert!(leap < 0.06, "{leap}");
    }

    #[test]
    fn payloads_that_are_no_sound_are_concealed() {
        let mut playout = Playout::new(Codec::Opus).unwrap();
        let start = Instant::now();
        for n in 0..100u16 {
            let now = start + Duration::from_millis(20) * u32::from(n);
            playout.push(now, n, u32::from(n) * 960, &[0xFF, 0x3F, 1, 2, 3]);
            playout.pull(now, &mut SILENT.clone());
        }
        assert_eq!(playout.counters().unfit, 100);
    }
}
