//! What certificates must look like: any, an authority's, a peer's (RFC 5280 sections 4.1 and 4.2).

use rustls_pki_types::UnixTime;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, KeyUsages,
    SubjectKeyIdentifier,
};

use crate::certificate::{Certificate, id};
use crate::refusal::Refusal;
use crate::{constraints, keys, names};

/// Critical ones that we or rustls-webpki act on.
const UNDERSTOOD: [ObjectIdentifier; 7] = [
    id::KEY_USAGE,
    id::SUBJECT_ALT_NAME,
    id::BASIC_CONSTRAINTS,
    id::NAME_CONSTRAINTS,
    id::CRL_DISTRIBUTION_POINTS,
    id::CERTIFICATE_POLICIES,
    id::EXTENDED_KEY_USAGE,
];
/// RFC 5280: "Conforming CAs MUST mark this extension as non-critical."
const NEVER_CRITICAL: [ObjectIdentifier; 3] = [
    id::SUBJECT_KEY,
    id::AUTHORITY_KEY,
    id::AUTHORITY_INFO_ACCESS,
];
/// RFC 5280 sections 4.2.1.11 and 4.2.1.14: "MUST mark this extension as critical."
const ALWAYS_CRITICAL: [ObjectIdentifier; 2] = [id::POLICY_CONSTRAINTS, id::INHIBIT_ANY_POLICY];

/// What holds for each certificate of a path, the root included.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_any(one: &Certificate, now: UnixTime) -> Result<(), Refusal> {
    let fields = one.fields();
    if fields.tbs_certificate().version() != Version::V3 {
        return Err(Refusal::Version);
    }
    if fields.signature_algorithm() != fields.tbs_certificate().signature() {
        return Err(Refusal::SignatureAlgorithm);
    }
    if one.issuer().is_empty() {
        return Err(Refusal::NoIssuerName);
    }
    check_validity(one, now)?;
    check_extensions(one)?;
    names::check_form(one)?;
    keys::check(one.key())
}

/// An authority: a root or an intermediate.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_authority(one: &Certificate) -> Result<(), Refusal> {
    if one.subject().is_empty() {
        return Err(Refusal::NoIssuerName);
    }
    let basic: Option<BasicConstraints> = one.extension(id::BASIC_CONSTRAINTS)?;
    let critical = one
        .raw_extension(id::BASIC_CONSTRAINTS)
        .is_some_and(|extension| extension.critical);
    if !basic.is_some_and(|basic| basic.ca) {
        return Err(Refusal::NotAnAuthority);
    }
    if !critical {
        return Err(Refusal::Criticality);
    }
    if one.may(KeyUsages::KeyCertSign)? == Some(false) {
        return Err(Refusal::NotAnAuthority);
    }
    let key: Option<SubjectKeyIdentifier> = one.extension(id::SUBJECT_KEY)?;
    if key.is_none() {
        return Err(Refusal::KeyIdentifier);
    }
    constraints::check_form(one)
}

/// A root's path length, which rustls-webpki doesn't keep of it (RFC 5280 section 4.2.1.9). `depth` is how
/// many intermediates follow that are not self-issued.
///
/// # Errors
/// [`Refusal::PathLength`].
pub fn check_path_length(root: &Certificate, depth: usize) -> Result<(), Refusal> {
    let basic: Option<BasicConstraints> = root.extension(id::BASIC_CONSTRAINTS)?;
    match basic.and_then(|basic| basic.path_len_constraint) {
        Some(most) if depth > most.into() => Err(Refusal::PathLength),
        _ => Ok(()),
    }
}

/// A root's own, beyond [`check_authority`]: it names no key but its own, and no purposes
/// (CA/Browser Forum BR section 7.1.2.1).
///
/// # Errors
/// The first thing that is wrong.
pub fn check_root(root: &Certificate) -> Result<(), Refusal> {
    if root.raw_extension(id::EXTENDED_KEY_USAGE).is_some() {
        return Err(Refusal::Purpose);
    }
    let named: Option<AuthorityKeyIdentifier> = root.extension(id::AUTHORITY_KEY)?;
    let own: Option<SubjectKeyIdentifier> = root.extension(id::SUBJECT_KEY)?;
    let Some(named) = named else {
        // RFC 5280 section 4.2.1.1 lets only the self-signed leave it out.
        return fits(root.is_self_issued() || root.is_self_signed());
    };
    let only_key =
        named.authority_cert_issuer.is_none() && named.authority_cert_serial_number.is_none();
    let same = named.key_identifier == own.map(|own| own.0);
    fits(only_key && named.key_identifier.is_some() && (same || !root.is_self_issued()))
}

/// A certificate under an authority says whose key signed it (RFC 5280 section 4.2.1.1), and can be
/// told from others (section 4.1.2.2). Roots that everyone trusts have the number zero.
///
/// # Errors
/// [`Refusal::KeyIdentifier`] or [`Refusal::SerialNumber`].
pub fn check_issued(one: &Certificate) -> Result<(), Refusal> {
    if !one.has_positive_serial() {
        return Err(Refusal::SerialNumber);
    }
    let named: Option<AuthorityKeyIdentifier> = one.extension(id::AUTHORITY_KEY)?;
    fits(named.is_some_and(|named| named.key_identifier.is_some()))
}

/// A peer signs handshakes; it is no authority and constrains nobody.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_peer(peer: &Certificate) -> Result<(), Refusal> {
    let basic: Option<BasicConstraints> = peer.extension(id::BASIC_CONSTRAINTS)?;
    if basic.is_some_and(|basic| basic.ca) {
        return Err(Refusal::AuthorityAsPeer);
    }
    if peer.may(KeyUsages::KeyCertSign)? == Some(true)
        || peer.may(KeyUsages::DigitalSignature)? == Some(false)
    {
        return Err(Refusal::KeyUsage);
    }
    if peer.raw_extension(id::NAME_CONSTRAINTS).is_some() {
        return Err(Refusal::ConstraintsInPeer);
    }
    Ok(())
}

fn fits(it_does: bool) -> Result<(), Refusal> {
    if it_does {
        Ok(())
    } else {
        Err(Refusal::KeyIdentifier)
    }
}

fn check_validity(one: &Certificate, now: UnixTime) -> Result<(), Refusal> {
    let validity = one.fields().tbs_certificate().validity();
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(Refusal::NotValidYet);
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(Refusal::Expired);
    }
    Ok(())
}

fn check_extensions(one: &Certificate) -> Result<(), Refusal> {
    let extensions = one.extensions();
    for (position, extension) in extensions.iter().enumerate() {
        let id = extension.extn_id;
        if extensions[..position]
            .iter()
            .any(|before| before.extn_id == id)
        {
            return Err(Refusal::DuplicateExtension);
        }
        if (extension.critical && NEVER_CRITICAL.contains(&id))
            || (!extension.critical && ALWAYS_CRITICAL.contains(&id))
        {
            return Err(Refusal::Criticality);
        }
        if extension.critical && !UNDERSTOOD.contains(&id) {
            return Err(Refusal::CriticalExtension);
        }
    }
    let _: Option<AuthorityInfoAccessSyntax> = one.extension(id::AUTHORITY_INFO_ACCESS)?;
    Ok(())
}
