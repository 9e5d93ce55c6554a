//! HTTP goes to the ASGI application as it came: one connection here is one connection there.
//!
//! Because nothing is parsed beyond the first head and connections are never shared, there is no second
//! opinion on where a request ends, and so nothing to smuggle. The price: only the first request of a
//! connection can become the WebSocket `/sip`; on a kept-alive one the application answers it itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::core::Core;
use super::counters::{Count, Counters};
use super::http_head::refusal;
use super::proxy_protocol;

const BUFFER: usize = 16 * 1024;

/// The application is on this machine: it takes a connection at once or not at all.
const BACKEND_DEADLINE: Duration = Duration::from_secs(5);

/// From whom to where a connection leads.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The peer.
    pub peer: std::net::SocketAddr,
    /// Ourselves.
    pub local: std::net::SocketAddr,
    /// DER of its verified certificate.
    pub certificate: Option<&'a [u8]>,
    /// Path of the application's Unix socket.
    pub application: &'a str,
    /// Those of the listener it came by.
    pub counters: &'a Counters,
}

/// Pass a connection on until either side closes it or nothing moves for too long. `first` has been read
/// already; `distrust` resolves when the peer's certificate is no longer accepted.
pub async fn pass<S>(
    core: &Arc<Core>,
    mut stream: S,
    first: &[u8],
    passage: Passage<'_>,
    distrust: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(mut head) = proxy_protocol::header(passage.peer, passage.local, passage.certificate)
    else {
        passage.counters.add(Count::HttpRefused);
        return;
    };
    head.extend_from_slice(first);
    let connected = timeout(BACKEND_DEADLINE, async {
        let mut backend = UnixStream::connect(passage.application).await?;
        backend.write_all(&head).await?;
        Ok::<_, std::io::Error>(backend)
    })
    .await;
    let Ok(Ok(backend)) = connected else {
        passage.counters.add(Count::HttpBackendFailed);
        let _ = stream.write_all(&refusal(503, "Retry-After: 5\r\n")).await;
        let _ = stream.shutdown().await;
        return;
    };
    passage.counters.add(Count::HttpPassed);
    let moved = Moved::now();
    let (mut from_peer, mut to_peer) = split(stream);
    let (mut from_backend, mut to_backend) = backend.into_split();
    let up = copy(&mut from_peer, &mut to_backend, &moved);
    let down = copy(&mut from_backend, &mut to_peer, &moved);
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        () = moved.until_idle(core.settings.idle) => passage.counters.add(Count::Idle),
        () = distrust => passage.counters.add(Count::Distrusted),
        () = core.closing() => {}
    }
}

/// Copy to the end of the stream, then say that it has ended.
async fn copy<R, W>(from: &mut R, to: &mut W, moved: &Moved)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        moved.set();
        let written = async {
            to.write_all(&buffer[..length]).await?;
            to.flush().await
        };
        if written.await.is_err() {
            break;
        }
        moved.set();
    }
    let _ = to.shutdown().await;
}

/// When bytes last moved, either way.
#[derive(Debug)]
struct Moved(std::sync::Mutex<Instant>);

impl Moved {
    fn now() -> Self {
        Self(std::sync::Mutex::new(Instant::now()))
    }

    fn set(&self) {
        *self.lock() = Instant::now();
    }

    async fn until_idle(&self, idle: Duration) {
        loop {
            let deadline = *self.lock() + idle;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
