//! TLS of connections that Python begins to web servers: the same verifier, suites and floors as everywhere.
//!
//! Without I/O: [`OutgoingTls`] makes one [`rustls::ClientConnection`] per connection, Python moves the bytes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Error};
use vestibule_pki::{Anchors, RevocationList};

use super::suites;
use super::tls::{TlsError, certificates, client_config};
use super::verifier::{Naming, Trust, Wanted};

/// Whom we believe, and by which lists.
#[derive(Debug)]
pub struct OutgoingTls {
    /// Servers of anything.
    servers: Arc<ClientConfig>,
    /// Servers of lists: those of whom no list tells are accepted.
    list_servers: Arc<ClientConfig>,
    wanted: Arc<Wanted>,
}

impl OutgoingTls {
    /// Trust these roots by these lists. A root that can't be one is left out: the system's are not ours to
    /// mend, and who leads to it is refused.
    ///
    /// # Errors
    /// The PEM text is broken, or a list.
    pub fn new(
        roots_pem: &[u8],
        crls_der: &[Vec<u8>],
        grace: Duration,
        fips: bool,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(suites::provider(fips));
        let wanted = Arc::<Wanted>::default();
        let config = |lists_only: bool, wanted: &Arc<Wanted>| {
            let mut anchors = Anchors::default();
            for root in certificates(roots_pem)? {
                let _unfit = anchors.add(&root);
            }
            let lists = crls_der.iter().map(|der| RevocationList::from_der(der));
            let lists = lists.collect::<Result<_, _>>()?;
            let trust = Trust::new(anchors, lists, grace, &provider, wanted);
            let trust = Arc::new(trust.for_fetching(lists_only));
            let config = client_config(&provider, &trust, Naming::Host, None, fips);
            config.map(Arc::new).map_err(TlsError::Config)
        };
        Ok(Self {
            servers: config(false, &wanted)?,
            list_servers: config(true, &Arc::default())?,
            wanted,
        })
    }

    /// A connection to a host, which begins with its handshake.
    ///
    /// # Errors
    /// It is neither a DNS name nor an address.
    pub fn connect(&self, host: &str, lists_only: bool) -> Result<ClientConnection, Error> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| Error::General("not a server name".into()))?;
        let config = if lists_only {
            &self.list_servers
        } else {
            &self.servers
        };
        ClientConnection::new(Arc::clone(config), name)
    }

    /// Where lists are that a server was refused for the lack of, since the last time this was asked.
    pub fn wanted_lists(&self) -> BTreeSet<String> {
        self.wanted.take()
    }
}
