//! The credentials the relay was told, and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stun::integrity::PasswordAlgorithm;

/// No credential lives longer (DESIGN section 4.7).
const LONGEST: Duration = Duration::from_secs(8 * 3600);

/// What is kept of a credential: keys, not the password.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) username: Arc<str>,
    /// The person it was given to.
    pub(crate) holder: Arc<str>,
    pub(crate) expires: Instant,
    /// `None` where MD5 is turned off.
    md5: Option<Vec<u8>>,
    sha256: Vec<u8>,
}

impl Credential {
    pub(crate) fn key(&self, algorithm: PasswordAlgorithm) -> Option<&[u8]> {
        match algorithm {
            PasswordAlgorithm::Md5 => self.md5.as_deref(),
            PasswordAlgorithm::Sha256 => Some(&self.sha256),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Credentials {
    known: HashMap<Arc<str>, Credential>,
    without_md5: bool,
}

impl Credentials {
    /// None yet. `fips`: no key is ever made by MD5.
    pub(crate) fn new(fips: bool) -> Self {
        Self {
            known: HashMap::new(),
            without_md5: fips,
        }
    }

    pub(crate) fn add(
        &mut self,
        now: Instant,
        realm: &str,
        username: &str,
        password: &str,
        holder: &str,
        lifetime: Duration,
    ) {
        let md5 = !self.without_md5;
        let credential = Credential {
            username: username.into(),
            holder: holder.into(),
            expires: now + lifetime.min(LONGEST),
            md5: md5.then(|| PasswordAlgorithm::Md5.key(username, realm, password)),
            sha256: PasswordAlgorithm::Sha256.key(username, realm, password),
        };
        self.known.insert(credential.username.clone(), credential);
    }

    pub(crate) fn remove(&mut self, username: &str) {
        self.known.remove(username);
    }

    /// The credential, unless it has expired.
    pub(crate) fn get(&self, now: Instant, username: &str) -> Option<&Credential> {
        self.known.get(username).filter(|known| known.expires > now)
    }

    pub(crate) fn forget_expired(&mut self, now: Instant) {
        self.known.retain(|_, known| known.expires > now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
