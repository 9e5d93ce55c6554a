//! STUN and TURN over a TLS or TCP connection (RFC 8656 section 2.1): octets to the relay and back. What they mean
//! is the relay's business, and it ends the stream of a client that has no allocation for long.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::mpsc::UnboundedReceiver;

use super::core::Core;
use super::counters::{Count, Counters};
use super::reading::read_once;
use crate::relay::streams::{Begun, Passing, StreamDoor, whole_messages};

/// Serve a connection to its end. `first` has been read already; `distrust` resolves when the peer's
/// certificate is no longer accepted.
pub async fn serve<S>(
    core: &Core,
    door: &StreamDoor,
    counters: &Counters,
    stream: S,
    peer: SocketAddr,
    first: BytesMut,
    distrust: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    counters.add(Count::RelayStreams);
    let (mut from_client, mut to_client) = split(stream);
    let (begun, for_client) = door.begin(peer);
    tokio::select! {
        () = read(&begun, &mut from_client, first) => {}
        () = write(&mut to_client, for_client) => {}
        () = distrust => counters.add(Count::Distrusted),
        () = core.closing() => {}
    }
    let _ = to_client.shutdown().await;
}

/// Until the client ends the stream or sends what is no message.
async fn read<R: AsyncRead + Unpin>(begun: &Begun, from: &mut R, mut buffer: BytesMut) {
    while let Ok(end) = whole_messages(&buffer) {
        if end > 0 {
            begun.send(buffer.split_to(end).freeze()).await;
        }
        let read = read_once(from, |octets| buffer.extend_from_slice(octets));
        if !matches!(read.await, Ok(Some(()))) {
            return;
        }
    }
}

/// Until the relay ends the stream or the client is gone. Each message is written by itself, a TLS record of its own: there
/// are clients (coturn's among them) that look for one message only in what they have read at once.
async fn write<W: AsyncWrite + Unpin>(to: &mut W, mut messages: UnboundedReceiver<Passing>) {
    while let Some(passing) = messages.recv().await {
        let written = async {
            to.write_all(&passing.messages).await?;
            to.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}
