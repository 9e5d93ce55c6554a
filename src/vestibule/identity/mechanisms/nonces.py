"""Nonces for digest: bound to one connection and purpose, short-lived, each count once (RFC 7616 section 5; ATTACKS 2).

A connection has one address, so that a nonce is of no use from another. A client whose address changes connects again
and is asked again, as is one that goes on to another meeting: since its answer was right but for the nonce, it is told
`stale=true` and tries again without asking anybody for the secret.
"""

import hmac
import secrets
from collections.abc import Callable
from enum import Enum, auto

NONCE_SECONDS = 1800.0
_MOST_PER_FLOW = 32


class NonceState(Enum):
    """What a nonce and its count are worth."""

    GOOD = auto()
    STALE = auto()
    """Too old, not for this connection or purpose, or not ours: the client may try again with a new one."""
    BAD = auto()
    """This count was used: a replay."""


class Nonces:
    """Makes and checks nonces. `clock` gives Unix seconds.

    A nonce says when it was made and carries a MAC over that, its connection and its purpose (for a
    guest, the meeting's id), so that asking for one costs no memory. Only nonces that were answered
    rightly are remembered, with the highest count seen: on one connection requests come in the order
    in which they were counted.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._counts: dict[int, dict[str, int]] = {}

    def new(self, flow: int, purpose: str = "") -> str:
        """A nonce for a connection and a purpose."""
        head = f"{int(self._clock()):x}.{secrets.token_hex(6)}"
        return f"{head}.{self._seal(head, flow, purpose)}"

    def use(self, nonce: str, count: int, flow: int, purpose: str = "") -> NonceState:
        """Check a nonce and use up its count; ask only after the response was found right."""
        head, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(head, flow, purpose).encode()):
            return NonceState.STALE
        counts = self._counts.setdefault(flow, {})
        if self._is_old(nonce):
            counts.pop(nonce, None)
            return NonceState.STALE
        if nonce not in counts and not self._has_room(counts):
            return NonceState.STALE
        if count <= counts.get(nonce, 0):
            return NonceState.BAD
        counts[nonce] = count
        return NonceState.GOOD

    def forget(self, flow: int) -> None:
        """A connection is gone."""
        self._counts.pop(flow, None)

    def _is_old(self, nonce: str) -> bool:
        return self._clock() - int(nonce.partition(".")[0], 16) > NONCE_SECONDS

    def _has_room(self, counts: dict[str, int]) -> bool:
        """No nonce is forgotten while it lives, or its counts could be used again."""
        if len(counts) < _MOST_PER_FLOW:
            return True
        for nonce in [nonce for nonce in counts if self._is_old(nonce)]:
            del counts[nonce]
        return len(counts) < _MOST_PER_FLOW

    def _seal(self, head: str, flow: int, purpose: str) -> str:
        return hmac.digest(self._key, f"{head}|{flow}|{purpose}".encode(), "sha256").hex()[:32]
