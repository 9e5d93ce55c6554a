//! Protecting what we send.

use thiserror::Error;

use super::derivation::{Master, Stream};
use super::suite::{KeyRefused, Suite};
use super::transform::{ENCRYPTED, RTCP_CLEAR, Transform};
use super::window::Window;
use super::{MAX_SOURCES, Sources};
use crate::rtp::{Header, Malformed};

/// Why a packet of ours was not protected: a fault on our side, never the peer's. The packet must
/// not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendRefused {
    /// Not an RTP packet.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Too short for an RTCP packet.
    #[error("RTCP packet is cut short")]
    Truncated,
    /// This sequence number went out before, or is too old to be sure: a nonce would repeat.
    #[error("packet index was used before")]
    Repeated,
    /// More SSRCs than [`MAX_SOURCES`](super::MAX_SOURCES).
    #[error("more than {MAX_SOURCES} sources")]
    TooManySources,
    /// All indexes of the master key are used up: 2^48 RTP or 2^31 RTCP packets.
    #[error("master key is exhausted")]
    KeyExhausted,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Library,
}

#[derive(Debug, Default)]
struct Source {
    rtp: Window,
    next_rtcp: u32,
}

/// SRTP and SRTCP of one direction out, under one master key.
pub struct SrtpSender {
    rtp: Transform,
    rtcp: Transform,
    sources: Sources<Source>,
}

impl SrtpSender {
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

    /// Turn an RTP packet into an SRTP packet in place; it grows by the tag, so a buffer with
    /// [`MAX_OVERHEAD`](super::MAX_OVERHEAD) octets to spare is not reallocated. Sequence numbers
    /// may go out of order, but each once.
    ///
    /// # Errors
    /// [`SendRefused`]; the buffer's content is then undefined.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SendRefused> {
        let (header, length) = Header::parse(packet)?;
        let source = self
            .sources
            .entry(header.ssrc)
            .ok_or(SendRefused::TooManySources)?;
        let index = source
            .rtp
            .estimate(header.sequence)
            .ok_or(SendRefused::KeyExhausted)?;
        if !source.rtp.is_fresh(index) {
            return Err(SendRefused::Repeated);
        }
        source.rtp.mark(index);
        self.rtp
            .seal_rtp(packet, length, header.ssrc, index)
            .map_err(|_| SendRefused::Library)
    }

    /// Turn a (compound) RTCP packet into an SRTCP packet in place, always encrypted; it grows by
    /// the tag and the index.
    ///
    /// # Errors
    /// [`SendRefused`]; the buffer's content is then undefined.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SendRefused> {
        let ssrc = rtcp_ssrc(packet).ok_or(SendRefused::Truncated)?;
        let source = self
            .sources
            .entry(ssrc)
            .ok_or(SendRefused::TooManySources)?;
        let index = source.next_rtcp;
        if index & ENCRYPTED != 0 {
            return Err(SendRefused::KeyExhausted);
        }
        source.next_rtcp += 1;
        self.rtcp
            .seal_rtcp(packet, ssrc, index)
            .map_err(|_| SendRefused::Library)
    }

    /// Pretend that this source has come as far as these indexes.
    #[cfg(test)]
    pub(super) fn set_progress(&mut self, ssrc: u32, rtp: u64, next_rtcp: u32) {
        *self.sources.entry(ssrc).unwrap() = Source {
            rtp: Window::at(rtp),
            next_rtcp,
        };
    }
}

impl std::fmt::Debug for SrtpSender {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SrtpSender")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

/// The SSRC of a compound packet's first part.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let clear: &[u8; RTCP_CLEAR] = packet.first_chunk()?;
    clear.last_chunk().map(|ssrc| u32::from_be_bytes(*ssrc))
}
