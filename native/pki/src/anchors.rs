//! The authorities that are trusted, and their certificates.

use rustls_pki_types::{CertificateDer, TrustAnchor};
use thiserror::Error;
use webpki::anchor_from_trusted_cert;

use crate::certificate::Certificate;

/// Why a certificate can't be a trust anchor at all. What else is unfit in it is found when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not readable as a certificate")]
pub struct AnchorRefused;

/// Trusted authorities.
#[derive(Debug, Default)]
pub struct Anchors {
    anchors: Vec<TrustAnchor<'static>>,
    certificates: Vec<Certificate>,
}

impl Anchors {
    /// Trust one more authority.
    ///
    /// # Errors
    /// It isn't a certificate.
    pub fn add(&mut self, der: &CertificateDer<'_>) -> Result<(), AnchorRefused> {
        let certificate = Certificate::from_der(der).map_err(|_| AnchorRefused)?;
        let anchor = anchor_from_trusted_cert(der).map_err(|_| AnchorRefused)?;
        self.anchors.push(anchor.to_owned());
        self.certificates.push(certificate);
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// As rustls-webpki wants them, in the order they were added.
    pub fn as_slice(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The certificate of one of [`as_slice`](Self::as_slice): the same object, not its like.
    pub(crate) fn certificate(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        let same = |one: &TrustAnchor<'static>| {
            one.subject == anchor.subject
                && one.subject_public_key_info == anchor.subject_public_key_info
                && one.name_constraints == anchor.name_constraints
        };
        self.certificates.get(self.anchors.iter().position(same)?)
    }
}
