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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
    use rustls::{CertificateError, Error, RootCertStore};

    use super::Trust;

    // Made by tests/certificates.py at `MADE`: certificates live for 30 days, CRLs for 7.
    const MADE: u64 = 1_795_511_975;
    const DAY: u64 = 24 * 3600;
    const ROOT: &[u8] = include_bytes!("testdata/root.der");
    const ISSUER: &[u8] = include_bytes!("testdata/issuer.der");
    const CLIENT: &[u8] = include_bytes!("testdata/client.der");
    const SERVER: &[u8] = include_bytes!("testdata/server.der");
    const REVOKED: &[u8] = include_bytes!("testdata/revoked.der");
    const CRLS: [&[u8]; 2] = [
        include_bytes!("testdata/issuer.crl"),
        include_bytes!("testdata/root.crl"),
    ];

    fn trust(crls: &[&'static [u8]]) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(ROOT)).unwrap();
        let crls: Vec<_> = crls
            .iter()
            .map(|crl| CertificateRevocationListDer::from(*crl))
            .collect();
        Trust::new(roots, &crls, &Arc::new(default_provider())).unwrap()
    }

    /// What is wrong with a client that presents this, so many days after it was made.
    fn fault(crls: &[&'static [u8]], certificate: &[u8], days: u64) -> Option<CertificateError> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(MADE + days * DAY));
        let certificate = CertificateDer::from(certificate);
        let issuer = [CertificateDer::from(ISSUER)];
        let verified = trust(crls)
            .client_verifier()
            .verify_client_cert(&certificate, &issuer, now);
        match verified {
            Ok(_) => None,
            Err(Error::InvalidCertificate(fault)) => Some(fault),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_client_for_clients_is_accepted() {
        assert_eq!(fault(&CRLS, CLIENT, 0), None);
    }

    #[test]
    fn the_purpose_must_be_named_and_the_only_kind() {
        for unfit in [
            &include_bytes!("testdata/no_purpose.der")[..],
            include_bytes!("testdata/client_and_any.der"),
        ] {
            assert_eq!(
                fault(&CRLS, unfit, 0),
                Some(CertificateError::InvalidPurpose)
            );
        }
        for unfit in [SERVER, include_bytes!("testdata/any_purpose.der")] {
            assert!(matches!(
                fault(&CRLS, unfit, 0),
                Some(CertificateError::InvalidPurposeContext { .. })
            ));
        }
    }

    #[test]
    fn revocation_must_be_known_and_fresh() {
        assert_eq!(fault(&CRLS, REVOKED, 0), Some(CertificateError::Revoked));
        for lists in [&[][..], &CRLS[..1], &CRLS[1..]] {
            assert_eq!(
                fault(lists, CLIENT, 0),
                Some(CertificateError::UnknownRevocationStatus)
            );
        }
        assert!(matches!(
            fault(&CRLS, CLIENT, 8),
            Some(CertificateError::ExpiredRevocationListContext { .. })
        ));
    }

    #[test]
    fn a_certificate_past_its_time_is_refused() {
        assert!(matches!(
            fault(&CRLS, CLIENT, 31),
            Some(CertificateError::ExpiredContext { .. })
        ));
    }

    #[test]
    fn a_server_must_be_for_servers_and_of_that_name() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(MADE));
        let issuer = [CertificateDer::from(ISSUER)];
        let accepts = |certificate: &[u8], name: &str| {
            let name = ServerName::try_from(name.to_owned()).unwrap();
            trust(&CRLS)
                .server_verifier()
                .verify_server_cert(&certificate.into(), &issuer, &name, &[], now)
                .is_ok()
        };
        assert!(accepts(SERVER, "edge.test"));
        assert!(!accepts(SERVER, "other.test"));
        assert!(!accepts(CLIENT, "edge.test"));
    }
}
