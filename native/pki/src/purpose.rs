//! What a certificate may be used for (RFC 5280 section 4.2.1.12).

use webpki::KeyUsage;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::ExtendedKeyUsage;

use crate::certificate::{Certificate, id};
use crate::refusal::Refusal;

const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// What a certificate is presented as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It began the connection.
    Client,
    /// We began the connection.
    Server,
}

impl Purpose {
    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Client => CLIENT,
            Self::Server => SERVER,
        }
    }

    /// What rustls-webpki asks of the whole chain: an authority's EKU, where there is one, counts.
    pub(crate) fn of_chain(self) -> KeyUsage {
        match self {
            Self::Client => KeyUsage::client_auth(),
            Self::Server => KeyUsage::server_auth(),
        }
    }
}

/// The peer's certificate must name the purpose, and must not be for any purpose.
///
/// # Errors
/// [`Refusal::Purpose`], [`Refusal::AnyPurpose`], or [`Refusal::Criticality`]: a critical list
/// can't be extended later, and no public authority may issue one (CA/Browser Forum BR 7.1.2.7.6).
pub fn check(peer: &Certificate, purpose: Purpose) -> Result<(), Refusal> {
    let Some(extension) = peer.raw_extension(id::EXTENDED_KEY_USAGE) else {
        return Err(Refusal::AnyPurpose);
    };
    let usage: Option<ExtendedKeyUsage> = peer.extension(id::EXTENDED_KEY_USAGE)?;
    let purposes = usage.map(|usage| usage.0).unwrap_or_default();
    if purposes.contains(&ANY) {
        return Err(Refusal::AnyPurpose);
    }
    if !purposes.contains(&purpose.oid()) {
        return Err(Refusal::Purpose);
    }
    if extension.critical {
        return Err(Refusal::Criticality);
    }
    Ok(())
}
