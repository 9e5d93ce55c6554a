"""Which person is this message from, proven how: a message becomes a principal, or a refusal (DESIGN 4.3, 8).

The ways, one small file each in `mechanisms`: the MAC of an association, a token in the message, a digest in the
message (a device's secret, or a guest's conference key), the client certificate of the connection. Whatever From says
must be what the proof says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from vestibule.directory.model import Device, Tenant
from vestibule.identity.associations import Association, Associations
from vestibule.identity.flow_facts import FlowFacts
from vestibule.identity.mechanisms.association import (
    PROOF_HEADER,
    SCHEME,
    Fault,
    MessageProof,
    ProofRefused,
    prove_by_association,
    verify,
)
from vestibule.identity.mechanisms.bearer import Tokens, prove_by_token
from vestibule.identity.mechanisms.certificate import Devices, prove_by_certificate
from vestibule.identity.mechanisms.conference_key import ConferenceKeys, ShownKeys, prove_by_key
from vestibule.identity.mechanisms.device_digest import (
    DigestDirectory,
    algorithms_for,
    prove_by_device,
)
from vestibule.identity.mechanisms.nonces import Nonces, NonceState
from vestibule.identity.principal import Kind, Principal
from vestibule.identity.proof_journal import ProofJournal
from vestibule.identity.sign_in_limits import Allowance, TokenBuckets, subnet_of
from vestibule.journal.note import NoNotes, Notes
from vestibule.sip.digest import DigestResponse, parse_digest
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import UriKind
from vestibule.sip.uri import SipUri

FAILURES = Allowance(burst=60, interval=1.0)
"""Wrong proofs from one network: real guests mistype seldom, and 128-bit keys aren't found at this rate. Once they are
used up, a connection is still heard until its first failure: who shares an address with an attacker gets in, and the
attacker has one try for each connection, of which the edge lets in few."""

_MEETING_KINDS = frozenset({UriKind.FOCUS, UriKind.AUDIO_VIDEO})
_log = structlog.get_logger(__name__)


class ProofDirectory(Devices, DigestDirectory, Protocol):
    """What of the directory is needed here."""

    def tenant_of_domain(self, domain: str) -> Tenant | None:
        """The tenant whose domain it is."""

    def device(self, device_id: str) -> Device | None:
        """The device with that id."""


@dataclass(frozen=True, slots=True)
class ProofParts:
    """What proof works with. `clock` gives monotonic seconds."""

    directory: ProofDirectory
    tokens: Tokens
    associations: Associations
    keys: ConferenceKeys
    nonces: Nonces
    meeting_id_of: Callable[[str | None], str | None]
    token_issuer: str
    default_realm: str
    clock: Callable[[], float]
    notes: Notes = field(default_factory=NoNotes)
    fips: bool = False


class Proof:
    """Turns messages into principals."""

    def __init__(self, parts: ProofParts) -> None:
        self._parts = parts
        self._failures = TokenBuckets(FAILURES)
        self._failed: set[int] = set()
        """Connections with a wrong proof."""
        self._shown = ShownKeys()
        self._journal = ProofJournal(parts.notes, parts.directory)
        self._verified: tuple[SipMessage, Association] | None = None
        """The newest message that came with a message proof, whose number can be used only once."""

    def arrive(self, message: SipMessage, facts: FlowFacts) -> None:
        """Check a message's proof by association, if it has one or its connection demands one.

        To be called for each message, also ACK, CANCEL and responses, before anything else is done with it. Raises
        SipRefusal: 401 if a new association is needed, 403, 400, 503 after too many failures.
        """
        self._verified = None
        scheme, text = _message_proof(message)
        try:
            if scheme == SCHEME:
                proof = MessageProof.read(text)
                association = verify(proof, message, facts.id, self._parts.associations)
                self._verified = (message, association)
                return
        except ProofRefused as refused:
            raise self._wrong_proof(message, facts, refused.fault) from refused
        if self._parts.associations.of_flow(facts.id) is not None:
            self._count_failure(message, facts, "association-missing")
            if scheme:
                raise _forbidden("each message needs its proof by association")
            raise self._ask_for_association(message)

    def forget(self, flow: int) -> None:
        """A connection is gone."""
        self._parts.nonces.forget(flow)
        self._parts.associations.forget_flow(flow)
        self._shown.forget(flow)
        self._failed.discard(flow)

    def prove(self, message: SipMessage, facts: FlowFacts, kind: UriKind) -> Principal:
        """Who sent it. Raises SipRefusal: 401 with challenges, 403, 400, 503 after too many failures."""
        sender = SipUri.parse(message.from_uri)
        principal: Principal | None
        if self._verified is not None and self._verified[0] is message:
            principal = self._associated(self._verified[1])
        elif sender.is_anonymous:
            return self._guest(message, facts, kind)
        else:
            principal = self._member(message, facts, sender)
        if principal is None:
            raise self._challenge(message, facts, sender.host)
        if principal.aor != sender.aor.lower():
            self._count_failure(message, facts, "from", proven=principal)
            raise _forbidden("not your address")
        return principal

    def stands(self, principal: Principal) -> bool:
        """Whether what was proven once still holds: the account is open, neither the device nor the
        sign-in revoked.
        """
        if principal.kind is not Kind.MEMBER:
            return True
        if principal.grant is not None and self._parts.tokens.is_revoked(principal.grant):
            return False
        person = self._parts.directory.person(principal.aor)
        device = self._parts.directory.device(principal.device) if principal.device else None
        revoked = principal.device is not None and (device is None or device.revoked)
        return person is not None and person.enabled and not revoked

    # --- people of ours ---

    def _associated(self, association: Association) -> Principal:
        principal = prove_by_association(association, self._parts.directory)
        if principal is None or not self.stands(principal):
            _log.info("proof.failed", aor=association.aor, mechanism="association-ended")
            raise _forbidden("the sign-in has ended")
        return principal

    def _member(self, message: SipMessage, facts: FlowFacts, sender: SipUri) -> Principal | None:
        scheme, parameters = _authorization(message)
        if scheme == "bearer":
            principal = prove_by_token(parameters, self._parts.tokens, self._parts.directory)
            if principal is None:
                self._count_failure(message, facts, "bearer")
            return principal
        if scheme == "digest":
            return self._device(message, facts, parse_digest(parameters), sender)
        principal = prove_by_certificate(facts, self._parts.directory)
        if principal is None and facts.certificate is not None:
            self._journal.refused(message, facts, "certificate")
        return principal

    def _device(
        self, message: SipMessage, facts: FlowFacts, response: DigestResponse, sender: SipUri
    ) -> Principal | None:
        if facts.id in self._failed:
            self._require_patience(message, facts)
        tenant = self._parts.directory.tenant_of_domain(sender.host)
        directory, fips = self._parts.directory, self._parts.fips
        principal = prove_by_device(response, message.method, tenant, directory, fips=fips)
        good = response.realm == self._realm(sender.host) and _same_target(response, message)
        if principal is None or not good:
            self._count_failure(message, facts, "device-digest")
            return None
        self._use_nonce(message, facts, response, sender.host)
        return principal

    # --- guests ---

    def _guest(self, message: SipMessage, facts: FlowFacts, kind: UriKind) -> Principal:
        uri = SipUri.parse(message.uri)
        meeting_id = self._parts.meeting_id_of(uri.opaque)
        tenant = self._parts.directory.tenant_of_domain(uri.host)
        scheme, parameters = _authorization(message)
        if scheme != "digest":
            raise self._challenge(message, facts, uri.host)
        if kind not in _MEETING_KINDS or meeting_id is None or tenant is None:
            raise _forbidden("for meetings only")
        if facts.id in self._failed:
            self._require_patience(message, facts)
        response = parse_digest(parameters)
        principal = prove_by_key(
            response, message, meeting_id, tenant.id, self._parts.keys, self._shown
        )
        if principal is None or not _same_target(response, message):
            known = meeting_id if self._parts.keys.key_of(meeting_id) else None
            self._count_failure(message, facts, "conference-key", meeting=known)
            raise self._challenge(message, facts, uri.host)
        self._use_nonce(message, facts, response, uri.host)
        return principal

    # --- challenges and limits ---

    def _wrong_proof(self, message: SipMessage, facts: FlowFacts, fault: Fault) -> SipRefusal:
        if fault in (Fault.UNKNOWN, Fault.EXPIRED):  # happens to the honest too
            _log.info("proof.failed", address=facts.host, mechanism=f"association-{fault}")
            return self._ask_for_association(message, stale=fault is Fault.EXPIRED)
        self._count_failure(message, facts, f"association-{fault}")
        return _forbidden("wrong message proof")

    def _ask_for_association(self, message: SipMessage, *, stale: bool = False) -> SipRefusal:
        realm = self._realm(SipUri.parse(message.from_uri).host)
        again = ", stale=true" if stale else ""
        return SipRefusal(
            401, headers=(("WWW-Authenticate", f'Association realm="{realm}"{again}'),)
        )

    def _use_nonce(
        self,
        message: SipMessage,
        facts: FlowFacts,
        response: DigestResponse,
        domain: str,
    ) -> None:
        purpose = self._purpose(message)
        state = self._parts.nonces.use(response.nonce, response.count, facts.id, purpose)
        if state is NonceState.GOOD:
            return
        if state is NonceState.BAD:
            self._count_failure(message, facts, "nonce")
        raise self._challenge(message, facts, domain, stale=state is NonceState.STALE)

    def _challenge(
        self, message: SipMessage, facts: FlowFacts, domain: str, *, stale: bool = False
    ) -> SipRefusal:
        realm = self._realm(domain)
        tenant = self._parts.directory.tenant_of_domain(realm)
        guest = SipUri.parse(message.from_uri).is_anonymous
        algorithms = ("SHA-256",) if guest else algorithms_for(tenant, fips=self._parts.fips)
        nonce = self._parts.nonces.new(facts.id, self._purpose(message))
        again = ", stale=true" if stale else ""
        headers = [
            (
                "WWW-Authenticate",
                f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm={name}{again}',
            )
            for name in algorithms
        ]
        shown = _authorization(message)[0] == "bearer"
        # Not to every phone: there are some (linphone 5.1) that crash when they are asked for a token.
        codes = tenant is not None and tenant.policy.device_sign_in
        if not guest and (shown or codes or not algorithms):
            failed = ', error="invalid_token"' if shown else ""
            issuer = self._parts.token_issuer
            headers.append(
                ("WWW-Authenticate", f'Bearer realm="{realm}", authz_server="{issuer}"{failed}')
            )
        return SipRefusal(401, headers=headers)

    def _purpose(self, message: SipMessage) -> str:
        """What a nonce is for: a guest's for one meeting, a device's for all that its owner does."""
        if not SipUri.parse(message.from_uri).is_anonymous:
            return ""
        return self._parts.meeting_id_of(SipUri.parse(message.uri).opaque) or "none"

    def _realm(self, domain: str) -> str:
        """The domain itself if it is ours: secrets are made for the domain of their owner."""
        known = self._parts.directory.tenant_of_domain(domain) is not None
        return domain if known else self._parts.default_realm

    def _require_patience(self, message: SipMessage, facts: FlowFacts) -> None:
        wait = self._failures.wait(subnet_of(facts.host), self._parts.clock())
        if wait > 0:
            self._journal.throttled(message, facts)
            raise SipRefusal(503, headers=(("Retry-After", str(int(wait) + 1)),))

    def _count_failure(
        self,
        message: SipMessage,
        facts: FlowFacts,
        mechanism: str,
        *,
        proven: Principal | None = None,
        meeting: str | None = None,
    ) -> None:
        self._failed.add(facts.id)
        self._require_patience(message, facts)
        self._failures.take(subnet_of(facts.host), self._parts.clock())
        _log.info("proof.failed", address=facts.host, mechanism=mechanism)
        self._journal.refused(message, facts, mechanism, proven=proven, meeting=meeting)


def _forbidden(why: str) -> SipRefusal:
    return SipRefusal(403, headers=(("Reason", f'SIP;cause=403;text="{why}"'),))


def _message_proof(message: SipMessage) -> tuple[str, str]:
    """Scheme and text of what may be a proof by association."""
    if message.is_request:
        return _authorization(message)
    values = message.headers(PROOF_HEADER)
    return (SCHEME, values[0]) if len(values) == 1 else ("", "")


def _authorization(message: SipMessage) -> tuple[str, str]:
    """Scheme in lower case, and what follows it; empty without such a header. Raises SipRefusal (400)
    if there are two, of which the one might be checked and the other meant.
    """
    values = message.headers("Authorization")
    if len(values) > 1:
        raise SipRefusal(400, "More than one Authorization")
    scheme, _, parameters = (values[0] if values else "").partition(" ")
    return scheme.lower(), parameters.strip()


def _same_target(response: DigestResponse, message: SipMessage) -> bool:
    """Whether the digest was made for this Request-URI (RFC 7616 section 3.4.6)."""
    if response.uri == message.uri:
        return True
    try:
        return SipUri.parse(response.uri).equivalent(SipUri.parse(message.uri))
    except SipRefusal:
        return False
