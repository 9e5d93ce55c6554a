//! Certificates of peers, checked fully: chain, validity, purpose, revocation, and a server's name.
//!
//! rustls-webpki does the path. Two things it lets pass are refused here: a certificate that doesn't say
//! what it may be used for (no Extended Key Usage, or `anyExtendedKeyUsage` in it), and any certificate
//! at all while there is no revocation list to look it up in.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::ExtendedKeyUsage;

const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// What a certificate is presented as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Client,
    Server,
}

impl Purpose {
    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Client => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
            Self::Server => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
        }
    }
}

/// The certificate must name the purpose and must not be for any purpose (RFC 5280 section 4.2.1.12).
fn check_purpose(end_entity: &CertificateDer<'_>, purpose: Purpose) -> Result<(), Error> {
    let unreadable = |_| Error::from(CertificateError::BadEncoding);
    let certificate = Certificate::from_der(end_entity).map_err(unreadable)?;
    let found = certificate
        .tbs_certificate()
        .get_extension::<ExtendedKeyUsage>()
        .map_err(unreadable)?;
    let purposes = found.map(|(_, usage)| usage.0).unwrap_or_default();
    if purposes.contains(&purpose.oid()) && !purposes.contains(&ANY_PURPOSE) {
        Ok(())
    } else {
        Err(CertificateError::InvalidPurpose.into())
    }
}

/// What `set_trust` gave: the verifiers of both directions, built once.
#[derive(Debug)]
pub struct Trust {
    client: Arc<StrictClientVerifier>,
    server: Arc<StrictServerVerifier>,
}

impl Trust {
    /// Verifiers for certificates that lead to `roots` and are not on `crls`.
    ///
    /// # Errors
    /// A CRL can't be parsed, or there are no roots.
    pub fn new(
        roots: RootCertStore,
        crls: &[CertificateRevocationListDer<'static>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(roots);
        let revocation_known = !crls.is_empty();
        let client =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
                .with_crls(crls.iter().cloned())
                .enforce_revocation_expiration()
                .allow_unauthenticated()
                .build()?;
        let server = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .with_crls(crls.iter().cloned())
            .enforce_revocation_expiration()
            .build()?;
        Ok(Self {
            client: Arc::new(StrictClientVerifier {
                inner: client,
                revocation_known,
            }),
            server: Arc::new(StrictServerVerifier {
                inner: server,
                revocation_known,
            }),
        })
    }

    /// For handshakes in which we are the server.
    pub fn client_verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.client) as _
    }

    /// For handshakes in which we are the client.
    pub fn server_verifier(&self) -> Arc<dyn ServerCertVerifier> {
        Arc::clone(&self.server) as _
    }

    /// Whether a peer that was verified earlier would be so now.
    pub fn still_accepts(&self, peer: &VerifiedPeer, now: UnixTime) -> bool {
        let Some((end_entity, intermediates)) = peer.chain.split_first() else {
            return false;
        };
        match &peer.server_name {
            None => self
                .client
                .verify_client_cert(end_entity, intermediates, now)
                .is_ok(),
            Some(name) => self
                .server
                .verify_server_cert(end_entity, intermediates, name, &[], now)
                .is_ok(),
        }
    }
}

/// A peer that proved itself by certificate when its connection began.
#[derive(Clone, Debug)]
pub struct VerifiedPeer {
    chain: Arc<[CertificateDer<'static>]>,
    /// The name we connected to; `None` of a client that connected to us.
    server_name: Option<ServerName<'static>>,
}

impl VerifiedPeer {
    /// A client; `None` if it presented no certificate.
    pub fn client(chain: Option<&[CertificateDer<'static>]>) -> Option<Self> {
        let chain = chain.filter(|chain| !chain.is_empty())?;
        Some(Self {
            chain: chain.into(),
            server_name: None,
        })
    }

    /// A server that we connected to by that name.
    pub fn server(chain: &[CertificateDer<'static>], name: ServerName<'static>) -> Self {
        Self {
            chain: chain.into(),
            server_name: Some(name),
        }
    }

    /// Its own certificate.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.chain.first()
    }
}

fn check_revocation_known(known: bool) -> Result<(), Error> {
    if known {
        Ok(())
    } else {
        Err(CertificateError::UnknownRevocationStatus.into())
    }
}

#[derive(Debug)]
struct StrictClientVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    revocation_known: bool,
}

impl ClientCertVerifier for StrictClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_revocation_known(self.revocation_known)?;
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        check_purpose(end_entity, Purpose::Client)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct StrictServerVerifier {
    inner: Arc<WebPkiServerVerifier>,
    revocation_known: bool,
}

impl ServerCertVerifier for StrictServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        check_revocation_known(self.revocation_known)?;
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        check_purpose(end_entity, Purpose::Server)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
