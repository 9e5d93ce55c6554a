//! Servers that we connect to.

use std::sync::Arc;

use rustls::Error;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use vestibule_pki::{ExpectedName, Refusal, SipDomain};

use super::Trust;
use super::refused::to_rustls;
use super::signatures::signatures;

/// What kind of name a server must be certified for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// A host (RFC 6125).
    Host,
    /// A SIP domain that it speaks for (RFC 5922).
    SipDomain,
}

impl Naming {
    /// The name as the verifier wants it; `None` if it can't be one of this kind.
    pub fn expected(self, name: &ServerName<'_>) -> Option<ExpectedName> {
        match (self, name) {
            (Self::Host, name) => Some(ExpectedName::Host(name.to_owned())),
            (Self::SipDomain, ServerName::DnsName(domain)) => {
                SipDomain::new(domain.as_ref()).map(ExpectedName::SipDomain)
            }
            (Self::SipDomain, _) => None,
        }
    }
}

/// As rustls wants it.
#[derive(Debug)]
pub struct PeerVerifier {
    trust: Arc<Trust>,
    naming: Naming,
}

impl PeerVerifier {
    /// A verifier of servers that are called by names of that kind.
    pub fn new(trust: Arc<Trust>, naming: Naming) -> Self {
        Self { trust, naming }
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = self.naming.expected(server_name);
        let name = name.ok_or_else(|| to_rustls(Refusal::Name))?;
        let verified = self
            .trust
            .verify(end_entity, intermediates, Some(&name), now);
        verified.map_err(to_rustls)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}
