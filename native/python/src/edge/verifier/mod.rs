//! Certificates of peers: `vestibule_pki` decides, rustls asks.
//!
//! One [`Trust`] serves every connection: [`client`] when we are the server, [`server`] when we begin it.
//! Distribution points of lists that were missing are kept in [`wanted`] for Python to fetch.

mod client;
mod refused;
mod server;
mod signatures;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use vestibule_pki::{
    Anchors, ExpectedName, Limits, Presented, Purpose, Refusal, RevocationList, Verifier,
};

use client::DeviceVerifier;
pub use refused::certificate_fault;
pub use server::Naming;
use server::PeerVerifier;
pub use wanted::Wanted;

/// What the CA/Browser Forum calls a short-lived certificate since March 2026.
const SHORT_LIVED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What `set_trust` gave.
#[derive(Debug)]
pub struct Trust {
    verifier: Verifier,
    provider: Arc<CryptoProvider>,
    wanted: Arc<Wanted>,
}

impl Trust {
    /// Trust certificates that lead to `anchors` and are not on `lists`, which serve for `grace` past
    /// their time. Lists that are missing are noted in `wanted`. Signatures are those of `provider` only.
    pub fn new(
        anchors: Anchors,
        lists: Vec<RevocationList>,
        grace: Duration,
        provider: &Arc<CryptoProvider>,
        wanted: &Arc<Wanted>,
    ) -> Self {
        Self {
            verifier: Verifier::new(anchors, lists, grace, Limits::default())
                .with_algorithms(provider.signature_verification_algorithms.all),
            provider: Arc::clone(provider),
            wanted: Arc::clone(wanted),
        }
    }

    /// For web servers that Python fetches from. Of public ones, some live too shortly to be listed; with
    /// `lists_only`, what is fetched are lists themselves.
    #[must_use]
    pub fn for_fetching(mut self, lists_only: bool) -> Self {
        self.verifier = self.verifier.with_short_lived(SHORT_LIVED);
        if lists_only {
            self.verifier = self.verifier.for_list_servers();
        }
        self
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// For handshakes in which we are the server.
    pub fn client_verifier(self: &Arc<Self>) -> Arc<dyn ClientCertVerifier> {
        Arc::new(DeviceVerifier::new(Arc::clone(self)))
    }

    /// For handshakes in which we are the client.
    pub fn server_verifier(self: &Arc<Self>, naming: Naming) -> Arc<dyn ServerCertVerifier> {
        Arc::new(PeerVerifier::new(Arc::clone(self), naming))
    }

    /// Whether a peer that was verified earlier would be so now.
    pub fn still_accepts(&self, peer: &VerifiedPeer, now: UnixTime) -> bool {
        let Some((end_entity, intermediates)) = peer.chain.split_first() else {
            return false;
        };
        self.verify(end_entity, intermediates, peer.name.as_ref(), now)
            .is_ok()
    }

    /// A client's certificate is looked at without a name, a server's with the one that we asked for.
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: Option<&ExpectedName>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let purpose = match name {
            None => Purpose::Client,
            Some(_) => Purpose::Server,
        };
        let presented = Presented {
            peer: end_entity,
            intermediates,
        };
        let outcome = self.verifier.verify(presented, purpose, name, now);
        if let Err(refusal) = &outcome {
            self.wanted.note(refusal.lists_to_fetch());
        }
        outcome
    }
}

/// A peer that proved itself by certificate when its connection began.
#[derive(Clone, Debug)]
pub struct VerifiedPeer {
    chain: Arc<[CertificateDer<'static>]>,
    /// The name we connected to; `None` of a client that connected to us.
    name: Option<ExpectedName>,
}

impl VerifiedPeer {
    /// A client; `None` if it presented no certificate.
    pub fn client(chain: Option<&[CertificateDer<'static>]>) -> Option<Self> {
        let chain = chain.filter(|chain| !chain.is_empty())?;
        Some(Self {
            chain: chain.into(),
            name: None,
        })
    }

    /// A server that we connected to by that name.
    pub fn server(chain: &[CertificateDer<'static>], name: ExpectedName) -> Self {
        Self {
            chain: chain.into(),
            name: Some(name),
        }
    }

    /// Its own certificate.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.chain.first()
    }
}
