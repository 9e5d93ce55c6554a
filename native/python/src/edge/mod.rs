//! The edge: every TLS connection, in and out, begins and ends here (DESIGN.md section 7).
//!
//! A connection's way: [`listener`] accepts it if the door of [`limits`] lets it, [`connection`] does the
//! handshake with what [`tls`] has at that moment ([`verifier`] looks at certificates), [`sniff`] tells
//! the protocol of its first bytes. SIP and WebSockets ([`websocket`]) become flows: [`sip_flow`] moves
//! bytes between the socket, the [`codec`] and the [`outbox`], within the [`shares`] of whoever it
//! [stands](standing) for. HTTP goes to the application by
//! [`http_passthrough`]. [`connector`] makes flows the other way round; [`outgoing_tls`] is
//! for what Python fetches. [`core`] is what they share, and
//! [`python`] the only file here that knows Python.

mod bucket;
mod codec;
mod connection;
mod connector;
mod core;
mod counters;
mod http_head;
mod http_passthrough;
mod limits;
mod listener;
mod outbox;
mod outgoing_tls;
mod proxy_protocol;
mod python;
mod reading;
mod refused_peers;
mod relay_stream;
mod shares;
mod sip_flow;
mod sniff;
mod standing;
mod suites;
mod tls;
mod verifier;
mod websocket;

pub(crate) use outgoing_tls::OutgoingTls;
pub(crate) use python::register;
pub(crate) use verifier::certificate_fault;
