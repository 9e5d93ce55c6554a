"""Proofs of possession (DPoP, RFC 9449): a token is worth nothing without the key that it is bound to.

Each request over HTTP carries a JWT of its own, signed with the client's key. It names the method, the
address and the token that it is for, and a nonce of ours, so that none can be made in store.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from vestibule.identity.dpop_nonces import DpopNonces, UsedProofs

ALGORITHMS = ("ES256", "Ed25519")
"""What proofs may be signed with: P-256, or Ed25519 by the name that RFC 9864 gives it."""

CLOCK_SECONDS = 300.0
"""How far a client's clock may be off; that a proof is fresh is shown by its nonce."""

_MAX_CHARACTERS = 4096
_MAX_JTI = 256
_TYPE = "dpop+jwt"
_CURVES = {"ES256": ("EC", "P-256", ("x", "y")), "Ed25519": ("OKP", "Ed25519", ("x",))}


class Refusal(StrEnum):
    """Why a proof was refused."""

    NOT_ONE = "not-one"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    KEY = "key"
    SIGNATURE = "signature"
    METHOD = "method"
    URL = "url"
    TIME = "time"
    TOKEN = "token"  # noqa: S105 - a reason, not a token
    NONCE = "nonce"
    REPLAYED = "replayed"


class DpopRefused(Exception):
    """The proof proves nothing: `invalid_dpop_proof`, or `use_dpop_nonce` with a new nonce."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @property
    def error(self) -> str:
        """OAuth's code for it (sections 5 and 8)."""
        return "use_dpop_nonce" if self.reason is Refusal.NONCE else "invalid_dpop_proof"


@dataclass(frozen=True, slots=True)
class DpopProof:
    """A proof that is good for its request, but may have been used.

    `key` is the thumbprint of the client's key (RFC 7638), the `jkt` of tokens bound to it;
    `made_at` when its nonce was handed out, in Unix seconds.
    """

    key: str
    jti: str
    made_at: float


class DpopProofs:
    """Checks proofs, and takes each once. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._nonces = DpopNonces(clock)
        self._used = UsedProofs(clock)

    def new_nonce(self) -> str:
        """A nonce for the next proofs."""
        return self._nonces.new()

    def check(
        self, headers: Sequence[str], method: str, url: str, token: str | None = None
    ) -> DpopProof:
        """The proof in a request's `DPoP` headers, for that method, address and access token.

        Raises DpopRefused. What it finds must be given to `spend` before it counts.
        """
        if len(headers) != 1:
            raise DpopRefused(Refusal.NOT_ONE)
        head, claims = _read(headers[0])
        made_at = self._nonce_time(claims)
        key = _key(head)
        _check_signature(headers[0], key, head["alg"])
        if claims.get("htm") != method:
            raise DpopRefused(Refusal.METHOD)
        if _address(claims.get("htu")) != _address(url):
            raise DpopRefused(Refusal.URL)
        if token is not None and not _same(claims.get("ath"), _hash(token)):
            raise DpopRefused(Refusal.TOKEN)
        self._check_time(claims.get("iat"))
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
            raise DpopRefused(Refusal.MALFORMED)
        return DpopProof(key.thumbprint(), jti, made_at)

    def spend(self, proof: DpopProof) -> None:
        """Uses the proof up. Raises DpopRefused if it was used before."""
        if not self._used.is_fresh(proof.made_at):
            raise DpopRefused(Refusal.NONCE)
        if not self._used.take(proof.key, proof.jti, proof.made_at):
            raise DpopRefused(Refusal.REPLAYED)

    def _nonce_time(self, claims: Mapping[str, Any]) -> float:
        """Looked at first: whoever has no nonce of ours costs no signature check."""
        nonce = claims.get("nonce")
        made_at = self._nonces.made_at(nonce) if isinstance(nonce, str) else None
        if made_at is None:
            raise DpopRefused(Refusal.NONCE)
        return made_at

    def _check_time(self, made: object) -> None:
        number = isinstance(made, int | float) and not isinstance(made, bool)
        # A NaN compares as false with everything.
        if not number or not abs(self._clock() - made) <= CLOCK_SECONDS:  # type: ignore[operator]
            raise DpopRefused(Refusal.TIME)


def _read(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Head and claims of what looks like a proof; nothing of it is believed yet."""
    if len(text) > _MAX_CHARACTERS:
        raise DpopRefused(Refusal.MALFORMED)
    try:
        parts = jws.extract_compact(text.encode("ascii"))
        head, claims = parts.headers(), json.loads(parts.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise DpopRefused(Refusal.MALFORMED) from error
    if not isinstance(head, dict) or not isinstance(claims, dict):
        raise DpopRefused(Refusal.MALFORMED)
    if head.get("typ") != _TYPE:
        raise DpopRefused(Refusal.TYPE)
    if head.get("alg") not in ALGORITHMS:
        raise DpopRefused(Refusal.ALGORITHM)
    return head, claims


def _key(head: Mapping[str, Any]) -> ECKey | OKPKey:
    """The public key in the head, of the kind that the algorithm is for."""
    kind, curve, members = _CURVES[head["alg"]]
    jwk = head.get("jwk")
    if not isinstance(jwk, dict) or jwk.get("kty") != kind or jwk.get("crv") != curve:
        raise DpopRefused(Refusal.KEY)
    if "d" in jwk:  # a private key that travels is nobody's own
        raise DpopRefused(Refusal.KEY)
    public: dict[str, str | list[str]] = {"kty": kind, "crv": curve}
    for name in members:
        value = jwk.get(name)
        if not isinstance(value, str):
            raise DpopRefused(Refusal.KEY)
        public[name] = value
    try:
        key = ECKey.import_key(public) if kind == "EC" else OKPKey.import_key(public)
        key.public_key  # noqa: B018 - made here, and refused here if it is no point of the curve
    except (JoseError, ValueError, TypeError) as error:
        raise DpopRefused(Refusal.KEY) from error
    return key


def _check_signature(text: str, key: ECKey | OKPKey, algorithm: str) -> None:
    try:
        jws.deserialize_compact(text, key, [algorithm])
    except (JoseError, ValueError, TypeError) as error:
        raise DpopRefused(Refusal.SIGNATURE) from error


def _address(url: object) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path, spelled in one way; query and fragment don't count (section 4.3)."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or host is None or parts.username is not None:
        return None
    return ("https", host, port or 443, parts.path or "/")


def _hash(token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _same(said: object, right: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), right.encode())
