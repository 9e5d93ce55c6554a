//! Whether a certificate has been revoked (RFC 5280 section 6.3). What can't be told is a refusal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::UnixTime;
use x509_cert::der::Encode;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{CrlDistributionPoints, KeyUsages};

use crate::certificate::{Certificate, id, name_der};
use crate::lists::RevocationList;
use crate::refusal::Refusal;

/// Signatures remembered: lists times issuers, of which there are few.
const REMEMBERED: usize = 1024;

/// The lists that are held.
#[derive(Debug, Default)]
pub struct Revocation {
    lists: Vec<RevocationList>,
    /// How long past its `nextUpdate` a list still serves.
    grace: Duration,
    /// How long a peer's certificate may live that names no distribution point.
    unlisted: Duration,
    /// Whether a list, by its place, was signed by a key: neither changes.
    signed: Mutex<HashMap<(usize, Vec<u8>), bool>>,
}

impl Revocation {
    pub fn new(lists: Vec<RevocationList>, grace: Duration) -> Self {
        Self {
            lists,
            grace,
            unlisted: Duration::ZERO,
            signed: Mutex::default(),
        }
    }

    /// Ask for no list of a peer whose certificate names none and lives no longer than `most`.
    pub fn accept_unlisted(&mut self, most: Duration) {
        self.unlisted = most;
    }

    /// Each certificate of a path, given with its issuer, must be known not to be revoked.
    ///
    /// # Errors
    /// [`Refusal::Revoked`] before any other; else what is unknown, with every list worth fetching.
    pub fn check(
        &self,
        pairs: &[(&Certificate, &Certificate)],
        points_required: bool,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let mut unknown = None;
        let mut fetch = Vec::new();
        for (position, (one, issuer)) in pairs.iter().enumerate() {
            let points = points_of(one)?;
            if points.is_empty() && position == 0 && one.lifetime() <= self.unlisted {
                continue;
            }
            if points_required && points.is_empty() {
                return Err(Refusal::NoDistributionPoint);
            }
            match self.status(one, issuer, &points, position > 0, now) {
                Ok(()) => {}
                Err(Refusal::Revoked) => return Err(Refusal::Revoked),
                Err(refusal) => {
                    fetch.extend(points);
                    unknown.get_or_insert(refusal);
                }
            }
        }
        unknown.map_or(Ok(()), |refusal| Err(with_places(refusal, fetch)))
    }

    fn status(
        &self,
        one: &Certificate,
        issuer: &Certificate,
        points: &[String],
        is_authority: bool,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let name = name_der(one.issuer());
        let mut outcome = Err(Refusal::RevocationUnknown { fetch: Vec::new() });
        for (position, list) in self.lists.iter().enumerate() {
            if list.issuer() != name || !list.covers(points, is_authority) {
                continue;
            }
            match self.says(position, list, one, issuer, now) {
                Err(Refusal::Revoked) => return Err(Refusal::Revoked),
                found if outcome.is_err() => outcome = more_telling(outcome, found),
                _ => {}
            }
        }
        outcome
    }

    /// What one list says of a certificate that it covers. A signed entry counts even past its time.
    fn says(
        &self,
        position: usize,
        list: &RevocationList,
        one: &Certificate,
        issuer: &Certificate,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        if !self.is_signed(position, list, issuer) {
            return Err(Refusal::ListSignature { fetch: Vec::new() });
        }
        if issuer.may(KeyUsages::CRLSign)? == Some(false) {
            return Err(Refusal::ListSigner);
        }
        if let Some(fault) = list.fault() {
            return Err(fault.clone());
        }
        if list.lists(one.serial()) {
            return Err(Refusal::Revoked);
        }
        if !list.is_current(now, self.grace) {
            return Err(Refusal::ListExpired { fetch: Vec::new() });
        }
        Ok(())
    }

    fn is_signed(&self, position: usize, list: &RevocationList, issuer: &Certificate) -> bool {
        let key = (position, issuer.key().to_der().unwrap_or_default());
        let lock = || self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return *known;
        }
        let signed = list.is_signed_by(issuer.key());
        let mut remembered = lock();
        if remembered.len() < REMEMBERED {
            remembered.insert(key, signed);
        }
        signed
    }
}

/// A list of a stranger with the same name, or none at all, tells less than any list of the issuer's.
fn more_telling(before: Result<(), Refusal>, found: Result<(), Refusal>) -> Result<(), Refusal> {
    match (&before, &found) {
        (Err(Refusal::RevocationUnknown { .. } | Refusal::ListSignature { .. }), _) => found,
        (Err(_), Ok(())) => found,
        _ => before,
    }
}

fn with_places(refusal: Refusal, fetch: Vec<String>) -> Refusal {
    match refusal {
        Refusal::RevocationUnknown { .. } => Refusal::RevocationUnknown { fetch },
        Refusal::ListExpired { .. } => Refusal::ListExpired { fetch },
        Refusal::ListSignature { .. } => Refusal::ListSignature { fetch },
        other => other,
    }
}

/// Where a certificate says that its lists are. Points for some reasons only, or of another issuer,
/// don't count: what they give would not cover it.
fn points_of(one: &Certificate) -> Result<Vec<String>, Refusal> {
    let found: Option<CrlDistributionPoints> = one.extension(id::CRL_DISTRIBUTION_POINTS)?;
    let points = found.map(|found| found.0).unwrap_or_default();
    let whole = points
        .into_iter()
        .filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
    Ok(whole
        .filter_map(|point| match point.distribution_point? {
            DistributionPointName::FullName(names) => Some(uris(&names)),
            DistributionPointName::NameRelativeToCRLIssuer(_) => None,
        })
        .flatten()
        .collect())
}

/// The URIs among general names.
pub fn uris(names: &[GeneralName]) -> Vec<String> {
    let uri = |name: &GeneralName| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
        _ => None,
    };
    names.iter().filter_map(uri).collect()
}
