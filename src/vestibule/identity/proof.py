"""Which person is this message from, proven how: a message becomes a principal, or a refusal (DESIGN 4.3, 8).

The ways, one small file each in `mechanisms`: a token in the message, a digest in the message (a device's secret, or a
guest's conference key), the client certificate of the connection. Whatever From says must be what the proof says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from vestibule.directory.model import Device, Tenant
from vestibule.identity.flow_facts import FlowFacts
from vestibule.identity.mechanisms.bearer import Tokens, prove_by_token
from vestibule.identity.mechanisms.certificate import Devices, prove_by_certificate
from vestibule.identity.mechanisms.conference_key import ConferenceKeys, prove_by_key
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
"""Wrong proofs from one address: real guests mistype seldom, and 128-bit keys aren't found at this rate."""

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
    keys: ConferenceKeys
    nonces: Nonces
    meeting_id_of: Callable[[str | None], str | None]
    token_issuer: str
    default_realm: str
    clock: Callable[[], float]
    notes: Notes = field(default_factory=NoNotes)


class Proof:
    """Turns messages into principals."""

    def __init__(self, parts: ProofParts) -> None:
        self._parts = parts
        self._failures = TokenBuckets(FAILURES)
        self._journal = ProofJournal(parts.notes, parts.directory)

    def prove(self, message: SipMessage, facts: FlowFacts, kind: UriKind) -> Principal:
        """Who sent it. Raises SipRefusal: 401 with challenges, 403, 400, 503 after too many failures."""
        sender = SipUri.parse(message.from_uri)
        if sender.is_anonymous:
            return self._guest(message, facts, kind)
        principal = self._member(message, facts, sender)
        if principal is None:
            raise self._challenge(message, facts, sender.host)
        if principal.aor != sender.aor.lower():
            self._count_failure(message, facts, "from", proven=principal)
            raise SipRefusal(403, headers=(("Reason", 'SIP;cause=403;text="not your address"'),))
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
        self._require_patience(message, facts)
        tenant = self._parts.directory.tenant_of_domain(sender.host)
        principal = prove_by_device(response, message.method, tenant, self._parts.directory)
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
            raise SipRefusal(403, headers=(("Reason", 'SIP;cause=403;text="for meetings only"'),))
        self._require_patience(message, facts)
        response = parse_digest(parameters)
        principal = prove_by_key(response, message, meeting_id, tenant.id, self._parts.keys)
        if principal is None or not _same_target(response, message):
            known = meeting_id if self._parts.keys.key_of(meeting_id) else None
            self._count_failure(message, facts, "conference-key", meeting=known)
            raise self._challenge(message, facts, uri.host)
        self._use_nonce(message, facts, response, uri.host)
        return principal

    # --- challenges and limits ---

    def _use_nonce(
        self,
        message: SipMessage,
        facts: FlowFacts,
        response: DigestResponse,
        domain: str,
    ) -> None:
        state = self._parts.nonces.use(response.nonce, response.count, facts.id)
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
        algorithms = ("SHA-256",) if guest else algorithms_for(tenant)
        nonce = self._parts.nonces.new(facts.id)
        again = ", stale=true" if stale else ""
        headers = [
            (
                "WWW-Authenticate",
                f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm={name}{again}',
            )
            for name in algorithms
        ]
        if not guest:
            failed = ', error="invalid_token"' if _authorization(message)[0] == "bearer" else ""
            issuer = self._parts.token_issuer
            headers.append(
                ("WWW-Authenticate", f'Bearer realm="{realm}", authz_server="{issuer}"{failed}')
            )
        return SipRefusal(401, headers=headers)

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
        self._require_patience(message, facts)
        self._failures.take(subnet_of(facts.host), self._parts.clock())
        _log.info("proof.failed", address=facts.host, mechanism=mechanism)
        self._journal.refused(message, facts, mechanism, proven=proven, meeting=meeting)


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
