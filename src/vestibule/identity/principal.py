"""The outcome of proof for one message: who sent it, and how that is known."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a principal is to us."""

    MEMBER = "member"
    FEDERATED = "federated"
    ANONYMOUS = "anonymous"
    TRUNK = "trunk"
    NODE = "node"


class Mechanism(StrEnum):
    """How the proof was given."""

    CERTIFICATE = "certificate"
    DEVICE_DIGEST = "device-digest"
    BEARER = "bearer"
    ASSOCIATION = "association"
    CONFERENCE_KEY = "conference-key"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a message.

    `aor` is the proven address of record; of an anonymous guest it is the From URI at
    anonymous.invalid, `display_name` is then only a claim, and `meeting` is the id of the meeting
    whose key was shown. `device` is the id of the proven device, if the proof names one; `grant` that
    of the sign-in which a token or an association came from.
    """

    kind: Kind
    aor: str
    tenant: str
    display_name: str
    mechanism: Mechanism
    device: str | None = None
    meeting: str | None = None
    grant: str | None = None

    def same_sender(self, other: "Principal") -> bool:
        """Whether both are one person (or one guest of one meeting), whatever the mechanism."""
        return (self.kind, self.aor, self.meeting) == (other.kind, other.aor, other.meeting)
