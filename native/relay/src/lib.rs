//! STUN and TURN (RFC 8489, RFC 8656), without I/O.
//!
//! [`Server`] takes datagrams and the time and gives datagrams to send, sockets to open and sockets to
//! close. It serves only credentials that it was told, and relays only to peers that [`PeerPolicy`]
//! permits. Clients may come by streams too: [`stream`] says where messages end in one, and what is
//! between clients and peers stays datagrams. [`stun`] is the codec below it.

mod allocation;
mod bandwidth;
mod client;
mod counters;
mod credentials;
mod nonce;
mod peers;
mod refusal;
mod server;
pub mod stream;
pub mod stun;
mod throttle;

pub use client::Client;
pub use counters::Counters;
pub use peers::{Network, NotANetwork, PeerPolicy, canonical};
pub use refusal::Refusal;
pub use server::{AllocationId, Config, Output, Server, ToPeer};
