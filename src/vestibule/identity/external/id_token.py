"""Is this ID token good? (OpenID Connect Core section 3.1.3.7, RFC 8725)

The token's head chooses no more than one of the provider's published keys: `none` and every symmetric
algorithm are out, and so is a head that brings a key along.
"""

import hmac
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from vestibule.identity.external.discovery import Discovery, Metadata
from vestibule.identity.external.refusal import ExternalRefused, Reason
from vestibule.outbound.strict_json import parse

ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA",
    "PS512": "RSA", "ES256": "EC", "ES384": "EC", "ES512": "EC",
}  # fmt: skip
"""What we take, and the type of key that goes with it."""

LEEWAY = 30
"""Seconds that the other clock may differ."""

_MOST_AGE = 600  # seconds since it was issued: we asked a moment ago
_MOST_CHARACTERS = 16_384
_MOST_SUBJECT = 255  # Core section 2
_BRINGS_A_KEY = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64"})


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token must say. `not_before`: the person must have shown something since then."""

    client_id: str
    nonce: str
    now: float
    not_before: float | None = None


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Who the provider says somebody is. Only `subject` names an account."""

    subject: str
    email: str
    """Empty unless the provider calls it verified."""
    user_name: str
    display_name: str
    methods: tuple[str, ...]
    """`amr`, as the provider means it."""
    authentication_class: str
    """`acr`, likewise."""


async def verified(
    token: str, metadata: Metadata, discovery: Discovery, expected: Expected
) -> ExternalIdentity:
    """Who the token is about. Raises ExternalRefused."""
    head = _head(token)
    algorithm = head.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or _BRINGS_A_KEY & set(head):
        raise ExternalRefused(Reason.SIGNATURE, "an algorithm or head that we don't take")
    kid = head.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ExternalRefused(Reason.TOKEN)
    key = await discovery.key(metadata, kid, ALGORITHMS[algorithm])
    try:
        payload = jws.deserialize_compact(token, key, [algorithm]).payload
        claims = parse(payload.decode())
    except JoseError as error:
        raise ExternalRefused(Reason.SIGNATURE) from error
    except ValueError as error:
        raise ExternalRefused(Reason.TOKEN) from error
    if not isinstance(claims, dict):
        raise ExternalRefused(Reason.TOKEN)
    _check(claims, metadata.issuer, expected)
    return _identity(claims)


def _head(token: str) -> dict[str, Any]:
    if len(token) > _MOST_CHARACTERS or token.count(".") != 2:
        raise ExternalRefused(Reason.TOKEN)
    try:
        return dict(jws.extract_compact(token.encode("ascii")).headers())
    except (JoseError, ValueError, TypeError) as error:
        raise ExternalRefused(Reason.TOKEN) from error


def _check(claims: dict[str, Any], issuer: str, expected: Expected) -> None:
    if claims.get("iss") != issuer:
        raise ExternalRefused(Reason.ISSUER)
    audience = claims.get("aud")
    if audience not in (expected.client_id, [expected.client_id]):  # nobody else's token too
        raise ExternalRefused(Reason.AUDIENCE)
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise ExternalRefused(Reason.AUDIENCE)
    if _time(claims, "exp") <= expected.now - LEEWAY:
        raise ExternalRefused(Reason.EXPIRED)
    issued_at = _time(claims, "iat")
    if not expected.now - _MOST_AGE <= issued_at <= expected.now + LEEWAY:
        raise ExternalRefused(Reason.EXPIRED)
    if "nbf" in claims and _time(claims, "nbf") > expected.now + LEEWAY:
        raise ExternalRefused(Reason.EXPIRED)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise ExternalRefused(Reason.NONCE)
    if expected.not_before is not None:
        signed_in = _time(claims, "auth_time", Reason.AUTH_TIME)
        if signed_in < expected.not_before - LEEWAY:
            raise ExternalRefused(Reason.AUTH_TIME)


def _time(claims: dict[str, Any], name: str, reason: Reason = Reason.TOKEN) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExternalRefused(reason)
    return value


def _identity(claims: dict[str, Any]) -> ExternalIdentity:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_SUBJECT:
        raise ExternalRefused(Reason.TOKEN)
    methods = claims.get("amr", [])
    return ExternalIdentity(
        subject=subject,
        email=_text(claims, "email") if claims.get("email_verified") is True else "",
        user_name=_text(claims, "preferred_username"),
        display_name=_text(claims, "name"),
        methods=tuple(one for one in methods if isinstance(one, str))
        if isinstance(methods, list)
        else (),
        authentication_class=_text(claims, "acr"),
    )


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    return value.strip()[:320] if isinstance(value, str) else ""
