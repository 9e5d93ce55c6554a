//! Encoding the mix for its listeners: once per codec for all who hear the same.
//!
//! Who hears nobody gets comfort noise; who is played something hears that over the rest.

use super::Mixer;
use super::comfort::ComfortNoise;
use crate::codec::{Codec, CodecFailed, Encoder};
use crate::pcm::{Frame, SILENT};
use crate::prompt::Prompt;

/// Ticks for which a listener keeps its own encoder after it was last in the mix: two seconds, so
/// that a dialogue doesn't change its stream's encoder (and history) at every turn.
const KEEP: u32 = 100;

/// What one listener needs to be sent the mix.
#[derive(Debug)]
pub struct Listener<K> {
    source: K,
    codec: Codec,
    own: Option<Own>,
    prompt: Option<Prompt>,
    /// Per cent of packets that it says it has lost lately.
    loss: u8,
}

#[derive(Debug)]
struct Own {
    encoder: Encoder,
    payload: Vec<u8>,
    ticks_left: u32,
}

impl<K: Copy + Eq> Listener<K> {
    /// A listener whose own sound, if it makes any, is mixed as `source`.
    #[must_use]
    pub const fn new(source: K, codec: Codec) -> Self {
        Self {
            source,
            codec,
            own: None,
            prompt: None,
            loss: 0,
        }
    }

    /// It has lost so many per cent of packets lately: redundancy is spent on that.
    pub(crate) fn set_loss(&mut self, percent: u8) {
        self.loss = percent;
    }

    /// Play it something from now on, instead of what is being played.
    pub(crate) fn play(&mut self, prompt: Option<Prompt>) {
        self.prompt = prompt;
    }

    /// The codec it is sent.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Whether it costs an encoding of its own at the moment.
    #[must_use]
    pub const fn is_encoded_apart(&self) -> bool {
        self.own.is_some()
    }
}

/// A listener's own encoder, if this tick needs one: made on first demand, kept a while afterwards.
fn own_encoder(
    own: &mut Option<Own>,
    codec: Codec,
    hears_apart: bool,
) -> Result<Option<&mut Own>, CodecFailed> {
    match own {
        Some(own) if hears_apart => own.ticks_left = KEEP,
        Some(own) if own.ticks_left > 1 => own.ticks_left -= 1,
        None if hears_apart => {
            *own = Some(Own {
                encoder: Encoder::new(codec)?,
                payload: Vec::new(),
                ticks_left: KEEP,
            });
        }
        _ => *own = None,
    }
    Ok(own.as_mut())
}

/// The common mix in one codec.
#[derive(Debug)]
struct Shared {
    encoder: Encoder,
    payload: Vec<u8>,
    /// The tick that the payload is of.
    tick: u64,
    /// The most that one of its listeners has lost, per cent, as far as they have been asked since.
    loss: u8,
}

/// The encodings of one room's mix.
///
/// Each tick: [`Mixer::mix`], then [`Fanout::begin`], then [`Fanout::payload`] for each listener.
#[derive(Debug)]
pub struct Fanout {
    shared: Vec<Shared>,
    tick: u64,
    scratch: Box<Frame>,
    noise: ComfortNoise,
    encodings: u64,
}

impl Fanout {
    /// No encoder yet; each codec's is made when the first listener needs it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Vec::new(),
            tick: 0,
            scratch: Box::new(SILENT),
            noise: ComfortNoise::new(),
            encodings: 0,
        }
    }

    /// There is a new mix: what was encoded before is out of date.
    pub fn begin(&mut self) {
        self.tick += 1;
    }

    /// What this listener is sent for this tick. Listeners who are in the mix or are played something
    /// (or were lately) get an encoding of their own; all others of a codec share one.
    ///
    /// # Errors
    /// [`CodecFailed`]: this listener gets nothing this time.
    pub fn payload<'a, K: Copy + Eq>(
        &'a mut self,
        mixer: &Mixer<K>,
        listener: &'a mut Listener<K>,
    ) -> Result<&'a [u8], CodecFailed> {
        let codec = listener.codec;
        let source = listener.source;
        let hears_apart = listener.prompt.is_some() || mixer.contains(source);
        let Some(own) = own_encoder(&mut listener.own, codec, hears_apart)? else {
            return self.common(codec, listener.loss, mixer);
        };
        if mixer.is_silent_for(source) {
            *self.scratch = *self.noise.next();
        } else {
            mixer.without(source, &mut self.scratch);
        }
        let playing = &mut listener.prompt;
        playing.take_if(|prompt| !prompt.lay_over(&mut self.scratch));
        own.payload.clear();
        own.encoder.expect_loss(listener.loss)?;
        own.encoder.encode(&self.scratch, &mut own.payload)?;
        self.encodings += 1;
        Ok(&own.payload)
    }

    /// The common mix in that codec, encoded on first demand.
    fn common<K: Copy + Eq>(
        &mut self,
        codec: Codec,
        loss: u8,
        mixer: &Mixer<K>,
    ) -> Result<&[u8], CodecFailed> {
        let position = match self
            .shared
            .iter()
            .position(|shared| shared.encoder.codec() == codec)
        {
            Some(position) => position,
            None => {
                let encoder = Encoder::new(codec)?;
                self.shared.push(Shared {
                    encoder,
                    payload: Vec::new(),
                    tick: 0,
                    loss: 0,
                });
                self.shared.len() - 1
            }
        };
        let shared = &mut self.shared[position];
        if shared.tick != self.tick {
            shared.payload.clear();
            let frame = match mixer.voices().next() {
                Some(_) => mixer.common(),
                None => self.noise.next(),
            };
            shared
                .encoder
                .expect_loss(std::mem::take(&mut shared.loss))?;
            shared.encoder.encode(frame, &mut shared.payload)?;
            shared.tick = self.tick;
            self.encodings += 1;
        }
        shared.loss = shared.loss.max(loss);
        Ok(&shared.payload)
    }

    /// Frames encoded so far: what the room's mix costs.
    #[must_use]
    pub const fn encodings(&self) -> u64 {
        self.encodings
    }
}

impl Default for Fanout {
    fn default() -> Self {
        Self::new()
    }
}
