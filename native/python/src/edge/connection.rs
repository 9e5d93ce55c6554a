//! One accepted connection: handshake, first bytes, then whatever they turn out to be.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::core::{Core, Opened, Registration};
use super::counters::Count;
use super::http_head::{Head, read_head, refusal};
use super::http_passthrough::{self, Ends};
use super::outbox::Encoding;
use super::reading::read_once;
use super::sip_flow;
use super::sniff::{Protocol, sniff};
use super::tls::Watch;
use super::verifier::VerifiedPeer;
use super::websocket;

/// What a listener serves.
#[derive(Clone, Copy, Debug)]
pub struct Serves {
    /// SIP.
    pub sip: bool,
    /// HTTP and the WebSocket.
    pub web: bool,
}

/// A connection that has proven its TLS.
struct Connection {
    core: Arc<Core>,
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
    Refused(Count, Vec<u8>),
}

/// Serve an accepted connection to its end. Each stage is boxed, so that a connection which idles in its
/// last one doesn't keep the room of those before.
pub async fn serve(core: Arc<Core>, socket: TcpStream, peer: SocketAddr, serves: Serves) {
    let Some(mut connection) = Box::pin(handshake(core, socket, peer)).await else {
        return;
    };
    let core = Arc::clone(&connection.core);
    let deadline = Instant::now() + core.settings.handshake;
    match timeout_at(deadline, Box::pin(connection.ask(serves))).await {
        Ok(Some(Asked::Sip)) => Box::pin(connection.flow(Encoding::Stream)).await,
        Ok(Some(Asked::WebSocket(length))) => Box::pin(connection.websocket(length)).await,
        Ok(Some(Asked::Application)) => Box::pin(connection.application()).await,
        Ok(Some(Asked::Refused(count, answer))) => {
            Box::pin(connection.refuse(count, &answer)).await
        }
        Ok(None) => {}
        Err(_) => Box::pin(connection.refuse(Count::FirstBytesTimeout, b"")).await,
    }
}

async fn handshake(core: Arc<Core>, socket: TcpStream, peer: SocketAddr) -> Option<Connection> {
    let watch = core.tls.watch();
    let Some(config) = watch.current.server.clone() else {
        core.counters.add(Count::NoIdentity);
        return None;
    };
    let local = socket.local_addr().ok()?;
    socket.set_nodelay(true).ok()?;
    let accepting = TlsAcceptor::from(config).accept(socket);
    let accepted = tokio::select! {
        accepted = timeout(core.settings.handshake, accepting) => accepted,
        () = core.closing() => return None,
    };
    match accepted {
        Ok(Ok(stream)) => {
            let verified = VerifiedPeer::client(stream.get_ref().1.peer_certificates());
            Some(Connection {
                core,
                stream,
                peer,
                local,
                verified,
                watch,
                first: BytesMut::new(),
            })
        }
        Ok(Err(_)) => {
            core.counters.add(Count::HandshakeFailed);
            None
        }
        Err(_) => {
            core.counters.add(Count::HandshakeTimeout);
            None
        }
    }
}

impl Connection {
    /// Read until it is clear what the peer wants; `None` if it goes before.
    async fn ask(&mut self, serves: Serves) -> Option<Asked> {
        loop {
            let first = &mut self.first;
            let reading = read_once(&mut self.stream, |bytes| first.extend_from_slice(bytes));
            tokio::select! {
                read = reading => read.ok()??,
                () = self.core.closing() => return None,
            }
            if let Some(asked) = asked(&self.first, serves) {
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
        let mut registration = Registration::new(&self.core, encoding);
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
        match websocket::open(&head, &self.core.settings.websocket_origins) {
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
        let ends = Ends {
            peer: self.peer,
            local: self.local,
            certificate: certificate.as_deref(),
        };
        let distrust = self.watch.until_distrusted(self.verified);
        http_passthrough::pass(&self.core, self.stream, &self.first, ends, distrust).await;
    }

    /// Say why, if there is a way to, and close.
    async fn refuse(mut self, count: Count, answer: &[u8]) {
        self.core.counters.add(count);
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

fn asked(first: &[u8], serves: Serves) -> Option<Asked> {
    let refused = |count| Some(Asked::Refused(count, Vec::new()));
    match sniff(first)? {
        Protocol::Unknown => refused(Count::UnknownProtocol),
        Protocol::Sip if serves.sip => Some(Asked::Sip),
        Protocol::Http if serves.web => match read_head(first) {
            Head::Partial => None,
            Head::WebSocket(length) => Some(Asked::WebSocket(length)),
            Head::Application => Some(Asked::Application),
            Head::Refused(status) => Some(Asked::Refused(Count::HttpRefused, refusal(status, ""))),
        },
        Protocol::Sip | Protocol::Http => refused(Count::ProtocolNotServed),
    }
}
