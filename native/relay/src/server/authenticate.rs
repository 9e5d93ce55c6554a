//! The long-term credential mechanism (RFC 8489 section 9.2.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Server;
use crate::client::Client;
use crate::refusal::Refusal;
use crate::stun::Message;
use crate::stun::attribute::{
    NONCE, PASSWORD_ALGORITHM, PASSWORD_ALGORITHMS as ALGORITHMS, REALM, USERNAME,
};
use crate::stun::integrity::{
    APPROVED_PASSWORD_ALGORITHMS, Integrity, PASSWORD_ALGORITHMS, PasswordAlgorithm,
};

/// The unit of time in nonces.
const TICK: Duration = Duration::from_millis(1);

/// Who sent a request, and how its answer is protected.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) username: Arc<str>,
    pub(super) holder: Arc<str>,
    pub(super) expires: Instant,
    pub(super) integrity: Integrity,
    pub(super) key: Vec<u8>,
}

impl Server {
    pub(super) fn authenticate(
        &self,
        now: Instant,
        client: Client,
        request: &Message<'_>,
    ) -> Result<Proof, Refusal> {
        let integrity = request.integrity().ok_or(Refusal::Unauthenticated)?;
        if self.config.fips && integrity == Integrity::Sha1 {
            return Err(Refusal::Unauthenticated);
        }
        let part = |attribute| request.text(attribute).ok_or(Refusal::BadRequest);
        let (username, realm, nonce) = (part(USERNAME)?, part(REALM)?, part(NONCE)?);
        let algorithm = password_algorithm(request, self.password_algorithms())?;
        self.check_nonce(now, client, nonce)?;
        let known = self.credentials.get(now, username);
        let known = known.ok_or(Refusal::Unauthenticated)?;
        let key = known.key(algorithm).ok_or(Refusal::Unauthenticated)?;
        if realm != self.config.realm || !request.verifies(integrity, key) {
            return Err(Refusal::Unauthenticated);
        }
        Ok(Proof {
            username: known.username.clone(),
            holder: known.holder.clone(),
            expires: known.expires,
            integrity,
            key: key.to_vec(),
        })
    }

    /// The value of PASSWORD-ALGORITHMS that we send.
    pub(super) fn password_algorithms(&self) -> &'static [u8] {
        if self.config.fips {
            &APPROVED_PASSWORD_ALGORITHMS
        } else {
            &PASSWORD_ALGORITHMS
        }
    }

    /// A nonce that passes the checks below.
    pub(super) fn fresh_nonce(&self, now: Instant, client: Client) -> String {
        let ended = self.ended.get(&client).map(|&ended| ended + TICK);
        let time = ended.map_or(now, |ended| ended.max(now));
        let since_start = time.saturating_duration_since(self.started);
        self.nonces.issue(since_start, client)
    }

    /// A nonce must be ours, this client's, not too old, and younger than the client's last allocation.
    fn check_nonce(&self, now: Instant, client: Client, nonce: &str) -> Result<(), Refusal> {
        let since_start = now.saturating_duration_since(self.started);
        let issued = self.nonces.issued(nonce.as_bytes(), since_start, client);
        let issued = issued.ok_or(Refusal::StaleNonce)?;
        let ended = self.ended.get(&client);
        match ended.map(|ended| ended.saturating_duration_since(self.started)) {
            Some(ended) if issued.as_millis() <= ended.as_millis() => Err(Refusal::StaleNonce),
            _ => Ok(()),
        }
    }
}

/// Our nonces always say that we sent PASSWORD-ALGORITHMS: a client that names an algorithm must have got
/// that list unchanged, and one that names none is an old one (section 9.2.4).
fn password_algorithm(request: &Message<'_>, offered: &[u8]) -> Result<PasswordAlgorithm, Refusal> {
    match (
        request.attribute(ALGORITHMS),
        request.attribute(PASSWORD_ALGORITHM),
    ) {
        (None, None) => Ok(PasswordAlgorithm::Md5),
        (Some(list), Some(chosen)) if list == offered => {
            PasswordAlgorithm::from_value(chosen).ok_or(Refusal::BadRequest)
        }
        _ => Err(Refusal::BadRequest),
    }
}
