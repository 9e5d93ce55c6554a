//! Who a client is to the relay: RFC 8656's 5-tuple, as far as clients of one server differ in it.

use std::net::SocketAddr;

/// A client. An address that is used again by another connection is another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// Where it is, as the server sees it.
    pub address: SocketAddr,
    /// The number of its connection, never used twice; `None` for datagrams.
    pub stream: Option<u64>,
    /// Which of the server's own addresses it talks to, as the shell numbers them; 0 for streams.
    pub listener: u8,
}

impl From<SocketAddr> for Client {
    /// A client that sends datagrams.
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            listener: 0,
        }
    }
}
