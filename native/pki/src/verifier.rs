//! The one question: may this chain be accepted?

use std::cell::RefCell;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, Error, VerifiedPath};

use crate::algorithms;
use crate::anchors::Anchors;
use crate::certificate::Certificate;
use crate::lists::RevocationList;
use crate::names::{self, ExpectedName};
use crate::profile;
use crate::purpose::{self, Purpose};
use crate::refusal::Refusal;
use crate::revocation::Revocation;

/// How far we follow a chain (ATTACKS 59: chains built to cost).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Certificates that a peer may present beside its own.
    pub presented: usize,
    /// Intermediates between the peer and the root that are not self-issued (RFC 5280 section 6.1.4).
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            presented: 8,
            depth: 4,
        }
    }
}

/// What a peer sent.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// Its own certificate.
    pub peer: &'a CertificateDer<'a>,
    /// Others that may lead to a root, in any order.
    pub intermediates: &'a [CertificateDer<'a>],
}

/// Decides by these authorities and these revocation lists.
#[derive(Debug)]
pub struct Verifier {
    anchors: Anchors,
    revocation: Revocation,
    limits: Limits,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    strictness: Strictness,
}

/// What is asked of revocation. `lists` and `points` are off only where a conformance suite has no lists.
#[derive(Clone, Copy, Debug)]
struct Strictness {
    lists: bool,
    points: bool,
    /// Whether a peer of whom no list tells is refused.
    unknown: bool,
}

impl Verifier {
    /// A verifier. `grace` is how long past its `nextUpdate` a list still serves: zero, unless an admin
    /// would rather let a revoked peer in than keep good ones out.
    pub fn new(
        anchors: Anchors,
        lists: Vec<RevocationList>,
        grace: Duration,
        limits: Limits,
    ) -> Self {
        Self {
            anchors,
            revocation: Revocation::new(lists, grace),
            limits,
            algorithms: algorithms::SOUND,
            strictness: Strictness {
                lists: true,
                points: true,
                unknown: true,
            },
        }
    }

    /// Accept a peer without a distribution point whose certificate lives no longer than `most`: public
    /// authorities list none of those (CA/Browser Forum BR section 4.9.7 and "Short-lived").
    #[must_use]
    pub fn with_short_lived(mut self, most: Duration) -> Self {
        self.revocation.accept_unlisted(most);
        self
    }

    /// For servers that lists are fetched from: one that a list names is refused, one of whom none tells is
    /// not. What they give is signed, and to ask for the list of a list's server would never end.
    #[must_use]
    pub fn for_list_servers(mut self) -> Self {
        self.strictness.unknown = false;
        self
    }

    /// Take no other signatures on certificates than these.
    #[must_use]
    pub fn with_algorithms(
        mut self,
        algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    ) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// Don't ask for distribution points and, if not even `lists`, for revocation lists.
    #[cfg(feature = "conformance")]
    #[must_use]
    pub fn for_conformance(mut self, lists: bool) -> Self {
        self.strictness = Strictness {
            lists,
            points: false,
            unknown: true,
        };
        self
    }

    /// The authorities.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Whether what a peer presented is good: path, shape, keys, purpose, revocation and, unless any will
    /// do (a device: its certificate says who it is), its name.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(
        &self,
        presented: Presented<'_>,
        purpose: Purpose,
        name: Option<&ExpectedName>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        if presented.intermediates.len() > self.limits.presented {
            return Err(Refusal::TooLong);
        }
        let peer = Certificate::from_der(presented.peer)?;
        let end_entity = EndEntityCert::try_from(presented.peer)?;
        self.build_path(&peer, &end_entity, presented.intermediates, purpose, now)?;
        name.map_or(Ok(()), |name| names::check(&peer, &end_entity, name))
    }

    /// Let rustls-webpki look for a path that satisfies us as well. Our own reason goes before its.
    fn build_path(
        &self,
        peer: &Certificate,
        end_entity: &EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let refused = RefCell::new(None);
        let check = |path: &VerifiedPath<'_>| {
            let outcome = self.check_path(peer, path, purpose, now);
            outcome.map_err(|refusal| {
                refused.borrow_mut().get_or_insert(refusal);
                Error::UnknownIssuer
            })
        };
        let built = end_entity.verify_for_usage(
            self.algorithms,
            self.anchors.as_slice(),
            intermediates,
            now,
            purpose.of_chain(),
            None,
            Some(&check),
        );
        match built {
            Ok(_) => Ok(()),
            Err(error) => Err(refused.take().unwrap_or_else(|| error.into())),
        }
    }

    fn check_path(
        &self,
        peer: &Certificate,
        path: &VerifiedPath<'_>,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let anchor = self.anchors.certificate(path.anchor());
        let anchor = anchor.ok_or(Refusal::UnknownIssuer)?;
        let between: Vec<Certificate> = path
            .intermediate_certificates()
            .map(|one| Certificate::from_der(&one.der()))
            .collect::<Result<_, _>>()?;
        let counted = between.iter().filter(|one| !one.is_self_issued()).count();
        if counted > self.limits.depth {
            return Err(Refusal::TooLong);
        }
        profile::check_path_length(anchor, counted)?;
        check_shapes(peer, &between, anchor, now)?;
        purpose::check(peer, purpose)?;
        if !self.strictness.lists {
            return Ok(());
        }
        let issued = std::iter::once(peer).chain(&between);
        let issuers = between.iter().chain(std::iter::once(anchor));
        let pairs: Vec<_> = issued.zip(issuers).collect();
        match self.revocation.check(&pairs, self.strictness.points, now) {
            Err(refusal) if refusal.is_ignorance() && !self.strictness.unknown => Ok(()),
            outcome => outcome,
        }
    }
}

fn check_shapes(
    peer: &Certificate,
    between: &[Certificate],
    anchor: &Certificate,
    now: UnixTime,
) -> Result<(), Refusal> {
    profile::check_any(peer, now)?;
    profile::check_issued(peer)?;
    profile::check_peer(peer)?;
    names::check_common_name(peer)?;
    for one in between {
        profile::check_any(one, now)?;
        profile::check_issued(one)?;
        profile::check_authority(one)?;
    }
    profile::check_any(anchor, now)?;
    profile::check_authority(anchor)?;
    profile::check_root(anchor)
}
