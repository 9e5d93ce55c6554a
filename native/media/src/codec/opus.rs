//! Opus (RFC 6716, RFC 7587) by libopus, mono at 48 kHz; stereo packets are mixed down by it.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate, Signal};

use crate::pcm::{FRAME, Frame, MAX_PACKET};

/// Bits per second: full-band speech without audible loss, with a SILK layer or without.
const BITRATE: u32 = 40_000;
/// 0 to 10: what quality is worth in CPU time. 5 is where more is hardly heard with speech.
const COMPLEXITY: u8 = 5;
/// Octets that 20 ms can take at the very most (RFC 6716 section 3.4).
const MAX_FRAME_OCTETS: usize = 1275;

/// Samples that libopus makes up in a row as it likes, ...
const HELD: usize = 5 * FRAME;
/// ... and then over so many more they fade away: left to itself it may hum for a second.
const FADED: usize = 5 * FRAME;

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
    /// Samples made up since a packet was last decoded.
    made_up: usize,
}

impl Decoder {
    pub(super) fn new() -> Result<Self, ErrorCode> {
        Ok(Self {
            inner: opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000)?,
            made_up: 0,
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
        self.made_up = 0;
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
        let start = out.len();
        self.fill(next, samples, !next.is_empty(), out)?;
        for sample in out.iter_mut().skip(start) {
            let faded = self.made_up.saturating_sub(HELD).min(FADED);
            *sample *= 1.0 - faded as f32 / FADED as f32;
            self.made_up += 1;
        }
        Ok(())
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
        Ok(Self {
            inner: lean()?,
            expected_loss: 0,
        })
    }

    /// Per cent of packets for whose loss redundancy is spent: a second, coarser encoding of all speech, which
    /// is to be had in the SILK layer only.
    pub(super) fn expect_loss(&mut self, percent: u8) -> Result<(), ErrorCode> {
        if self.expected_loss == percent {
            return Ok(());
        }
        if percent == 0 {
            self.inner = lean()?;
        } else {
            if self.expected_loss == 0 {
                self.inner = redundant()?;
            }
            self.inner.set_packet_loss(percent)?;
        }
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

/// Without a SILK layer: it takes half the CPU time, and 4 ms less of delay.
fn lean() -> Result<opusic_c::Encoder, ErrorCode> {
    encoder(Application::LowDelay)
}

fn redundant() -> Result<opusic_c::Encoder, ErrorCode> {
    let mut encoder = encoder(Application::Voip)?;
    encoder.set_inband_fec(InbandFec::Mode1)?;
    Ok(encoder)
}

fn encoder(application: Application) -> Result<opusic_c::Encoder, ErrorCode> {
    let mut encoder = opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, application)?;
    encoder.set_bitrate(Bitrate::Value(BITRATE))?;
    encoder.set_complexity(COMPLEXITY)?;
    encoder.set_signal(Signal::Voice)?;
    Ok(encoder)
}
