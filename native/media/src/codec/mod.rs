//! The audio codecs: payloads in, sound of the mix's format out, and back.
//!
//! Decoding is bounded: no payload, however made, becomes more than 120 ms of sound.

mod conceal;
mod g711;
mod g722;
mod opus;
mod resample;

use thiserror::Error;

use crate::pcm::{FRAME, FRAME_MILLIS, Frame, MAX_PACKET, to_i16};
use conceal::Echo;
use g711::Law;
use resample::{Downsampler, Upsampler};

/// What G.711 samples at.
const G711_RATE: u32 = 8_000;

/// An audio codec, as SDP names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// G.722 at 64 kbit/s.
    G722,
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// Every codec, the one to prefer first.
    pub const ALL: [Self; 4] = [Self::Opus, Self::G722, Self::Pcmu, Self::Pcma];

    /// The codec of that encoding name, in any case (RFC 4855 section 3).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The encoding name in `a=rtpmap`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::G722 => "G722",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Ticks per second of the RTP timestamp; for G.722 not its sampling rate.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::G722 | Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// By how much the RTP timestamp rises with each frame.
    #[must_use]
    pub const fn frame_ticks(self) -> u32 {
        self.clock_rate() / 1000 * FRAME_MILLIS
    }
}

/// A codec that did not do its work: libopus ran out of memory or met its own bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the {} codec failed", .codec.name())]
pub struct CodecFailed {
    /// Which.
    pub codec: Codec,
}

/// A payload that is none of its codec's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("payload is no {} frame", .codec.name())]
pub struct Undecodable {
    /// Which codec it was to be.
    pub codec: Codec,
}

enum DecoderKind {
    Opus(opus::Decoder),
    G722(Box<g722::Decoder>, Echo),
    G711(Law, Upsampler, Echo),
}

/// Decoder of one incoming stream.
pub struct Decoder {
    codec: Codec,
    kind: DecoderKind,
}

impl Decoder {
    /// A decoder with nothing behind it.
    ///
    /// # Errors
    /// [`CodecFailed`] if libopus can't be set up.
    pub fn new(codec: Codec) -> Result<Self, CodecFailed> {
        let g711 = |law| DecoderKind::G711(law, Upsampler::new(G711_RATE), Echo::default());
        let kind = match codec {
            Codec::Opus => {
                DecoderKind::Opus(opus::Decoder::new().map_err(|_| CodecFailed { codec })?)
            }
            Codec::G722 => DecoderKind::G722(Box::new(g722::Decoder::new()), Echo::default()),
            Codec::Pcmu => g711(Law::Mu),
            Codec::Pcma => g711(Law::A),
        };
        Ok(Self { codec, kind })
    }

    /// Append a payload's sound to `out`: at most [`MAX_PACKET`] samples.
    ///
    /// # Errors
    /// [`Undecodable`]; nothing was appended then.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> Result<(), Undecodable> {
        let codec = self.codec;
        if payload.is_empty() {
            return Err(Undecodable { codec });
        }
        let payload = &payload[..payload.len().min(self.octets_limit())];
        let start = out.len();
        match &mut self.kind {
            DecoderKind::Opus(opus) => opus
                .decode(payload, out)
                .map_err(|_| Undecodable { codec })?,
            DecoderKind::G722(g722, echo) => {
                g722.decode(payload, out);
                echo.remember(&mut out[start..]);
            }
            DecoderKind::G711(law, up, echo) => {
                up.process(law.decode(payload), out);
                echo.remember(&mut out[start..]);
            }
        }
        Ok(())
    }

    /// How many ticks of the RTP clock a payload lasts, 0 if it is no payload of this codec.
    #[must_use]
    pub fn ticks(&self, payload: &[u8]) -> u32 {
        let octets = payload.len().min(self.octets_limit());
        match &self.kind {
            DecoderKind::Opus(opus) => opus.samples(payload),
            // One octet for one tick of 8 kHz: in G.722 it holds two samples.
            DecoderKind::G722(..) | DecoderKind::G711(..) => u32::try_from(octets).unwrap_or(0),
        }
    }

    /// Whether a payload says of itself that nobody speaks in it. Codecs but Opus never say.
    #[must_use]
    pub fn is_voiceless(&self, payload: &[u8]) -> bool {
        matches!(self.kind, DecoderKind::Opus(_)) && opus::is_voiceless(payload)
    }

    /// Payloads have been left out: the next one doesn't go on from the last.
    pub fn reset(&mut self) {
        if let DecoderKind::Opus(opus) = &mut self.kind {
            // It fails only for what is no decoder.
            let _ = opus.reset();
        }
    }

    /// Append made-up sound in place of a lost packet of `samples`, cut to whole units of 2.5 ms
    /// and [`MAX_PACKET`]. `next` is the payload that follows the lost one, or nothing: Opus may
    /// carry a copy of the lost sound in it.
    pub fn conceal(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) {
        let unit = FRAME / 8;
        let samples = samples.clamp(unit, MAX_PACKET) / unit * unit;
        let start = out.len();
        match &mut self.kind {
            DecoderKind::Opus(opus) => {
                if opus.conceal(next, samples, out).is_err() {
                    out.truncate(start);
                }
            }
            DecoderKind::G722(_, echo) | DecoderKind::G711(_, _, echo) => {
                echo.conceal(samples, out)
            }
        }
        out.resize(start + samples, 0.0);
    }

    /// Octets of a payload that are looked at: what makes 120 ms. Opus counts for itself.
    const fn octets_limit(&self) -> usize {
        match self.codec {
            Codec::Opus => usize::MAX,
            Codec::G722 | Codec::Pcmu | Codec::Pcma => MAX_PACKET / 6,
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

enum EncoderKind {
    Opus(opus::Encoder),
    G722(Box<g722::Encoder>),
    G711(Law, Downsampler, Vec<f32>),
}

/// Encoder of one outgoing stream.
pub struct Encoder {
    codec: Codec,
    kind: EncoderKind,
}

impl Encoder {
    /// An encoder with nothing behind it.
    ///
    /// # Errors
    /// [`CodecFailed`] if libopus can't be set up.
    pub fn new(codec: Codec) -> Result<Self, CodecFailed> {
        let g711 = |law| EncoderKind::G711(law, Downsampler::new(G711_RATE), Vec::new());
        let kind = match codec {
            Codec::Opus => {
                EncoderKind::Opus(opus::Encoder::new().map_err(|_| CodecFailed { codec })?)
            }
            Codec::G722 => EncoderKind::G722(Box::new(g722::Encoder::new())),
            Codec::Pcmu => g711(Law::Mu),
            Codec::Pcma => g711(Law::A),
        };
        Ok(Self { codec, kind })
    }

    /// What it encodes to.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// From now on spend redundancy for so many per cent of lost packets; at first none. Only Opus has any.
    ///
    /// # Errors
    /// [`CodecFailed`]; it goes on as before then.
    pub fn expect_loss(&mut self, percent: u8) -> Result<(), CodecFailed> {
        let codec = self.codec;
        match &mut self.kind {
            EncoderKind::Opus(opus) => opus.expect_loss(percent).map_err(|_| CodecFailed { codec }),
            EncoderKind::G722(_) | EncoderKind::G711(..) => Ok(()),
        }
    }

    /// Append one frame's payload to `out`.
    ///
    /// # Errors
    /// [`CodecFailed`]; nothing was appended then.
    pub fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), CodecFailed> {
        let codec = self.codec;
        match &mut self.kind {
            EncoderKind::Opus(opus) => opus.encode(frame, out).map_err(|_| CodecFailed { codec }),
            EncoderKind::G722(g722) => {
                g722.encode(frame, out);
                Ok(())
            }
            EncoderKind::G711(law, down, low) => {
                low.clear();
                down.process(frame, low);
                out.extend(low.iter().map(|sample| law.compress(to_i16(*sample))));
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Encoder")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
