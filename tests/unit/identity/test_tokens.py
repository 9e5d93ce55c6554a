"""Access tokens: ours are taken, whatever else is brought is refused by name (ATTACKS 18)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tokens import LIFETIME, AccessTokens, Refusal, TokenRefused

ISSUER = "https://vestibule.test/identity"


@dataclass(frozen=True)
class Someone:
    id: str = "person-1"
    aor: str = "sip:alice@vestibule.test"
    enabled: bool = True


@dataclass
class Crowd:
    people: dict[str, Someone] = field(default_factory=lambda: {"person-1": Someone()})

    def person_by_id(self, person_id: str, /) -> Someone | None:
        return self.people.get(person_id)


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys.load_or_create(tmp_path / "identity" / "token-keys.json")


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(keys: SigningKeys, crowd: Crowd, clock: Clock) -> AccessTokens:
    return AccessTokens(ISSUER, keys, crowd, clock=clock)


@pytest.fixture
def token(tokens: AccessTokens) -> str:
    return tokens.issue(Someone(), "vestibule-web", "openid profile", grant="grant-1")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    return (
        json.loads(base64.urlsafe_b64decode(head + "==")),
        json.loads(base64.urlsafe_b64decode(body + "==")),
    )


def signed(head: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    """A JWT made by hand, so that nothing of the code under test decides what is in it."""
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(claims), key, ["ES256"], registry)


def refusal(tokens: AccessTokens, token: str, audience: str = "sip") -> Refusal:
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(token, audience=audience)
    return refused.value.reason


@pytest.mark.parametrize("audience", ["sip", "api"])
def test_our_token_is_taken_by_each_of_our_services(
    tokens: AccessTokens, token: str, clock: Clock, audience: str
) -> None:
    claims = tokens.verify(token, audience=audience)
    assert claims.person_id == "person-1"
    assert claims.aor == "sip:alice@vestibule.test"
    assert claims.client_id == "vestibule-web"
    assert claims.grant == "grant-1"
    assert claims.expires_at == clock.now + LIFETIME


def test_the_head_is_that_of_an_access_token(token: str, keys: SigningKeys) -> None:
    head, claims = parts(token)
    assert head == {"alg": "ES256", "typ": "at+jwt", "kid": keys.signing.kid}
    assert {"iss", "aud", "sub", "aor", "client_id", "scope", "iat", "exp", "jti"} <= set(claims)


def test_another_audience_is_refused(tokens: AccessTokens, token: str) -> None:
    assert refusal(tokens, token, "calendar") is Refusal.AUDIENCE


def test_an_expired_token_is_refused_though_it_was_good_before(
    tokens: AccessTokens, token: str, clock: Clock
) -> None:
    tokens.verify(token, audience="sip")
    clock.now += LIFETIME + 6
    assert refusal(tokens, token) is Refusal.EXPIRED


def test_a_token_from_the_future_is_refused(tokens: AccessTokens, token: str, clock: Clock) -> None:
    clock.now -= 60
    assert refusal(tokens, token) is Refusal.NOT_YET


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE"])
def test_no_algorithm_is_refused(tokens: AccessTokens, token: str, algorithm: str) -> None:
    head, claims = parts(token)
    unsigned = f"{b64(json.dumps({**head, 'alg': algorithm}).encode())}."
    unsigned += f"{b64(json.dumps(claims).encode())}."
    assert refusal(tokens, unsigned) is Refusal.ALGORITHM


def test_the_public_key_as_a_shared_secret_is_refused(
    tokens: AccessTokens, token: str, keys: SigningKeys
) -> None:
    head, claims = parts(token)
    text = (
        f"{b64(json.dumps({**head, 'alg': 'HS256'}).encode())}.{b64(json.dumps(claims).encode())}"
    )
    mac = hmac.new(keys.signing.as_pem(private=False), text.encode(), hashlib.sha256).digest()
    assert refusal(tokens, f"{text}.{b64(mac)}") is Refusal.ALGORITHM


def test_another_key_is_refused_under_its_own_name_and_under_ours(
    tokens: AccessTokens, token: str
) -> None:
    head, claims = parts(token)
    stranger = ECKey.generate_key("P-256")
    assert refusal(tokens, signed({**head, "kid": "x"}, claims, stranger)) is Refusal.UNKNOWN_KEY
    assert refusal(tokens, signed(head, claims, stranger)) is Refusal.SIGNATURE


@pytest.mark.parametrize("field_name", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_a_head_that_brings_anything_of_its_own_is_refused(
    tokens: AccessTokens, token: str, field_name: str
) -> None:
    head, claims = parts(token)
    stranger = ECKey.generate_key("P-256")
    brought = {
        "jwk": stranger.as_dict(private=False),
        "jku": "https://evil.test/keys",
        "x5u": "https://evil.test/chain",
        "x5c": ["MIIB"],
        "crit": ["exp"],
    }[field_name]
    text = b64(json.dumps({**head, field_name: brought}).encode())
    forged = f"{text}.{b64(json.dumps(claims).encode())}.{b64(bytes(64))}"
    assert refusal(tokens, forged) is Refusal.HEAD


def test_an_id_token_is_not_an_access_token(
    tokens: AccessTokens, token: str, keys: SigningKeys
) -> None:
    head, claims = parts(token)
    assert refusal(tokens, signed({**head, "typ": "JWT"}, claims, keys.signing)) is Refusal.TYPE


def test_another_issuer_is_refused(tokens: AccessTokens, token: str, keys: SigningKeys) -> None:
    head, claims = parts(token)
    claims["iss"] = "https://other.test/identity"
    assert refusal(tokens, signed(head, claims, keys.signing)) is Refusal.ISSUER


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "sub", "aor"])
def test_a_missing_claim_is_refused(
    tokens: AccessTokens, token: str, keys: SigningKeys, missing: str
) -> None:
    head, claims = parts(token)
    del claims[missing]
    assert refusal(tokens, signed(head, claims, keys.signing)) is Refusal.CLAIMS


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-4] + "AAAA",
        lambda token: token.replace(".", ".A", 1),
        lambda token: token + "." + token,
    ],
)
def test_a_changed_token_is_refused(
    tokens: AccessTokens, token: str, change: Callable[[str], str]
) -> None:
    tokens.verify(token, audience="sip")
    assert refusal(tokens, change(token)) in {Refusal.SIGNATURE, Refusal.MALFORMED}


@pytest.mark.parametrize("junk", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, "\0.\0.\0"])
def test_junk_is_malformed(tokens: AccessTokens, junk: str) -> None:
    assert refusal(tokens, junk) is Refusal.MALFORMED


def test_a_disabled_person_is_refused_at_once(
    tokens: AccessTokens, token: str, crowd: Crowd
) -> None:
    tokens.verify(token, audience="sip")
    crowd.people["person-1"] = replace(Someone(), enabled=False)
    assert refusal(tokens, token) is Refusal.PERSON
    crowd.people.clear()
    assert refusal(tokens, token) is Refusal.PERSON


def test_a_revoked_sign_in_takes_its_tokens_along_and_no_others(
    tokens: AccessTokens, token: str
) -> None:
    other = tokens.issue(Someone(), "vestibule-web", "openid", grant="grant-2")
    tokens.revoke("grant-1")
    assert refusal(tokens, token) is Refusal.REVOKED
    tokens.verify(other, audience="sip")


def test_tokens_outlive_one_rotation_of_the_key_and_no_more(
    token: str, keys: SigningKeys, crowd: Crowd, clock: Clock
) -> None:
    rotated = keys.rotate()
    AccessTokens(ISSUER, rotated, crowd, clock=clock).verify(token, audience="sip")
    twice = AccessTokens(ISSUER, rotated.rotate(), crowd, clock=clock)
    assert refusal(twice, token) is Refusal.UNKNOWN_KEY


def test_some_clients_tokens_are_bound_or_none(
    keys: SigningKeys, crowd: Crowd, clock: Clock, tokens: AccessTokens, token: str
) -> None:
    """One that was issued before the client had to prove its key included."""
    strict = AccessTokens(ISSUER, keys, crowd, clock=clock, bound_clients={"vestibule-web"})
    tokens.verify(token, audience="api")
    with pytest.raises(TokenRefused, match="key"):
        strict.verify(token, audience="api")
    with pytest.raises(ValueError, match="bound"):
        strict.issue(Someone(), "vestibule-web", "openid")
    bound = strict.issue(Someone(), "vestibule-web", "openid", key="k" * 43)
    assert strict.verify(bound, audience="api", key="k" * 43).key == "k" * 43
    strict.verify(strict.issue(Someone(), "vestibule-phone", "openid"), audience="sip")
