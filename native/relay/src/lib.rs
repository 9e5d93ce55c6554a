//! STUN and TURN over UDP (RFC 8489, RFC 8656), without I/O.
//!
//! [`Server`] takes datagrams and the time and gives datagrams to send, sockets to open and sockets to
//! close. It serves only credentials that it was told, and relays only to peers that [`PeerPolicy`]
//! permits. [`stun`] is the codec below it.

mod allocation;
mod counters;
mod credentials;
mod nonce;
mod peers;
mod refusal;
mod server;
pub mod stun;
mod throttle;

pub use counters::Counters;
pub use peers::{Network, NotANetwork, PeerPolicy, canonical};
pub use refusal::Refusal;
pub use server::{AllocationId, Config, Output, Server, ToPeer};
