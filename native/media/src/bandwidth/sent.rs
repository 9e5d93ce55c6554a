//! Packets on their way, by transport-wide sequence number, until their receiver tells of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::probe::ProbeId;

/// Packets that are remembered, ...
const KEPT: usize = 4_096;
/// ... and for how long: nobody takes longer to report.
const LIFE: Duration = Duration::from_secs(5);

/// One packet.
#[derive(Debug, Clone, Copy)]
pub struct SentPacket {
    /// When it left.
    pub at: Instant,
    /// With all its headers.
    pub octets: u32,
    /// What it was sent to find out.
    pub probe: Option<ProbeId>,
    /// Whether its receiver has told of its arrival.
    pub arrived: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Sent {
    /// The number of the next packet.
    next: u64,
    packets: VecDeque<SentPacket>,
}

impl Sent {
    /// A packet leaves: the number that it bears.
    pub fn record(&mut self, now: Instant, octets: usize, probe: Option<ProbeId>) -> u16 {
        let is_old = |packet: &SentPacket| now > packet.at + LIFE;
        while self.packets.len() >= KEPT || self.packets.front().is_some_and(is_old) {
            self.packets.pop_front();
        }
        self.packets.push_back(SentPacket {
            at: now,
            octets: octets as u32,
            probe,
            arrived: false,
        });
        let number = self.next as u16;
        self.next += 1;
        number
    }

    /// The packet that bears a number, if it is remembered.
    pub fn get_mut(&mut self, number: u16) -> Option<&mut SentPacket> {
        let newest = self.next.checked_sub(1)?;
        let age = (newest as u16).wrapping_sub(number);
        let place = self.packets.len().checked_sub(usize::from(age) + 1)?;
        self.packets.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_by_number_until_they_are_old() {
        let start = Instant::now();
        let mut sent = Sent::default();
        assert!(sent.get_mut(0).is_none());
        for n in 0..70_000_u32 {
            let number = sent.record(start, n as usize, None);
            assert_eq!(number, n as u16);
        }
        assert_eq!(sent.get_mut(69_999_u32 as u16).unwrap().octets, 69_999);
        assert_eq!(sent.get_mut(68_000_u32 as u16).unwrap().octets, 68_000);
        assert!(sent.get_mut(65_000_u32 as u16).is_none(), "forgotten");
        assert!(sent.get_mut(70_000_u32 as u16).is_none(), "not sent yet");
        sent.record(start + 2 * LIFE, 1, None);
        assert_eq!(sent.packets.len(), 1);
    }
}
