"""Access tokens: JWTs after RFC 9068, signed with ES256 by our own keys and by nothing else.

What a token's head says is believed only as far as it names a key of ours: the algorithm is fixed,
and a head that brings its own key (`jwk`, `jku`, `x5c`, `x5u`) is refused (RFC 8725, ATTACKS 18).
A token can be bound to its holder's key (`cnf`, RFC 9449 section 6): without that key it is worth nothing.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from joserfc import jws
from joserfc.errors import JoseError

from vestibule.identity.signing_keys import ALGORITHM, SigningKeys

LIFETIME = 600
"""Seconds an access token lives; the web client renews it unseen."""

AUDIENCES = ("sip", "api")
"""The services that take our access tokens."""

_LEEWAY = 5  # seconds between the clocks of two nodes
_TYPE = "at+jwt"
_MAX_CHARACTERS = 4096
_HEAD = frozenset({"alg", "typ", "kid"})
_REMEMBERED = 4096  # tokens whose signature need not be checked again; each message carries one


class Refusal(StrEnum):
    """Why a token was refused."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    HEAD = "head"
    UNKNOWN_KEY = "unknown-key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    PERSON = "person"
    REVOKED = "revoked"
    KEY = "key"


class TokenRefused(Exception):
    """The token proves nothing; answer 401 with `invalid_token` (RFC 6750 section 3.1)."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class TokenPerson(Protocol):
    """What of a directory person goes into a token."""

    @property
    def id(self) -> str:
        """The person's id, the `sub` claim."""

    @property
    def aor(self) -> str:
        """The person's address of record."""

    @property
    def enabled(self) -> bool:
        """Whether the account is in use."""


class People(Protocol):
    """The directory, as far as tokens need it."""

    def person_by_id(self, person_id: str, /) -> TokenPerson | None:
        """The person of that id, disabled ones too."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says.

    `grant` names the sign-in that it came from (see `provider.grants`); `key` is the thumbprint of the
    key that it is bound to, or empty; times are Unix seconds.
    """

    person_id: str
    aor: str
    client_id: str
    scope: str
    grant: str
    issued_at: int
    expires_at: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Signed:
    """A token's claims after its signature was found good."""

    claims: Claims
    issuer: str
    audience: tuple[str, ...]


class AccessTokens:
    """Issues and verifies access tokens. `bound_clients`: ids of clients whose tokens are always bound."""

    def __init__(
        self,
        issuer: str,
        keys: SigningKeys,
        people: People,
        *,
        clock: Callable[[], float],
        bound_clients: Container[str] = (),
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._people = people
        self._clock = clock
        self._bound_clients = bound_clients
        self._checked: OrderedDict[str, _Signed] = OrderedDict()
        self._revoked: OrderedDict[str, float] = OrderedDict()
        self._told: list[Callable[[], object]] = []

    def on_revoked(self, tell: Callable[[], object]) -> None:
        """`tell` is called, in whatever thread, after each revocation."""
        self._told.append(tell)

    def issue(
        self, person: TokenPerson, client_id: str, scope: str, *, grant: str = "", key: str = ""
    ) -> str:
        """A token for the person, good for every audience of ours for `LIFETIME` seconds.

        `key`: the thumbprint of the key that it is to be bound to. Raises ValueError if there must be one.
        """
        if not key and client_id in self._bound_clients:
            raise ValueError(f"a token of {client_id} is bound to a key")
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": list(AUDIENCES),
            "sub": person.id,
            "aor": person.aor,
            "client_id": client_id,
            "scope": scope,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        if grant:
            claims["sid"] = grant
        if key:
            claims["cnf"] = {"jkt": key}
        signing = self._keys.signing
        head = {"alg": ALGORITHM, "typ": _TYPE, "kid": signing.kid}
        body = json.dumps(claims, separators=(",", ":")).encode()
        return jws.serialize_compact(head, body, signing, [ALGORITHM])

    def verify(self, token: str, *, audience: str, key: str = "") -> Claims:
        """The token's claims, if it is ours, meant for `audience`, in time, and of a living person.

        `key`: the thumbprint of the key that its bearer has shown to hold. A token that is bound is
        good with that key only, and one that isn't, without any.
        Raises TokenRefused. The signature of a token is checked once; all else each time.
        """
        signed = self._checked.get(token) or self._check_signature(token)
        claims, now = signed.claims, self._clock()
        if signed.issuer != self._issuer:
            raise TokenRefused(Refusal.ISSUER)
        if audience not in signed.audience:
            raise TokenRefused(Refusal.AUDIENCE)
        if claims.key != key or (not key and claims.client_id in self._bound_clients):
            raise TokenRefused(Refusal.KEY)
        if now >= claims.expires_at + _LEEWAY:
            self._checked.pop(token, None)
            raise TokenRefused(Refusal.EXPIRED)
        if claims.issued_at > now + _LEEWAY:
            raise TokenRefused(Refusal.NOT_YET)
        if self.is_revoked(claims.grant):
            raise TokenRefused(Refusal.REVOKED)
        person = self._people.person_by_id(claims.person_id)
        if person is None or not person.enabled or person.aor != claims.aor:
            raise TokenRefused(Refusal.PERSON)
        return claims

    def revoke(self, grant: str) -> None:
        """Refuses from now on the tokens of that sign-in, which would live some minutes more."""
        now = self._clock()
        while self._revoked and next(iter(self._revoked.values())) < now:
            self._revoked.popitem(last=False)
        self._revoked[grant] = now + LIFETIME + _LEEWAY
        for tell in self._told:
            tell()

    def is_revoked(self, grant: str) -> bool:
        """Whether that sign-in was ended; remembered for as long as its tokens could live."""
        return grant in self._revoked

    def _check_signature(self, token: str) -> _Signed:
        if len(token) > _MAX_CHARACTERS:
            raise TokenRefused(Refusal.MALFORMED)
        key = self._keys.verifying(_key_id(token))
        if key is None:
            raise TokenRefused(Refusal.UNKNOWN_KEY)
        try:
            payload = jws.deserialize_compact(token, key, [ALGORITHM]).payload
        except (JoseError, ValueError) as error:
            raise TokenRefused(Refusal.SIGNATURE) from error
        signed = _claims(payload)
        self._checked[token] = signed
        if len(self._checked) > _REMEMBERED:
            self._checked.popitem(last=False)
        return signed


def _key_id(token: str) -> str:
    """The key id in the token's head, whose every other field must be as we write it."""
    try:
        head = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(Refusal.MALFORMED) from error
    if head.get("alg") != ALGORITHM:
        raise TokenRefused(Refusal.ALGORITHM)
    if head.get("typ") != _TYPE:
        raise TokenRefused(Refusal.TYPE)
    kid = head.get("kid")
    if set(head) != _HEAD or not isinstance(kid, str):
        raise TokenRefused(Refusal.HEAD)
    return kid


def _claims(payload: bytes) -> _Signed:
    try:
        said: dict[str, Any] = json.loads(payload)
        return _Signed(
            Claims(
                person_id=str(said["sub"]),
                aor=str(said["aor"]),
                client_id=str(said["client_id"]),
                scope=str(said["scope"]),
                grant=str(said.get("sid", "")),
                issued_at=int(said["iat"]),
                expires_at=int(said["exp"]),
                key=str(said["cnf"]["jkt"]) if "cnf" in said else "",
            ),
            issuer=str(said["iss"]),
            audience=tuple(said["aud"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TokenRefused(Refusal.CLAIMS) from error
