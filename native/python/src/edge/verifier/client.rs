//! Clients that present a certificate. None has to.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DistinguishedName, Error};

use super::Trust;
use super::refused::to_rustls;
use super::signatures::signatures;

/// As rustls wants it.
#[derive(Debug)]
pub struct DeviceVerifier {
    trust: Arc<Trust>,
    roots: Vec<DistinguishedName>,
}

impl DeviceVerifier {
    /// A verifier that names the authorities it trusts to clients.
    pub fn new(trust: Arc<Trust>) -> Self {
        let roots = trust.verifier.anchors().as_slice().iter();
        let roots = roots.map(|root| DistinguishedName::in_sequence(&root.subject));
        Self {
            roots: roots.collect(),
            trust,
        }
    }
}

impl ClientCertVerifier for DeviceVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.roots
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.trust.verify(end_entity, intermediates, None, now);
        verified.map_err(to_rustls)?;
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}
