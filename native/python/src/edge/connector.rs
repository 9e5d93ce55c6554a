//! Connections that we begin: to a partner, a trunk or another node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::core::{Core, Opened, Registration};
use super::sip_flow;
use super::tls::Current;
use super::verifier::{Naming, VerifiedPeer};

/// Where to connect.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address or name of the machine.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What its certificate must be for.
    pub server_name: String,
    /// How that name is meant.
    pub naming: Naming,
}

/// Why no flow came of it.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// `set_trust` hasn't been called.
    #[error("no trust is set")]
    NoTrust,
    /// It is neither a DNS name nor an address.
    #[error("not a server name")]
    ServerName,
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The name has no address.
    #[error("no address")]
    NoAddress,
    /// The system, or TLS: the text says which certificate check failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Connect and serve the flow to its end.
pub async fn connect(core: Arc<Core>, mut registration: Registration, target: Target) {
    let watch = core.tls.watch();
    let current = Arc::clone(&watch.current);
    let connecting = timeout(core.settings.handshake, handshake(&current, &target));
    let outcome = tokio::select! {
        outcome = connecting => outcome.unwrap_or(Err(ConnectError::TimedOut)),
        () = core.closing() => return registration.ends_because("shutting down"),
    };
    match outcome {
        Ok((stream, opened, peer)) => {
            registration.open(opened);
            registration.standing.prove();
            let distrust = watch.until_distrusted(Some(peer));
            sip_flow::serve(&core, &mut registration, stream, b"", distrust).await;
        }
        Err(error) => registration.ends_because(error.to_string()),
    }
}

async fn handshake(
    current: &Current,
    target: &Target,
) -> Result<(TlsStream<TcpStream>, Opened, VerifiedPeer), ConnectError> {
    let config = match target.naming {
        Naming::Host => &current.client,
        Naming::SipDomain => &current.partner,
    };
    let config = config.clone().ok_or(ConnectError::NoTrust)?;
    let name =
        ServerName::try_from(target.server_name.clone()).map_err(|_| ConnectError::ServerName)?;
    let expected = target.naming.expected(&name);
    let expected = expected.ok_or(ConnectError::ServerName)?;
    let (socket, address) = reach(target).await?;
    socket.set_nodelay(true)?;
    let local_port = socket.local_addr()?.port();
    let connector = TlsConnector::from(config);
    let stream = connector.connect(name, socket).await?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let peer = VerifiedPeer::server(chain, expected);
    let opened = Opened {
        transport: "tls",
        peer_host: address.ip().to_canonical().to_string(),
        peer_port: address.port(),
        local_port,
        certificate: None,
    };
    Ok((stream, opened, peer))
}

/// The first address that takes the connection.
async fn reach(target: &Target) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut failed = ConnectError::NoAddress;
    for address in lookup_host((target.host.as_str(), target.port)).await? {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}
