"""Nonces for digest: bound to one connection, short-lived, each count once (RFC 7616 section 5; ATTACKS 2)."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

NONCE_SECONDS = 1800.0
_WINDOW = 64


class NonceState(Enum):
    """What a nonce and its count are worth."""

    GOOD = auto()
    STALE = auto()
    """Ours once, but too old: the client may try again with a new one."""
    BAD = auto()
    """Not ours, not for this connection, or this count was used."""


@dataclass(slots=True)
class _Counts:
    highest: int = 0
    seen: set[int] = field(default_factory=set)


class Nonces:
    """Makes and checks nonces. A nonce says when and for which connection it was made, under a key of ours;
    only the counts used are remembered, by connection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._counts: dict[int, dict[str, _Counts]] = {}

    def new(self, flow: int) -> str:
        """A nonce for a connection."""
        head = f"{int(self._clock()):x}.{secrets.token_hex(6)}"
        return f"{head}.{self._seal(head, flow)}"

    def use(self, nonce: str, count: int, flow: int) -> NonceState:
        """Check a nonce and use up its count; ask only after the response was found right."""
        head, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(head, flow).encode()):
            return NonceState.BAD
        made = int(head.partition(".")[0], 16)
        if self._clock() - made > NONCE_SECONDS:
            self._counts.get(flow, {}).pop(nonce, None)
            return NonceState.STALE
        counts = self._counts.setdefault(flow, {}).setdefault(nonce, _Counts())
        return NonceState.GOOD if _take(counts, count) else NonceState.BAD

    def forget(self, flow: int) -> None:
        """A connection is gone."""
        self._counts.pop(flow, None)

    def _seal(self, head: str, flow: int) -> str:
        return hmac.digest(self._key, f"{head}|{flow}".encode(), "sha256").hex()[:32]


def _take(counts: _Counts, count: int) -> bool:
    """A count is good once, and not far behind the highest: requests may overtake each other a little."""
    if count <= counts.highest - _WINDOW or count in counts.seen or count < 1:
        return False
    counts.highest = max(counts.highest, count)
    counts.seen = {c for c in counts.seen if c > counts.highest - _WINDOW} | {count}
    return True
