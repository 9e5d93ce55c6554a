//! Ports kept for a later Allocate (RFC 8656 sections 7.2 and 18.7).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::allocation::Relayed;

/// RFC 8656 section 7.2 asks for at least 30 seconds.
pub(super) const LIFETIME: Duration = Duration::from_secs(30);

/// Eight octets that nobody can guess.
pub(super) type Token = [u8; 8];

/// A socket that waits for its allocation.
#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) socket: Relayed,
    pub(super) username: Arc<str>,
    pub(super) holder: Arc<str>,
    pub(super) from: IpAddr,
    pub(super) expires: Instant,
}

/// What is kept, by token.
#[derive(Debug, Default)]
pub(super) struct Reservations(HashMap<Token, Reservation>);

impl Reservations {
    pub(super) fn keep(&mut self, token: Token, kept: Reservation) {
        self.0.insert(token, kept);
    }

    /// Take what a token stands for, if it is this user's and not too late.
    pub(super) fn take(&mut self, now: Instant, token: &[u8], username: &str) -> Option<Relayed> {
        let token: Token = token.try_into().ok()?;
        let kept = self.0.get(&token)?;
        if kept.expires <= now || &*kept.username != username {
            return None;
        }
        self.0.remove(&token).map(|kept| kept.socket)
    }

    pub(super) fn take_where(&mut self, which: impl Fn(&Reservation) -> bool) -> Vec<Relayed> {
        let taken = self.0.extract_if(|_, kept| which(kept));
        taken.map(|(_, kept)| kept.socket).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.0.values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
