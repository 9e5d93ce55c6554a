//! TLS as every connection of ours has it, and the identity and trust it stands on at the moment.
//!
//! `set_identity` and `set_trust` build new configurations and swap them in whole: a handshake takes
//! the one that is current when it begins, live connections keep theirs. Sessions are never resumed, in
//! either direction: a resumed one would skip the certificate checks, and those are made every time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{SignatureAlgorithm, SupportedProtocolVersion};
use thiserror::Error;
use tokio::sync::watch;
use vestibule_pki::{AnchorRefused, Anchors, ListRefused, RevocationList};

use super::suites;
use super::verifier::{Naming, Trust, VerifiedPeer, Wanted};

const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// Why an identity or a trust can't be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The PEM text is broken.
    #[error("not readable as PEM: {0}")]
    Pem(#[from] pem::Error),
    /// There is no certificate in the chain.
    #[error("the chain holds no certificate")]
    EmptyChain,
    /// The key is of an unknown kind or isn't the certificate's.
    #[error("certificate and key don't fit: {0}")]
    Identity(rustls::Error),
    /// FIPS 186-5 has it, but few validated modules do.
    #[error("an Ed25519 key, which the fips setting turns off")]
    NotApproved,
    /// There is no certificate among the roots.
    #[error("no root certificate")]
    NoRoots,
    /// A root can't be used as a trust anchor.
    #[error("root certificate not usable: {0}")]
    Root(#[from] AnchorRefused),
    /// A CRL can't be parsed.
    #[error("revocation list not usable: {0}")]
    Revocations(#[from] ListRefused),
    /// The provider lacks what we ask for.
    #[error("TLS configuration: {0}")]
    Config(rustls::Error),
}

/// What handshakes use from now on.
#[derive(Debug, Default)]
pub struct Current {
    /// `None` until there is an identity.
    pub servers: Option<Servers>,
    /// To hosts; `None` until there is a trust.
    pub client: Option<Arc<ClientConfig>>,
    /// To SIP domains; `None` until there is a trust.
    pub partner: Option<Arc<ClientConfig>>,
    /// The trust itself, to look at live peers again.
    pub trust: Option<Arc<Trust>>,
}

/// How connections are accepted.
#[derive(Debug, Clone)]
pub struct Servers {
    /// Clients are asked for a certificate and may have none.
    pub usual: Arc<ServerConfig>,
    /// For clients that can't bear to be asked.
    pub without_client_certificate: Arc<ServerConfig>,
}

/// Identity, trust, and the configurations made of them.
#[derive(Debug)]
pub struct TlsStore {
    fips: bool,
    provider: Arc<CryptoProvider>,
    wanted: Arc<Wanted>,
    parts: Mutex<Parts>,
    current: watch::Sender<Arc<Current>>,
}

#[derive(Debug, Default, Clone)]
struct Parts {
    identity: Option<Arc<SingleCertAndKey>>,
    trust: Option<Arc<Trust>>,
}

impl TlsStore {
    /// No identity and no trust yet; with `fips`, approved algorithms only.
    pub fn new(fips: bool) -> Self {
        Self {
            fips,
            provider: Arc::new(suites::provider(fips)),
            wanted: Arc::default(),
            parts: Mutex::default(),
            current: watch::Sender::default(),
        }
    }

    /// Present this certificate from now on.
    ///
    /// # Errors
    /// See [`TlsError`]; then nothing has changed.
    pub fn set_identity(&self, chain_pem: &[u8], key_pem: &[u8]) -> Result<(), TlsError> {
        let chain = certificates(chain_pem)?;
        if chain.is_empty() {
            return Err(TlsError::EmptyChain);
        }
        let key = PrivateKeyDer::from_pem_slice(key_pem)?;
        let certified =
            CertifiedKey::from_der(chain, key, &self.provider).map_err(TlsError::Identity)?;
        if self.fips && certified.key.algorithm() == SignatureAlgorithm::ED25519 {
            return Err(TlsError::NotApproved);
        }
        let identity = Arc::new(SingleCertAndKey::from(certified));
        self.change(|parts| parts.identity = Some(identity))
    }

    /// Accept peers' certificates on these grounds from now on.
    ///
    /// # Errors
    /// See [`TlsError`]; then nothing has changed.
    pub fn set_trust(
        &self,
        roots_pem: &[u8],
        crls_der: &[Vec<u8>],
        grace: Duration,
    ) -> Result<(), TlsError> {
        let mut anchors = Anchors::default();
        for root in certificates(roots_pem)? {
            anchors.add(&root)?;
        }
        if anchors.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let lists = crls_der.iter().map(|der| RevocationList::from_der(der));
        let lists = lists.collect::<Result<_, _>>()?;
        let trust = Trust::new(anchors, lists, grace, &self.provider, &self.wanted);
        self.change(|parts| parts.trust = Some(Arc::new(trust)))
    }

    /// Where lists are that peers were refused for the lack of, since the last time this was asked.
    pub fn wanted_lists(&self) -> BTreeSet<String> {
        self.wanted.take()
    }

    /// What a handshake that begins now uses, and to hear of every change after that.
    pub fn watch(&self) -> Watch {
        let mut changes = self.current.subscribe();
        let current = Arc::clone(&changes.borrow_and_update());
        Watch { current, changes }
    }

    fn change(&self, set: impl FnOnce(&mut Parts)) -> Result<(), TlsError> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = parts.clone();
        set(&mut next);
        let current = self.configure(&next).map_err(TlsError::Config)?;
        *parts = next;
        self.current.send_replace(Arc::new(current));
        Ok(())
    }

    fn configure(&self, parts: &Parts) -> Result<Current, rustls::Error> {
        let servers = match &parts.identity {
            Some(identity) => Some(Servers {
                usual: self.server_config(identity, parts.trust.as_ref())?,
                without_client_certificate: self.server_config(identity, None)?,
            }),
            None => None,
        };
        Ok(Current {
            servers,
            client: self.client_config(parts, Naming::Host)?,
            partner: self.client_config(parts, Naming::SipDomain)?,
            trust: parts.trust.clone(),
        })
    }

    fn server_config(
        &self,
        identity: &Arc<SingleCertAndKey>,
        trust: Option<&Arc<Trust>>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let verifier = match trust {
            Some(trust) => trust.client_verifier(),
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(VERSIONS)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(identity) as _);
        config.ignore_client_order = true;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.require_ems = self.fips;
        Ok(Arc::new(config))
    }

    fn client_config(
        &self,
        parts: &Parts,
        naming: Naming,
    ) -> Result<Option<Arc<ClientConfig>>, rustls::Error> {
        let Some(trust) = &parts.trust else {
            return Ok(None);
        };
        let identity = parts.identity.as_ref();
        let config = client_config(&self.provider, trust, naming, identity, self.fips)?;
        Ok(Some(Arc::new(config)))
    }
}

/// How connections are that we begin; without an identity, as nobody.
///
/// # Errors
/// The provider lacks what we ask for.
pub fn client_config(
    provider: &Arc<CryptoProvider>,
    trust: &Arc<Trust>,
    naming: Naming,
    identity: Option<&Arc<SingleCertAndKey>>,
    fips: bool,
) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(trust.server_verifier(naming));
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.require_ems = fips;
    Ok(config)
}

/// The configuration of one handshake and what becomes of it later.
#[derive(Debug)]
pub struct Watch {
    /// As it was when the handshake began.
    pub current: Arc<Current>,
    changes: watch::Receiver<Arc<Current>>,
}

impl Watch {
    /// Resolves when the trust changes to one that no longer accepts the peer: its certificate has been
    /// revoked or has expired. Never if it presented none.
    pub async fn until_distrusted(mut self, peer: Option<VerifiedPeer>) {
        let Some(peer) = peer else {
            return std::future::pending().await;
        };
        while self.changes.changed().await.is_ok() {
            let trust = self.changes.borrow_and_update().trust.clone();
            if trust.is_none_or(|trust| !trust.still_accepts(&peer, UnixTime::now())) {
                return;
            }
        }
        std::future::pending().await
    }
}

pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{TlsError, TlsStore};

    #[test]
    fn what_is_refused_changes_nothing() {
        let store = TlsStore::new(false);
        assert!(matches!(
            store.set_identity(b"", b""),
            Err(TlsError::EmptyChain)
        ));
        assert!(matches!(
            store.set_trust(b"", &[], Duration::ZERO),
            Err(TlsError::NoRoots)
        ));
        assert!(store.watch().current.servers.is_none());
        assert!(store.watch().current.client.is_none());
    }
}
