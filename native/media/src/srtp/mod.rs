//! SRTP and SRTCP (RFC 3711, RFC 7714) for peers keyed by SDES; browsers bring their own with DTLS.
//!
//! All cryptography is aws-lc-rs's. What is here are the rules around it: key derivation, the
//! packet index that rolls over, the replay window (always on), and where each octet goes.
//!
//! One [`SrtpSender`] per direction out, one [`SrtpReceiver`] per direction in, each with its own
//! master key. Packets are worked on in place. A refused packet changes no state, so that a flood
//! of bad ones can neither end a call nor move its rollover counter.

mod derivation;
mod receiver;
mod sender;
mod suite;
mod transform;
mod window;

#[cfg(test)]
mod exchange;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wycheproof;

pub use receiver::{ReceiveRefused, SrtpReceiver};
pub use sender::{SendRefused, SrtpSender};
pub use suite::{KeyRefused, Suite};

/// SSRCs that one direction keeps state for; the next one is refused, not exchanged for an old
/// one, for forgetting a source's index would let its packets be replayed (or its nonces reused).
/// A browser has up to 29 slots, most of them with a stream of repairs.
pub const MAX_SOURCES: usize = 64;

/// Octets that [`SrtpSender`] may add to a packet: a tag and the SRTCP index word.
pub const MAX_OVERHEAD: usize = 20;

/// Per-SSRC state of one direction, few enough to be searched in a line.
#[derive(Debug, Default)]
struct Sources<T> {
    entries: Vec<(u32, T)>,
}

impl<T: Default> Sources<T> {
    fn get(&self, ssrc: u32) -> Option<&T> {
        self.entries
            .iter()
            .find(|(known, _)| *known == ssrc)
            .map(|(_, state)| state)
    }

    fn is_full_for(&self, ssrc: u32) -> bool {
        self.entries.len() >= MAX_SOURCES && self.get(ssrc).is_none()
    }

    /// The source's state, made if there is none yet and room for it.
    fn entry(&mut self, ssrc: u32) -> Option<&mut T> {
        let position = match self.entries.iter().position(|(known, _)| *known == ssrc) {
            Some(position) => position,
            None if self.entries.len() < MAX_SOURCES => {
                self.entries.push((ssrc, T::default()));
                self.entries.len() - 1
            }
            None => return None,
        };
        self.entries.get_mut(position).map(|(_, state)| state)
    }
}
