//! Listening sockets: every connection meets the door before it costs anything.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::connection::{self, Serves};
use super::core::Core;
use super::counters::Count;

const BACKLOG: i32 = 1024;

/// Out of descriptors or memory: what has been accepted needs a moment to end.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Bind a socket that is ready to accept. `host` is an address; "::" takes IPv4 too.
///
/// # Errors
/// Those of the system, and `InvalidInput` if `host` isn't an address.
pub fn bind(host: &str, port: u16) -> io::Result<StdListener> {
    let not_an_address = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let address: IpAddr = host.parse().map_err(not_an_address)?;
    let domain = if address.is_ipv4() {
        Domain::IPV4
    } else {
        Domain::IPV6
    };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accept until the edge closes.
pub async fn accept(core: Arc<Core>, listener: TcpListener, serves: Arc<Serves>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = core.closing() => return,
        };
        let Ok((socket, peer)) = accepted else {
            sleep(AFTER_FAILURE).await;
            continue;
        };
        let pass = match core.door.admit(peer.ip(), Instant::now()) {
            Ok(pass) => pass,
            Err(too_many) => {
                serves.counters.add(too_many.count());
                continue;
            }
        };
        let Some(alive) = core.alive() else { return };
        serves.counters.add(Count::Accepted);
        let (core, serves) = (Arc::clone(&core), Arc::clone(&serves));
        tokio::spawn(async move {
            connection::serve(core, socket, peer, serves).await;
            drop((pass, alive));
        });
    }
}
