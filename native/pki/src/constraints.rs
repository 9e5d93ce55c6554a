//! Name constraints of an authority: well formed (RFC 5280 section 4.2.1.10). rustls-webpki applies them.

use rustls_pki_types::DnsName;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;

use crate::certificate::{Certificate, id};
use crate::refusal::Refusal;

/// # Errors
/// [`Refusal::NameConstraints`] if they are empty or one of them is not a subtree.
pub fn check_form(authority: &Certificate) -> Result<(), Refusal> {
    let found: Option<NameConstraints> = authority.extension(id::NAME_CONSTRAINTS)?;
    let Some(constraints) = found else {
        return Ok(());
    };
    let trees = [
        constraints.permitted_subtrees,
        constraints.excluded_subtrees,
    ];
    let mut all = trees.iter().flatten().flatten().peekable();
    if all.peek().is_none() || !all.all(|tree| is_subtree(&tree.base)) {
        return Err(Refusal::NameConstraints);
    }
    Ok(())
}

fn is_subtree(base: &GeneralName) -> bool {
    match base {
        GeneralName::DnsName(name) => {
            name.as_str().is_empty() || DnsName::try_from(name.as_str()).is_ok()
        }
        GeneralName::IpAddress(octets) => is_network(octets.as_bytes()),
        GeneralName::Rfc822Name(name) => {
            let name = name.as_str();
            let host = name.rsplit_once('@').map_or(name, |(_, host)| host);
            DnsName::try_from(host.strip_prefix('.').unwrap_or(host)).is_ok()
        }
        _ => true,
    }
}

/// An address and a mask whose ones come first (RFC 4632).
fn is_network(octets: &[u8]) -> bool {
    let mask = match octets.len() {
        8 => &octets[4..],
        32 => &octets[16..],
        _ => return false,
    };
    let zeros_follow = mask.windows(2).all(|pair| pair[0] == 0xff || pair[1] == 0);
    zeros_follow
        && mask
            .iter()
            .all(|byte| byte.leading_ones() == byte.count_ones())
}
