//! One accepted connection: handshake, first bytes, then whatever they turn out to be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::core::{Core, Opened, Registration};
use super::counters::{Count, Counters};
use super::http_head::{Head, read_head, refusal};
use super::http_passthrough::{self, Passage};
use super::outbox::Encoding;
use super::reading::read_once;
use super::relay_stream;
use super::sip_flow;
use super::sniff::{Protocol, sniff};
use super::standing::Standing;
use super::tls::{Servers, Watch};
use super::verifier::{VerifiedPeer, certificate_fault};
use super::websocket;
use crate::relay::streams::StreamDoor;

/// What a listener serves.
#[derive(Debug)]
pub struct Serves {
    /// SIP.
    pub sip: bool,
    /// HTTP and, if it goes to the portal, the WebSocket.
    pub web: bool,
    /// Path of another application's Unix socket than the portal's.
    pub application: Option<String>,
    /// What serves STUN and TURN.
    pub relay: Option<StreamDoor>,
    /// STUN and TURN alone, without TLS: their requests prove themselves and their media is encrypted.
    pub plain: bool,
    /// Where what happens here is counted.
    pub counters: Arc<Counters>,
}

/// A connection that has proven its TLS.
struct Connection {
    core: Arc<Core>,
    serves: Arc<Serves>,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    local: SocketAddr,
    verified: Option<VerifiedPeer>,
    /// The trust it was verified with, and those after it.
    watch: Watch,
    /// What has been read and not used.
    first: BytesMut,
}

/// What the first bytes ask for.
enum Asked {
    Sip,
    WebSocket(usize),
    Application,
    Relay,
    Refused(Count, Vec<u8>),
}

/// Serve an accepted connection to its end. Each stage is boxed, so that a connection which idles in its
/// last one doesn't keep the room of those before.
pub async fn serve(core: Arc<Core>, socket: TcpStream, peer: SocketAddr, serves: Arc<Serves>) {
    if serves.plain {
        if let Some(relay) = &serves.relay
            && socket.set_nodelay(true).is_ok()
        {
            let (counters, first) = (&serves.counters, BytesMut::new());
            let never = std::future::pending();
            relay_stream::serve(&core, relay, counters, socket, peer, first, never).await;
        }
        return;
    }
    let Some(mut connection) = Box::pin(handshake(core, socket, peer, serves)).await else {
        return;
    };
    let core = Arc::clone(&connection.core);
    let deadline = Instant::now() + core.settings.handshake;
    match timeout_at(deadline, Box::pin(connection.ask())).await {
        Ok(Some(Asked::Sip)) => Box::pin(connection.flow(Encoding::Stream)).await,
        Ok(Some(Asked::WebSocket(length))) => Box::pin(connection.websocket(length)).await,
        Ok(Some(Asked::Application)) => Box::pin(connection.application()).await,
        Ok(Some(Asked::Relay)) => Box::pin(connection.relay()).await,
        Ok(Some(Asked::Refused(count, answer))) => {
            Box::pin(connection.refuse(count, &answer)).await
        }
        Ok(None) => {}
        Err(_) => Box::pin(connection.refuse(Count::FirstBytesTimeout, b"")).await,
    }
}

async fn handshake(
    core: Arc<Core>,
    socket: TcpStream,
    peer: SocketAddr,
    serves: Arc<Serves>,
) -> Option<Connection> {
    let watch = core.tls.watch();
    let Some(servers) = watch.current.servers.clone() else {
        serves.counters.add(Count::NoIdentity);
        return None;
    };
    let local = socket.local_addr().ok()?;
    socket.set_nodelay(true).ok()?;
    let accepting = accept(socket, &servers, &serves);
    let accepted = tokio::select! {
        accepted = timeout(core.settings.handshake, accepting) => accepted,
        () = core.closing() => return None,
    };
    match accepted {
        Ok(Ok(stream)) => {
            let verified = VerifiedPeer::client(stream.get_ref().1.peer_certificates());
            Some(Connection {
                core,
                serves,
                stream,
                peer,
                local,
                verified,
                watch,
                first: BytesMut::new(),
            })
        }
        Ok(Err(error)) => {
            serves.counters.add(fault(&core, peer, &error));
            None
        }
        Err(_) => {
            serves.counters.add(Count::HandshakeTimeout);
            None
        }
    }
}

/// The handshake itself. Chromium's TURN client gives up when it is asked for a certificate. It is told from
/// browsers and SIP clients by its hello, which names no protocol (RFC 7301); who isn't asked has no
/// certificate here, which gives nobody more rights.
async fn accept(
    socket: TcpStream,
    servers: &Servers,
    serves: &Serves,
) -> io::Result<TlsStream<TcpStream>> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
    let may_be_turn = serves.relay.is_some() && !serves.sip;
    let config = match begun.client_hello().alpn() {
        None if may_be_turn => &servers.without_client_certificate,
        _ => &servers.usual,
    };
    begun.into_stream(Arc::clone(config)).await
}

/// Why a handshake failed. A refused certificate is told to Python, too.
fn fault(core: &Core, peer: SocketAddr, error: &io::Error) -> Count {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            let reason = certificate_fault(fault);
            core.refused_peers.note(peer.ip(), reason);
            Count::CertificateRefused
        }
        Some(rustls::Error::InvalidMessage(_)) => Count::NotTls,
        Some(_) => Count::HandshakeFailed,
        None => Count::HandshakeAbandoned,
    }
}

impl Connection {
    /// Read until it is clear what the peer wants; `None` if it goes before.
    async fn ask(&mut self) -> Option<Asked> {
        loop {
            let first = &mut self.first;
            let reading = read_once(&mut self.stream, |bytes| first.extend_from_slice(bytes));
            tokio::select! {
                read = reading => read.ok()??,
                () = self.core.closing() => return None,
            }
            if let Some(asked) = asked(&self.first, &self.serves) {
                return Some(asked);
            }
        }
    }

    async fn flow(mut self, encoding: Encoding) {
        let transport = match encoding {
            Encoding::Stream => "tls",
            Encoding::WebSocket => "wss",
        };
        let certificate = self.certificate().map(<[u8]>::to_vec);
        let shares = self.core.shares_of_address(self.peer.ip());
        let standing = Standing::new(Arc::clone(&self.serves.counters), shares);
        let mut registration = Registration::new(&self.core, encoding, standing);
        registration.open(Opened {
            transport,
            peer_host: self.peer.ip().to_canonical().to_string(),
            peer_port: self.peer.port(),
            local_port: self.local.port(),
            certificate,
        });
        let first = std::mem::take(&mut self.first);
        sip_flow::serve(
            &self.core,
            &mut registration,
            self.stream,
            &first,
            self.watch.until_distrusted(self.verified),
        )
        .await;
    }

    async fn websocket(mut self, length: usize) {
        let head = self.first.split_to(length);
        let settings = &self.core.settings;
        match websocket::open(
            &head,
            &settings.websocket_hosts,
            &settings.websocket_origins,
        ) {
            Ok(response) => {
                let answered = timeout(self.core.settings.handshake, async {
                    self.stream.write_all(&response).await?;
                    self.stream.flush().await
                });
                if let Ok(Ok(())) = answered.await {
                    self.flow(Encoding::WebSocket).await;
                }
            }
            Err(refused) => {
                self.refuse(Count::WebSocketRefused, &refused.response())
                    .await;
            }
        }
    }

    async fn application(self) {
        let certificate = self.certificate().map(<[u8]>::to_vec);
        let application = self.serves.application.as_ref();
        let passage = Passage {
            peer: self.peer,
            local: self.local,
            certificate: certificate.as_deref(),
            application: application.unwrap_or(&self.core.settings.http_backend),
            counters: &self.serves.counters,
        };
        let distrust = self.watch.until_distrusted(self.verified);
        http_passthrough::pass(&self.core, self.stream, &self.first, passage, distrust).await;
    }

    async fn relay(self) {
        let Some(relay) = &self.serves.relay else {
            return;
        };
        let distrust = self.watch.until_distrusted(self.verified);
        let (counters, peer) = (&self.serves.counters, self.peer);
        relay_stream::serve(
            &self.core,
            relay,
            counters,
            self.stream,
            peer,
            self.first,
            distrust,
        )
        .await;
    }

    /// Say why, if there is a way to, and close.
    async fn refuse(mut self, count: Count, answer: &[u8]) {
        self.serves.counters.add(count);
        let _ = timeout(self.core.settings.handshake, async {
            self.stream.write_all(answer).await?;
            self.stream.shutdown().await
        })
        .await;
    }

    fn certificate(&self) -> Option<&[u8]> {
        let certificate = self.verified.as_ref()?.certificate()?;
        Some(certificate)
    }
}

fn asked(first: &[u8], serves: &Serves) -> Option<Asked> {
    let refused = |count| Some(Asked::Refused(count, Vec::new()));
    match sniff(first)? {
        Protocol::Unknown => refused(Count::UnknownProtocol),
        Protocol::Sip if serves.sip => Some(Asked::Sip),
        Protocol::Http if serves.web => match read_head(first) {
            Head::Partial => None,
            Head::WebSocket(length) if serves.application.is_none() => {
                Some(Asked::WebSocket(length))
            }
            Head::WebSocket(_) | Head::Application => Some(Asked::Application),
            Head::Refused(431) => Some(Asked::Refused(Count::HttpHeadTooLarge, refusal(431, ""))),
            Head::Refused(status) => Some(Asked::Refused(Count::HttpRefused, refusal(status, ""))),
        },
        Protocol::Stun if serves.relay.is_some() => Some(Asked::Relay),
        Protocol::Sip | Protocol::Http | Protocol::Stun => refused(Count::ProtocolNotServed),
    }
}
