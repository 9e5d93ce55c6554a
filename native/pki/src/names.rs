//! Whether a certificate is for the peer that we mean: a host (RFC 6125), or a SIP domain (RFC 5922).

use std::net::IpAddr;

use rustls_pki_types::{DnsName, ServerName};
use webpki::EndEntityCert;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::certificate::{Certificate, id};
use crate::refusal::Refusal;

/// Whom the certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedName {
    /// A host's DNS name or address. A wildcard may stand for its first label (RFC 6125 section 6.4.3).
    Host(ServerName<'static>),
    /// A partner's SIP domain: exact, without wildcards.
    SipDomain(SipDomain),
}

/// A domain that a peer speaks for (RFC 5922 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipDomain(String);

impl SipDomain {
    /// `None` if it can't be a domain: an address, a wildcard, or a single label.
    pub fn new(domain: &str) -> Option<Self> {
        let name = DnsName::try_from(domain.trim_end_matches('.')).ok()?;
        let domain = name.as_ref().to_ascii_lowercase();
        let numeric = domain.parse::<IpAddr>().is_ok();
        (!numeric && domain.contains('.')).then_some(Self(domain))
    }

    /// Lower case, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The peer must be for that name. Common names never count (RFC 6125 section 6.4.4).
///
/// # Errors
/// [`Refusal::Name`].
pub fn check(
    peer: &Certificate,
    end_entity: &EndEntityCert<'_>,
    expected: &ExpectedName,
) -> Result<(), Refusal> {
    match expected {
        ExpectedName::Host(host) => Ok(end_entity.verify_is_valid_for_subject_name(host)?),
        ExpectedName::SipDomain(domain) => {
            let names: Option<SubjectAltName> = peer.extension(id::SUBJECT_ALT_NAME)?;
            let names = names.map(|names| names.0).unwrap_or_default();
            if speaks_for(&names, domain) {
                Ok(())
            } else {
                Err(Refusal::Name)
            }
        }
    }
}

/// RFC 5922 section 7.1: `sip:` URIs without a user are identities; only where there is none, DNS names
/// are. Section 7.2: they must be equal; there is no wildcard and no matching of parts.
fn speaks_for(names: &[GeneralName], domain: &SipDomain) -> bool {
    let uris: Vec<&str> = names.iter().filter_map(sip_domain_of).collect();
    if !uris.is_empty() {
        return uris.iter().any(|host| host.eq_ignore_ascii_case(&domain.0));
    }
    names.iter().any(|name| match name {
        GeneralName::DnsName(name) => name.as_str().eq_ignore_ascii_case(&domain.0),
        _ => false,
    })
}

fn sip_domain_of(name: &GeneralName) -> Option<&str> {
    let GeneralName::UniformResourceIdentifier(uri) = name else {
        return None;
    };
    let (scheme, rest) = uri.as_str().split_once(':')?;
    (scheme.eq_ignore_ascii_case("sip") && !rest.contains('@')).then_some(rest)
}

/// RFC 5280 section 4.2.1.6: names are of a form that can be one, and critical where they stand alone.
///
/// # Errors
/// [`Refusal::AlternativeName`].
pub fn check_form(certificate: &Certificate) -> Result<(), Refusal> {
    let Some(extension) = certificate.raw_extension(id::SUBJECT_ALT_NAME) else {
        return Ok(());
    };
    let names: Option<SubjectAltName> = certificate.extension(id::SUBJECT_ALT_NAME)?;
    let names = names.map(|names| names.0).unwrap_or_default();
    if names.is_empty() || !names.iter().all(is_well_formed) {
        return Err(Refusal::AlternativeName);
    }
    if certificate.subject().is_empty() != extension.critical {
        return Err(Refusal::Criticality);
    }
    Ok(())
}

/// A common name never says who a peer is (RFC 6125 section 6.4.4), but people and logs show it, so it must
/// not be an address in disguise: octal, hexadecimal or uncompressed, which others read as another address
/// than we do (CVE-2021-29921).
///
/// # Errors
/// [`Refusal::CommonName`].
pub fn check_common_name(peer: &Certificate) -> Result<(), Refusal> {
    match peer.subject().common_name() {
        Ok(Some(name)) if is_disguised_address(&name.value()) => Err(Refusal::CommonName),
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::CommonName),
    }
}

fn is_disguised_address(text: &str) -> bool {
    if let Ok(address) = text.parse::<IpAddr>() {
        return address.to_string() != text;
    }
    let mut parts = text.split('.');
    parts.clone().count() <= 4 && parts.all(is_number) && text.contains(['.', 'x', 'X'])
}

/// As C's `inet_aton` takes one.
fn is_number(part: &str) -> bool {
    let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((part, 10), |digits| (digits, 16));
    !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
}

fn is_well_formed(name: &GeneralName) -> bool {
    match name {
        GeneralName::DnsName(name) => {
            let name = name.as_str();
            let name = name.strip_prefix("*.").unwrap_or(name);
            // "Preferred name syntax" (RFC 1034 section 3.5) has no underscore; rustls lets it pass.
            DnsName::try_from(name).is_ok()
                && name.parse::<IpAddr>().is_err()
                && !name.contains('_')
        }
        GeneralName::IpAddress(octets) => matches!(octets.as_bytes().len(), 4 | 16),
        GeneralName::Rfc822Name(mailbox) => {
            let parts = mailbox.as_str().split_once('@');
            parts.is_some_and(|(local, host)| !local.is_empty() && DnsName::try_from(host).is_ok())
        }
        _ => true,
    }
}
