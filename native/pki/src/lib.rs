//! Certificates of peers, checked fully, without I/O: chain, name, validity, purpose, keys, revocation.
//!
//! [`Verifier`] is built from trust anchors and revocation lists and then asked one question: may this
//! chain be accepted as a client or a server, now? rustls-webpki builds the path and checks signatures,
//! path lengths and name constraints (RFC 5280 section 6.1). What it leaves to its caller is here, one
//! file per concern: [`profile`] (what any certificate must look like), [`keys`], [`purpose`], [`names`]
//! and [`revocation`]. Every refusal is a variant of [`Refusal`].

pub mod algorithms;
mod anchors;
mod certificate;
mod constraints;
mod keys;
mod lists;
mod names;
mod profile;
mod purpose;
mod refusal;
mod revocation;
mod signature;
mod verifier;

pub use anchors::{AnchorRefused, Anchors};
pub use lists::{ListRefused, RevocationList};
pub use names::{ExpectedName, SipDomain};
pub use purpose::Purpose;
pub use refusal::Refusal;
pub use verifier::{Limits, Presented, Verifier};
