"""Proof on the bench: a small directory, a real token issuer, clocks that go by hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.unit.sip.wire import request
from vestibule.conferencing.identifiers import meeting_id_of
from vestibule.directory.model import Device, Person, Tenant, TenantPolicy
from vestibule.identity.associations import Associations
from vestibule.identity.mechanisms.nonces import Nonces
from vestibule.identity.principal import Principal
from vestibule.identity.proof import Proof, ProofParts
from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tokens import AccessTokens
from vestibule.journal.note import Note
from vestibule.sip.digest import digest, ha1
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import Router
from vestibule.sip.uri import SipUri

ISSUER = "https://h.test/identity"
SECRET, CONFERENCE_KEY = "device-secret", "K" * 22
MEETING, OTHER_MEETING = "M" * 22, "N" * 22
GUEST = "sip:g7@anonymous.invalid"


def focus(meeting: str = MEETING, part: str = "focus") -> str:
    return f"sip:alice@d.test;gruu;opaque=app:conf:{part}:id:{meeting}"


@dataclass(frozen=True)
class Certificate:
    """What the edge read from a verified certificate."""

    serial: str = "abc"
    uris: tuple[str, ...] = ("sip:alice@d.test", "urn:uuid:phone")


@dataclass(frozen=True)
class Connection:
    """What is known of a connection."""

    id: int = 1
    host: str = "192.0.2.1"
    certificate: Certificate | None = None


@dataclass
class Place:
    """Alice and Bob of d.test, a meeting of Alice's, and everything that proves people."""

    folder: Path
    now: float = 1_800_000_000.0
    policy: TenantPolicy = field(default_factory=lambda: TenantPolicy(device_digest=True))

    notes: list[Note] = field(default_factory=list)
    conference_key: str = CONFERENCE_KEY

    def __post_init__(self) -> None:
        self.people = {name: _person(name) for name in ("alice", "bob")}
        self.devices = {
            "phone": Device("phone", "alice", "t1", "Desk", "certificate", "abc", None, None),
            "old": Device(
                "old", "alice", "t1", "Old", "digest", None,
                ha1("SHA-256", "alice", "d.test", SECRET), ha1("MD5", "alice", "d.test", SECRET),
            ),
        }  # fmt: skip
        keys = SigningKeys.load_or_create(self.folder / "keys.json")
        self.tokens = AccessTokens(ISSUER, keys, self, clock=lambda: self.now)
        self.associations = Associations(self.tokens, clock=lambda: self.now)
        self.nonces = Nonces(lambda: self.now)
        self.router = Router(lambda host: self.tenant_of_domain(host) is not None)
        self.proof = Proof(
            ProofParts(
                directory=self,
                tokens=self.tokens,
                associations=self.associations,
                keys=self,
                nonces=self.nonces,
                meeting_id_of=meeting_id_of,
                token_issuer=ISSUER,
                default_realm="d.test",
                clock=lambda: self.now,
                notes=self,
            )
        )

    def note(self, note: Note) -> None:
        """The journal."""
        self.notes.append(note)

    # --- the directory and the meetings ---

    def person(self, aor: str) -> Person | None:
        return next((p for p in self.people.values() if p.aor == aor), None)

    def person_by_id(self, person_id: str) -> Person | None:
        return self.people.get(person_id)

    def tenant(self, tenant_id: str) -> Tenant | None:
        return Tenant("t1", "D", ("first.test", "d.test"), self.policy)

    def tenant_of_domain(self, domain: str) -> Tenant | None:
        return self.tenant("t1") if domain in ("d.test", "first.test") else None

    def device(self, device_id: str) -> Device | None:
        return self.devices.get(device_id)

    def device_by_serial(self, serial: str) -> Device | None:
        return next((d for d in self.devices.values() if d.serial == serial), None)

    def digest_devices(self, person_id: str) -> tuple[Device, ...]:
        return tuple(
            d for d in self.devices.values()
            if d.person == person_id and d.kind == "digest" and not d.revoked
        )  # fmt: skip

    def key_of(self, meeting_id: str) -> tuple[str, str] | None:
        return ("d.test", self.conference_key) if meeting_id == MEETING else None

    def revoke(self, device: str) -> None:
        self.devices[device] = replace(self.devices[device], revoked_at=self.now)

    def disable(self, name: str) -> None:
        self.people[name] = replace(self.people[name], enabled=False)

    # --- asking ---

    def prove(self, message: SipMessage, connection: Connection | None = None) -> Principal:
        facts = connection or Connection(message.flow)
        self.proof.arrive(message, facts)
        kind = self.router.kind(SipUri.parse(message.uri))
        return self.proof.prove(message, facts, kind)

    def refusal(self, message: SipMessage, connection: Connection | None = None) -> SipRefusal:
        """How a message is refused; it must be."""
        try:
            principal = self.prove(message, connection)
        except SipRefusal as refusal:
            return refusal
        raise AssertionError(f"taken for {principal}")

    def token(self, name: str = "alice") -> str:
        return self.tokens.issue(self.people[name], "vestibule-web", "openid")


def with_authorization(value: str, *, sender: str = "sip:alice@d.test", uri: str = "sip:bob@d.test",
                       method: str = "MESSAGE", flow: int = 1) -> SipMessage:  # fmt: skip
    return request(method, uri, sender=sender, flow=flow, headers=(("Authorization", value),))


@dataclass
class DigestClient:
    """Somebody who answers challenges."""

    place: Place
    username: str = "alice"
    secret: str = SECRET
    realm: str = "d.test"
    sender: str = "sip:alice@d.test"
    algorithm: str = "SHA-256"
    flow: int = 1
    nonce: str = ""
    count: int = 0
    purpose: str = ""

    def answer(
        self,
        uri: str = "sip:bob@d.test",
        method: str = "MESSAGE",
        *,
        digest_uri: str | None = None,
        digest_method: str | None = None,
        count: int | None = None,
        flow: int | None = None,
    ) -> SipMessage:
        if not self.nonce:
            self.nonce = self.place.nonces.new(self.flow, self.purpose)
        self.count = self.count + 1 if count is None else count
        secret = ha1(self.algorithm, self.username, self.realm, self.secret)
        ha2 = digest(self.algorithm, f"{digest_method or method}:{digest_uri or uri}")
        middle = f"{self.nonce}:{self.count:08x}:cn:auth"
        value = (
            f'Digest username="{self.username}", realm="{self.realm}", nonce="{self.nonce}", '
            f'uri="{digest_uri or uri}", qop=auth, nc={self.count:08x}, cnonce="cn", '
            f"algorithm={self.algorithm}, "
            f'response="{digest(self.algorithm, f"{secret}:{middle}:{ha2}")}"'
        )
        return with_authorization(
            value, sender=self.sender, uri=uri, method=method, flow=flow or self.flow
        )


def guest(place: Place, **changed: str | int) -> DigestClient:
    """A guest who knows the meeting's key."""
    parts = {
        "username": MEETING,
        "secret": CONFERENCE_KEY,
        "sender": GUEST,
        "purpose": MEETING,
    } | changed
    return DigestClient(place, **parts)  # type: ignore[arg-type]


def _person(name: str) -> Person:
    return Person(
        name, "t1", name, "d.test", name.title(), f"{name}@d.test", licensed=True, enabled=True
    )
