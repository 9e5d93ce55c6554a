"""Nonces for proofs of possession, and which proofs were used (RFC 9449 sections 8 and 11.1).

A nonce says when it was made and carries a MAC, so handing one out costs no memory. What is kept are
the proofs used within the nonces' lifetime; if these are too many, the oldest are forgotten and with
them every nonce that one of them could be shown again with. Its honest holder gets a new one.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

NONCE_SECONDS = 300.0
"""How long a proof can be made with a nonce, and so how long a used one must be remembered."""

MOST_REMEMBERED = 50_000
"""Proofs; a client makes one for each request over HTTP."""

_LEEWAY = 1.0  # seconds by which the clock may be set back


class DpopNonces:
    """Makes nonces and says when one was made. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def new(self) -> str:
        """A nonce for whoever asks."""
        head = f"{int(self._clock() * 1000):x}.{secrets.token_urlsafe(6)}"
        return f"{head}.{self._seal(head)}"

    def made_at(self, nonce: str) -> float | None:
        """When it was made; None if it isn't ours or is too old."""
        head, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(head).encode()):
            return None
        made_at = int(head.partition(".")[0], 16) / 1000
        age = self._clock() - made_at
        return made_at if -_LEEWAY <= age <= NONCE_SECONDS else None

    def _seal(self, head: str) -> str:
        return hmac.new(self._key, head.encode(), hashlib.sha256).hexdigest()[:32]


class UsedProofs:
    """Takes each proof once."""

    def __init__(self, clock: Callable[[], float], *, remembered: int = MOST_REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._used: OrderedDict[bytes, float] = OrderedDict()
        """Hash of key and `jti` → when its nonce was made, in the order of their use."""
        self._forgotten = 0.0
        """Proofs with nonces made until then may have been used and forgotten."""

    def is_fresh(self, made_at: float) -> bool:
        """Whether all proofs with nonces made then are still remembered."""
        return made_at > self._forgotten

    def take(self, key: str, jti: str, made_at: float) -> bool:
        """Use a proof up; False if it was used before. Ask `is_fresh` first."""
        name = hashlib.sha256(f"{key} {jti}".encode()).digest()
        if name in self._used:
            return False
        self._used[name] = made_at
        self._forget()
        return True

    def _forget(self) -> None:
        dead = self._clock() - NONCE_SECONDS - _LEEWAY
        while self._used:
            oldest = next(iter(self._used.values()))
            if oldest >= dead and len(self._used) <= self._remembered:
                return
            self._used.popitem(last=False)
            self._forgotten = max(self._forgotten, oldest)
