//! Opus (RFC 6716, RFC 7587) by libopus, mono at 48 kHz; stereo packets are mixed down by it.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate, Signal};

use crate::pcm::{Frame, MAX_PACKET};

/// Bits per second: full-band speech without audible loss.
const BITRATE: u32 = 32_000;
/// 0 to 10: what quality is worth in CPU time. 5 is where more is hardly heard with speech.
const COMPLEXITY: u8 = 5;
/// Octets that 20 ms can take at the very most (RFC 6716 section 3.4).
const MAX_FRAME_OCTETS: usize = 1275;

/// Configurations from here on have no SILK layer (RFC 6716 section 3.1, table 2).
const FIRST_CELT_ONLY: u8 = 16;

/// Whether the sender itself found no voice in a packet (RFC 6716 section 4.2.3); false if that is hard to say.
pub(super) fn is_voiceless(payload: &[u8]) -> bool {
    let [toc, rest @ ..] = payload else {
        return false;
    };
    let (config, is_stereo, code) = (toc >> 3, toc & 0b100 != 0, toc & 0b11);
    if config >= FIRST_CELT_ONLY || is_stereo || code != 0 {
        return false;
    }
    // A flag for each 20 ms, in front of everything else; nothing at all is sent during silence (DTX).
    let frames = match config {
        2 | 6 | 10 => 2,
        3 | 7 | 11 => 3,
        _ => 1,
    };
    rest.first().is_none_or(|flags| flags >> (8 - frames) == 0)
}

pub(super) struct Decoder {
    inner: opusic_c::Decoder,
}

impl Decoder {
    pub(super) fn new() -> Result<Self, ErrorCode> {
        Ok(Self {
            inner: opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000)?,
        })
    }

    /// Samples of a packet, 0 if it is none or lasts more than 120 ms.
    pub(super) fn samples(&self, payload: &[u8]) -> u32 {
        let samples = self.inner.get_nb_samples(payload).unwrap_or(0);
        if samples > MAX_PACKET {
            0
        } else {
            u32::try_from(samples).unwrap_or(0)
        }
    }

    /// What comes next doesn't go on from what was decoded last.
    pub(super) fn reset(&mut self) -> Result<(), ErrorCode> {
        self.inner.reset()
    }

    /// libopus itself refuses packets of more than 120 ms (RFC 6716 section 3.4, R5).
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> Result<(), ErrorCode> {
        self.fill(payload, MAX_PACKET, false, out)
    }

    /// Make up `samples` for a lost packet; `next` is the one after it, if it is there, for it may
    /// hold a coarse copy of the lost one.
    pub(super) fn conceal(
        &mut self,
        next: &[u8],
        samples: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), ErrorCode> {
        self.fill(next, samples, !next.is_empty(), out)
    }

    fn fill(
        &mut self,
        payload: &[u8],
        room: usize,
        recover: bool,
        out: &mut Vec<f32>,
    ) -> Result<(), ErrorCode> {
        let start = out.len();
        out.resize(start + room, 0.0);
        let written = self
            .inner
            .decode_float_to_slice(payload, &mut out[start..], recover);
        out.truncate(start + written.as_ref().copied().unwrap_or(0).min(room));
        written.map(|_| ())
    }
}

pub(super) struct Encoder {
    inner: opusic_c::Encoder,
    expected_loss: u8,
}

impl Encoder {
    pub(super) fn new() -> Result<Self, ErrorCode> {
        let mut inner =
            opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
        inner.set_bitrate(Bitrate::Value(BITRATE))?;
        inner.set_complexity(COMPLEXITY)?;
        inner.set_signal(Signal::Voice)?;
        Ok(Self {
            inner,
            expected_loss: 0,
        })
    }

    /// Per cent of packets for whose loss redundancy is spent: a second, coarser encoding of all speech.
    pub(super) fn expect_loss(&mut self, percent: u8) -> Result<(), ErrorCode> {
        if self.expected_loss == percent {
            return Ok(());
        }
        let redundancy = match percent {
            0 => InbandFec::Off,
            _ => InbandFec::Mode1,
        };
        self.inner.set_inband_fec(redundancy)?;
        self.inner.set_packet_loss(percent)?;
        self.expected_loss = percent;
        Ok(())
    }

    pub(super) fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), ErrorCode> {
        let start = out.len();
        out.resize(start + MAX_FRAME_OCTETS, 0);
        let written = self.inner.encode_float_to_slice(frame, &mut out[start..]);
        out.truncate(start + written.as_ref().copied().unwrap_or(0).min(MAX_FRAME_OCTETS));
        written.map(|_| ())
    }
}
