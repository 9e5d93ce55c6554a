//! Proving and decrypting what a peer sends.

use thiserror::Error;

use super::derivation::{Master, Stream};
use super::sender::rtcp_ssrc;
use super::suite::{KeyRefused, Suite};
use super::transform::{ENCRYPTED, Transform};
use super::window::Window;
use super::{MAX_SOURCES, Sources};
use crate::rtp::{Header, Malformed};

/// Why a received packet is dropped. These are to be counted, never acted on: anyone can send them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReceiveRefused {
    /// Not an RTP packet.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Too short for an SRTCP packet.
    #[error("SRTCP packet is cut short")]
    Truncated,
    /// Seen before, or older than the window can tell.
    #[error("packet is a replay")]
    Replayed,
    /// The tag doesn't fit: altered, made up, or of another key.
    #[error("packet is not authentic")]
    Forged,
    /// SRTCP that is not encrypted, which we never agree to.
    #[error("SRTCP packet is not encrypted")]
    Unencrypted,
    /// More SSRCs than [`MAX_SOURCES`](super::MAX_SOURCES).
    #[error("more than {MAX_SOURCES} sources")]
    TooManySources,
}

#[derive(Debug, Default)]
struct Source {
    rtp: Window,
    rtcp: Window,
}

/// SRTP and SRTCP of one direction in, under one master key.
pub struct SrtpReceiver {
    rtp: Transform,
    rtcp: Transform,
    sources: Sources<Source>,
}

impl SrtpReceiver {
    /// `master` is key and salt in one piece: [`Suite::master_length`] octets.
    ///
    /// # Errors
    /// [`KeyRefused`] if the length does not fit the suite.
    pub fn new(suite: Suite, master: &[u8]) -> Result<Self, KeyRefused> {
        let master = Master::new(suite, master)?;
        Ok(Self {
            rtp: Transform::derive(suite, &master, Stream::Rtp)?,
            rtcp: Transform::derive(suite, &master, Stream::Rtcp)?,
            sources: Sources::default(),
        })
    }

    /// Prove and decrypt an SRTP packet in place; what is returned is the plain RTP packet at the
    /// head of the buffer.
    ///
    /// # Errors
    /// [`ReceiveRefused`]; the buffer's content is then undefined and no state has changed.
    pub fn unprotect_rtp<'a>(
        &mut self,
        packet: &'a mut [u8],
    ) -> Result<&'a mut [u8], ReceiveRefused> {
        let (header, length) = Header::parse(packet)?;
        if self.sources.is_full_for(header.ssrc) {
            return Err(ReceiveRefused::TooManySources);
        }
        let window = self
            .sources
            .get(header.ssrc)
            .map_or_else(Window::default, |source| source.rtp);
        // An index before the first or beyond the last can only be a replay under a used-up key.
        let index = window
            .estimate(header.sequence)
            .ok_or(ReceiveRefused::Replayed)?;
        if !window.is_fresh(index) {
            return Err(ReceiveRefused::Replayed);
        }
        let plain = self
            .rtp
            .open_rtp(packet, length, header.ssrc, index)
            .map_err(|_| ReceiveRefused::Forged)?;
        if let Some(source) = self.sources.entry(header.ssrc) {
            source.rtp.mark(index);
        }
        Ok(&mut packet[..plain])
    }

    /// Prove and decrypt an SRTCP packet in place; what is returned is the plain compound packet
    /// at the head of the buffer.
    ///
    /// # Errors
    /// [`ReceiveRefused`]; the buffer's content is then undefined and no state has changed.
    pub fn unprotect_rtcp<'a>(
        &mut self,
        packet: &'a mut [u8],
    ) -> Result<&'a mut [u8], ReceiveRefused> {
        let ssrc = rtcp_ssrc(packet).ok_or(ReceiveRefused::Truncated)?;
        let word = self
            .rtcp
            .rtcp_word(packet)
            .ok_or(ReceiveRefused::Truncated)?;
        if word & ENCRYPTED == 0 {
            return Err(ReceiveRefused::Unencrypted);
        }
        if self.sources.is_full_for(ssrc) {
            return Err(ReceiveRefused::TooManySources);
        }
        let index = u64::from(word & !ENCRYPTED);
        if self
            .sources
            .get(ssrc)
            .is_some_and(|source| !source.rtcp.is_fresh(index))
        {
            return Err(ReceiveRefused::Replayed);
        }
        let plain = self
            .rtcp
            .open_rtcp(packet, ssrc, word)
            .map_err(|_| ReceiveRefused::Forged)?;
        if let Some(source) = self.sources.entry(ssrc) {
            source.rtcp.mark(index);
        }
        Ok(&mut packet[..plain])
    }

    /// Pretend that this source has come as far as these indexes.
    #[cfg(test)]
    pub(super) fn set_progress(&mut self, ssrc: u32, rtp: u64, rtcp: u64) {
        *self.sources.entry(ssrc).unwrap() = Source {
            rtp: Window::at(rtp),
            rtcp: Window::at(rtcp),
        };
    }
}

impl std::fmt::Debug for SrtpReceiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SrtpReceiver")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}
