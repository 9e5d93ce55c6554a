"""Security associations: what a device and we agreed on after sign-in, to prove each message with (I8, I10).

Hot state, in memory only. After a restart a client gets 401 and makes a new association, unseen by its person.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from vestibule.identity.key_agreement import MacKeys, agree
from vestibule.identity.replay_window import ReplayWindow
from vestibule.identity.tokens import Claims

MOST_SECONDS = 8 * 3600
"""No association lives longer (DESIGN 5)."""

MOST_PER_PERSON = 20
"""Live at the same time; the oldest goes when one more is made."""

_KEPT_AFTER_END = 3600.0  # seconds in which an expired one is told from an unknown one


class Grants(Protocol):
    """What knows which sign-ins were ended."""

    def is_revoked(self, grant: str) -> bool:
        """Whether that sign-in was ended."""


class GrantEnded(Exception):
    """The sign-in ended while an association was being made from it."""


@dataclass(slots=True, eq=False)
class Association:
    """One association: whose it is, its keys and its numbers. It knows nothing of how messages spell a proof.

    `flow` is the connection it was first used on, and can be used on only.
    """

    id: str
    person_id: str
    aor: str
    grant: str
    expires_at: float
    keys: MacKeys
    received: ReplayWindow = field(default_factory=ReplayWindow)
    sent: int = 0
    flow: int | None = None

    def next_number(self) -> int:
        """The number of the next message to the client."""
        self.sent += 1
        return self.sent


@dataclass(frozen=True, slots=True)
class Opened:
    """What the client is told of its new association."""

    id: str
    public_key: bytes
    seconds: int


class Associations:
    """All associations of this node. `clock` gives Unix seconds."""

    def __init__(
        self, grants: Grants, *, clock: Callable[[], float], lifetime: int = MOST_SECONDS
    ) -> None:
        self._grants = grants
        self._clock = clock
        self._lifetime = min(lifetime, MOST_SECONDS)
        self._known: OrderedDict[str, Association] = OrderedDict()
        """By id, in the order in which they expire: all live equally long."""
        self._of_person: dict[str, OrderedDict[str, Association]] = {}
        self._of_flow: dict[int, list[Association]] = {}

    def open(self, claims: Claims, public_key: bytes) -> Opened:
        """A new association of who holds that access token, from the client's public key.

        Raises BadPublicKey, or GrantEnded.
        """
        if claims.grant and self._grants.is_revoked(claims.grant):
            raise GrantEnded
        self._drop_long_expired()
        name = secrets.token_urlsafe(16)
        ours, keys = agree(public_key, name, claims.aor)
        expires_at = self._clock() + self._lifetime
        association = Association(
            name, claims.person_id, claims.aor, claims.grant, expires_at, keys
        )
        self._known[name] = association
        theirs = self._of_person.setdefault(claims.person_id, OrderedDict())
        theirs[name] = association
        while len(theirs) > MOST_PER_PERSON:
            self._drop(next(iter(theirs.values())))
        return Opened(name, ours, self._lifetime)

    def find(self, name: str) -> Association | None:
        """The association of that id, also for a while after it expired."""
        return self._known.get(name)

    def has_expired(self, association: Association) -> bool:
        """Whether its time is over."""
        return self._clock() >= association.expires_at

    def of_flow(self, flow: int) -> Association | None:
        """The one that the client of a connection used last."""
        bound = self._of_flow.get(flow)
        return bound[-1] if bound else None

    def bind(self, association: Association, flow: int) -> None:
        """A connection has used it; from now on no other may, and that one takes nothing less."""
        bound = self._of_flow.setdefault(flow, [])
        if not bound or bound[-1] is not association:
            bound[:] = [one for one in bound if one.id in self._known and one is not association]
            bound.append(association)
        association.flow = flow

    def forget_flow(self, flow: int) -> None:
        """A connection is gone, and its associations with it."""
        for association in self._of_flow.pop(flow, ()):
            self._drop(association)

    def end_revoked(self) -> None:
        """End those whose sign-in was ended."""
        is_revoked = self._grants.is_revoked
        for association in tuple(self._known.values()):
            if association.grant and is_revoked(association.grant):
                self._drop(association)

    def __len__(self) -> int:
        return len(self._known)

    def _drop_long_expired(self) -> None:
        oldest_kept = self._clock() - _KEPT_AFTER_END
        while self._known:
            first = next(iter(self._known.values()))
            if first.expires_at >= oldest_kept:
                return
            self._drop(first)

    def _drop(self, association: Association) -> None:
        self._known.pop(association.id, None)
        theirs = self._of_person.get(association.person_id)
        if theirs is not None:
            theirs.pop(association.id, None)
            if not theirs:
                del self._of_person[association.person_id]
