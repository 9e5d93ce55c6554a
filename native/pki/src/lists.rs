//! A certificate revocation list, parsed once and asked often (RFC 5280 section 5).

use std::time::Duration;

use rustls_pki_types::UnixTime;
use thiserror::Error;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::der::Decode;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::certificate::{decode, id, name_der, signed_part};
use crate::refusal::Refusal;
use crate::revocation::uris;
use crate::signature;

/// It isn't a CRL of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not readable as a revocation list")]
pub struct ListRefused;

/// One list.
#[derive(Debug)]
pub struct RevocationList {
    issuer: Vec<u8>,
    signed: Vec<u8>,
    algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
    begins: Duration,
    /// `None` if it doesn't say: then nobody knows when it has become worthless.
    ends: Option<Duration>,
    scope: Scope,
    /// What is wrong with it though it can be read.
    fault: Option<Refusal>,
    /// In order.
    serials: Vec<Box<[u8]>>,
}

/// Which certificates of its issuer a list speaks of (RFC 5280 section 5.2.5).
#[derive(Debug, Default)]
struct Scope {
    /// `None`: all of them.
    points: Option<Vec<String>>,
    only_peers: bool,
    only_authorities: bool,
}

impl RevocationList {
    /// Parse a list. One that can be read but not used is kept, to say why it can't.
    ///
    /// # Errors
    /// It can't be read.
    pub fn from_der(der: &[u8]) -> Result<Self, ListRefused> {
        let list = <CertificateList>::from_der(der).map_err(|_| ListRefused)?;
        let signed = signed_part(der).ok_or(ListRefused)?.to_vec();
        // Whole octets: a signature with bits to spare would be another spelling of the same list.
        let signature = list.signature.as_bytes().ok_or(ListRefused)?.to_vec();
        let fields = list.tbs_cert_list;
        let extensions = fields.crl_extensions.unwrap_or_default();
        let entries = fields.revoked_certificates.unwrap_or_default();
        let same = fields.signature == list.signature_algorithm;
        let (scope, fault) = match checked_scope(&extensions, &entries, same) {
            Ok(scope) => (scope, None),
            Err(fault) => (Scope::default(), Some(fault)),
        };
        let mut serials: Vec<Box<[u8]>> = entries
            .iter()
            .map(|entry| entry.serial_number.as_bytes().into())
            .collect();
        serials.sort_unstable();
        Ok(Self {
            issuer: name_der(&fields.issuer),
            signed,
            algorithm: list.signature_algorithm,
            signature,
            begins: fields.this_update.to_unix_duration(),
            ends: fields.next_update.map(|time| time.to_unix_duration()),
            scope,
            fault,
            serials,
        })
    }

    /// Whose list it says it is, as DER.
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// What is wrong with it though it can be read.
    pub fn fault(&self) -> Option<&Refusal> {
        self.fault.as_ref()
    }

    /// Whether its scope takes in a certificate with these distribution points.
    pub fn covers(&self, points: &[String], is_authority: bool) -> bool {
        let here = match &self.scope.points {
            None => true,
            Some(own) => own.iter().any(|point| points.contains(point)),
        };
        let of_kind = if is_authority {
            !self.scope.only_peers
        } else {
            !self.scope.only_authorities
        };
        here && of_kind
    }

    /// Whether it is in force (RFC 5280 sections 5.1.2.4 and 5.1.2.5), or was no longer ago than `grace`.
    pub fn is_current(&self, now: UnixTime, grace: Duration) -> bool {
        let now = Duration::from_secs(now.as_secs());
        let ends = self.ends.map(|ends| ends.saturating_add(grace));
        self.begins <= now && ends.is_some_and(|ends| now < ends)
    }

    /// Whether that key signed it.
    pub fn is_signed_by(&self, key: &SubjectPublicKeyInfoOwned) -> bool {
        signature::verifies(key, &self.algorithm, &self.signed, &self.signature)
    }

    /// Whether that serial number is on it. A hold counts too.
    pub fn lists(&self, serial: &[u8]) -> bool {
        let found = self
            .serials
            .binary_search_by(|one| one.as_ref().cmp(serial));
        found.is_ok()
    }
}

fn checked_scope(
    extensions: &[Extension],
    entries: &[RevokedCert],
    same_algorithm: bool,
) -> Result<Scope, Refusal> {
    if !same_algorithm {
        return Err(Refusal::ListKind);
    }
    check_number(find(extensions, id::CRL_NUMBER))?;
    let known = |one: &Extension| one.extn_id == id::ISSUING_DISTRIBUTION_POINT;
    let delta = find(extensions, id::DELTA_CRL).is_some();
    // An entry's critical extension may say that it is of another issuer (RFC 5280 section 5.3.3).
    let entry_extensions = entries
        .iter()
        .flat_map(|one| one.crl_entry_extensions.iter());
    let foreign = entry_extensions.flatten().any(|one| one.critical);
    if delta || foreign || extensions.iter().any(|one| one.critical && !known(one)) {
        return Err(Refusal::ListKind);
    }
    let point = decode(find(extensions, id::ISSUING_DISTRIBUTION_POINT));
    scope_of(point.map_err(|_| Refusal::ListKind)?)
}

/// RFC 5280 section 5.2.3: issuers "MUST include this extension in all CRLs", and it "MUST NOT be
/// critical"; a number of more than 20 octets is none.
fn check_number(extension: Option<&Extension>) -> Result<(), Refusal> {
    let extension = extension.ok_or(Refusal::ListNumber)?;
    let number = UintRef::from_der(extension.extn_value.as_bytes());
    let number = number.map_err(|_| Refusal::ListNumber)?;
    if extension.critical || number.as_bytes().len() > 20 {
        return Err(Refusal::ListNumber);
    }
    Ok(())
}

fn scope_of(point: Option<IssuingDistributionPoint>) -> Result<Scope, Refusal> {
    let Some(point) = point else {
        return Ok(Scope::default());
    };
    if point.indirect_crl
        || point.only_contains_attribute_certs
        || point.only_some_reasons.is_some()
        || (point.only_contains_user_certs && point.only_contains_ca_certs)
    {
        return Err(Refusal::ListKind);
    }
    let points = match point.distribution_point {
        None => None,
        Some(DistributionPointName::FullName(names)) => Some(uris(&names)),
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Err(Refusal::ListKind),
    };
    Ok(Scope {
        points,
        only_peers: point.only_contains_user_certs,
        only_authorities: point.only_contains_ca_certs,
    })
}

fn find(extensions: &[Extension], id: ObjectIdentifier) -> Option<&Extension> {
    extensions.iter().find(|one| one.extn_id == id)
}
