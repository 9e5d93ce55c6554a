//! A refusal as rustls tells it: the alert to the peer, the text to us.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::{CertificateError, Error, OtherError};
use vestibule_pki::Refusal;

/// The refusal in full; where RFC 8446 section 6.2 has an alert of its own for it, that one is sent.
pub fn to_rustls(refusal: Refusal) -> Error {
    let fault = match refusal {
        Refusal::Unreadable => CertificateError::BadEncoding,
        Refusal::UnknownIssuer => CertificateError::UnknownIssuer,
        Refusal::Expired => CertificateError::Expired,
        Refusal::NotValidYet => CertificateError::NotValidYet,
        Refusal::Revoked => CertificateError::Revoked,
        Refusal::Name => CertificateError::NotValidForName,
        Refusal::CriticalExtension => CertificateError::UnhandledCriticalExtension,
        Refusal::Purpose | Refusal::AnyPurpose => CertificateError::InvalidPurpose,
        Refusal::RevocationUnknown { .. } => CertificateError::UnknownRevocationStatus,
        Refusal::ListExpired { .. } => CertificateError::ExpiredRevocationList,
        other => CertificateError::Other(OtherError(Arc::new(Refused(other)))),
    };
    Error::InvalidCertificate(fault)
}

/// One word for a refused certificate, for those who count; they don't ask more than this.
pub fn certificate_fault(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::BadEncoding => "unreadable",
        CertificateError::UnknownIssuer => "unknown-issuer",
        CertificateError::Expired => "expired",
        CertificateError::NotValidYet => "not-valid-yet",
        CertificateError::Revoked => "revoked",
        CertificateError::NotValidForName => "name",
        CertificateError::UnhandledCriticalExtension => "critical-extension",
        CertificateError::InvalidPurpose => "purpose",
        CertificateError::UnknownRevocationStatus => "revocation-unknown",
        CertificateError::ExpiredRevocationList => "revocation-list-expired",
        CertificateError::BadSignature => "signature",
        _ => "unfit",
    }
}

/// Shown as its sentence, where rustls would show the variant's name.
struct Refused(Refusal);

impl fmt::Debug for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl StdError for Refused {}
