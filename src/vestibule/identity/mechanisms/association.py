"""A message proof by an association, as SIP spells it (docs/protocol/association.md).

Requests of a client say `Authorization: Association id="…", seq=…, mac="…"`; its responses, and everything that we send
to it, say the same in `Association-Proof`.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from enum import StrEnum

from vestibule.identity.associations import Association, Associations
from vestibule.identity.canonical_form import Direction, canonical_form
from vestibule.identity.mechanisms.bearer import PeopleById
from vestibule.identity.mechanisms.certificate import member
from vestibule.identity.principal import Mechanism, Principal
from vestibule.sip.message import SipMessage, parse_sip

PROOF_HEADER = "Association-Proof"
SCHEME = "association"

_ID_CHARACTERS = 22
_MAC_CHARACTERS = 43
_MOST_DIGITS = 16
_FIRST, _MIDDLE, _LAST = 'id="', '", seq=', ', mac="'
_BEFORE_NUMBER = len(_FIRST) + _ID_CHARACTERS + len(_MIDDLE)


class Fault(StrEnum):
    """What is wrong with a proof."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_CONNECTION = "other-connection"
    OTHER_PERSON = "other-person"
    MAC = "mac"
    REPLAYED = "replayed"


class ProofRefused(Exception):
    """A message whose proof is wrong."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(slots=True)  # not frozen: that would treble the cost of making one
class MessageProof:
    """What a proof says: which association, which number, and the MAC in base64url."""

    association: str
    number: int
    mac: str

    @classmethod
    def read(cls, text: str) -> "MessageProof":
        """Read a proof, for which there is one spelling only. Raises ProofRefused."""
        end = len(text) - len(_LAST) - _MAC_CHARACTERS - 1
        digits = text[_BEFORE_NUMBER:end]
        rightly_spelt = (
            text.startswith(_FIRST)
            and text.startswith(_MIDDLE, _BEFORE_NUMBER - len(_MIDDLE))
            and text.startswith(_LAST, end)
            and text[-1] == '"'
            and end > _BEFORE_NUMBER
            and len(digits) <= _MOST_DIGITS
            and digits.isascii()
            and digits.isdecimal()
            and digits[0] != "0"
        )
        if not rightly_spelt:
            raise ProofRefused(Fault.MALFORMED)
        name = text[len(_FIRST) : len(_FIRST) + _ID_CHARACTERS]
        return cls(name, int(digits), text[-_MAC_CHARACTERS - 1 : -1])

    def __str__(self) -> str:
        return f'id="{self.association}", seq={self.number}, mac="{self.mac}"'


def mac_of(key: bytes, form: bytes) -> str:
    """HMAC-SHA-256 in base64url without padding."""
    return urlsafe_b64encode(hmac.digest(key, form, "sha256"))[:_MAC_CHARACTERS].decode("ascii")


def verify(
    proof: MessageProof, message: SipMessage, flow: int, associations: Associations
) -> Association:
    """The association that a client's message was proven by; its number is then used up and the connection is the
    association's. Raises ProofRefused.
    """
    association = associations.find(proof.association)
    if association is None:
        raise ProofRefused(Fault.UNKNOWN)
    if association.flow not in (None, flow):
        raise ProofRefused(Fault.OTHER_CONNECTION)
    before = associations.of_flow(flow)
    if before is not None and before.person_id != association.person_id:
        raise ProofRefused(Fault.OTHER_PERSON)
    if associations.has_expired(association):
        raise ProofRefused(Fault.EXPIRED)
    form = canonical_form(message, Direction.FROM_CLIENT, proof.number)
    right = mac_of(association.keys.from_client, form)
    if not hmac.compare_digest(right.encode(), proof.mac.encode()):
        raise ProofRefused(Fault.MAC)
    if not association.received.take(proof.number):
        raise ProofRefused(Fault.REPLAYED)
    associations.bind(association, flow)
    return association


def sign(data: bytes, association: Association) -> bytes:
    """A message of ours with its proof. Raises MalformedMessage."""
    message, number = parse_sip(data), association.next_number()
    form = canonical_form(message, Direction.FROM_SERVER, number)
    proof = MessageProof(association.id, number, mac_of(association.keys.from_server, form))
    end = data.index(b"\r\n") + 2
    return b"".join((data[:end], f"{PROOF_HEADER}: {proof}\r\n".encode("ascii"), data[end:]))


def prove_by_association(association: Association, people: PeopleById) -> Principal | None:
    """Whose association it is; None if that person may not be here any more."""
    person = people.person_by_id(association.person_id)
    if person is None or not person.enabled or person.aor != association.aor:
        return None
    return replace(member(person, Mechanism.ASSOCIATION), grant=association.grant or None)
