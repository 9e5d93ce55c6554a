//! Why a peer's certificate is not accepted.

use thiserror::Error;
use webpki::Error as Path;

/// Every way in which a certificate can be unfit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    // --- the path ---
    /// It isn't DER, or a field of it isn't what it should be.
    #[error("not readable")]
    Unreadable,
    /// No chain of signatures leads to an authority that is trusted.
    #[error("not from a trusted authority")]
    UnknownIssuer,
    /// The chain is longer than we follow, or costs more than we spend (RFC 5280 section 6.1).
    #[error("the chain is too long")]
    TooLong,
    /// Some certificate of the chain, its root included, is past its time.
    #[error("expired")]
    Expired,
    /// Some certificate of the chain is not valid yet.
    #[error("not valid yet")]
    NotValidYet,
    /// RFC 5280 section 4.2.1.10.
    #[error("outside its authority's name constraints")]
    NameConstraints,
    /// RFC 5280 sections 4.2.1.9 and 4.2.1.3: one that may not, signed.
    #[error("an issuer is not an authority")]
    NotAnAuthority,
    /// RFC 5280 section 4.2.1.9: more authorities than one of them lets follow.
    #[error("more authorities than one of them permits")]
    PathLength,
    /// RFC 5280 section 4.2.1.9.
    #[error("an authority stands where a peer should")]
    AuthorityAsPeer,
    /// What else rustls-webpki finds.
    #[error("path: {0}")]
    Path(Path),

    // --- the shape of any certificate ---
    /// RFC 5280 section 4.1.2.1: extensions need version 3.
    #[error("not a version 3 certificate")]
    Version,
    /// RFC 5280 section 4.1.2.2: positive, at most 20 octets.
    #[error("its serial number is unfit")]
    SerialNumber,
    /// RFC 5280 sections 4.1.2.4 and 4.1.2.6: issuers have a name.
    #[error("an issuer without a name")]
    NoIssuerName,
    /// RFC 5280 section 4.2: a certificate must not hold an extension twice.
    #[error("an extension stands twice")]
    DuplicateExtension,
    /// RFC 5280 section 4.2: one that we don't know and must not pass over.
    #[error("an unknown critical extension")]
    CriticalExtension,
    /// RFC 5280 sections 4.2.1 and 4.2.2: an extension is critical that must not be, or the reverse.
    #[error("an extension's criticality is wrong")]
    Criticality,
    /// RFC 5280 sections 4.2.1.1 and 4.2.1.2.
    #[error("a key identifier is missing or does not fit")]
    KeyIdentifier,
    /// RFC 5280 section 4.1.1.2: the algorithm inside must be the one outside.
    #[error("two different signature algorithms are named")]
    SignatureAlgorithm,
    /// RSA below 2048 bits, DSA, P-192, explicit curve parameters and the like.
    #[error("a weak or unknown kind of key")]
    WeakKey,

    // --- the peer's own certificate ---
    /// RFC 5280 section 4.2.1.12: the purpose must be named.
    #[error("not for this purpose")]
    Purpose,
    /// RFC 5280 section 4.2.1.12: none named, or any.
    #[error("for no particular purpose")]
    AnyPurpose,
    /// RFC 5280 section 4.2.1.3: a peer signs handshakes, and never certificates.
    #[error("its key usage is unfit for a peer")]
    KeyUsage,
    /// RFC 5280 section 4.2.1.10: only authorities have them.
    #[error("name constraints in a peer's certificate")]
    ConstraintsInPeer,
    /// RFC 6125 section 6, RFC 5922 section 7: not who we meant to talk to.
    #[error("not for the name that was asked for")]
    Name,
    /// Octal, hexadecimal and the like, which others read otherwise than we do.
    #[error("its common name is an address in disguise")]
    CommonName,
    /// RFC 5280 section 4.2.1.6: a name that can't be one.
    #[error("a subject alternative name is malformed")]
    AlternativeName,

    // --- revocation ---
    /// It says nowhere where its CRL is (RFC 5280 section 4.2.1.13).
    #[error("names no CRL distribution point")]
    NoDistributionPoint,
    /// No list that we hold covers it. `fetch` is where such lists are.
    #[error("revocation status unknown")]
    RevocationUnknown {
        /// Distribution points of the certificates of the chain that have no list in force.
        fetch: Vec<String>,
    },
    /// The list's `nextUpdate` has passed (RFC 5280 section 5.1.2.5), or it is from the future.
    #[error("its revocation list is out of date")]
    ListExpired {
        /// As for [`Refusal::RevocationUnknown`].
        fetch: Vec<String>,
    },
    /// The only list there is was not signed by the certificate's issuer.
    #[error("its revocation list's signature is not its issuer's")]
    ListSignature {
        /// As for [`Refusal::RevocationUnknown`].
        fetch: Vec<String>,
    },
    /// RFC 5280 section 4.2.1.3: the issuer has a key usage, and cRLSign is not in it.
    #[error("its issuer may not sign revocation lists")]
    ListSigner,
    /// RFC 5280 section 5.2.3: `CRLNumber` is mandatory and never critical.
    #[error("its revocation list has no proper number")]
    ListNumber,
    /// A delta or indirect CRL, one by reasons, or one with a critical extension we don't know.
    #[error("its revocation list is of an unsupported kind")]
    ListKind,
    /// It is on its issuer's list.
    #[error("revoked")]
    Revoked,
}

impl Refusal {
    /// Where lists could be had that might lift this refusal.
    pub fn lists_to_fetch(&self) -> &[String] {
        match self {
            Self::RevocationUnknown { fetch }
            | Self::ListExpired { fetch }
            | Self::ListSignature { fetch } => fetch,
            _ => &[],
        }
    }
}

impl Refusal {
    /// Whether all that is wrong is that nobody could be asked.
    pub fn is_ignorance(&self) -> bool {
        matches!(
            self,
            Self::NoDistributionPoint
                | Self::RevocationUnknown { .. }
                | Self::ListExpired { .. }
                | Self::ListSignature { .. }
        )
    }
}

impl From<Path> for Refusal {
    fn from(error: Path) -> Self {
        match error {
            Path::BadDer | Path::BadDerTime | Path::TrailingData(_) => Self::Unreadable,
            Path::UnknownIssuer => Self::UnknownIssuer,
            Path::CertExpired { .. } => Self::Expired,
            Path::CertNotValidYet { .. } => Self::NotValidYet,
            Path::NameConstraintViolation => Self::NameConstraints,
            Path::EndEntityUsedAsCa => Self::NotAnAuthority,
            Path::PathLenConstraintViolated => Self::PathLength,
            Path::CaUsedAsEndEntity => Self::AuthorityAsPeer,
            Path::UnsupportedCertVersion => Self::Version,
            Path::UnsupportedCriticalExtension => Self::CriticalExtension,
            Path::RequiredEkuNotFoundContext(_) => Self::Purpose,
            Path::CertNotValidForName(_) => Self::Name,
            Path::MaximumPathDepthExceeded
            | Path::MaximumPathBuildCallsExceeded
            | Path::MaximumSignatureChecksExceeded
            | Path::MaximumNameConstraintComparisonsExceeded => Self::TooLong,
            other => Self::Path(other),
        }
    }
}
