"""Whatever a provider says, it is either good or refused: nothing else comes out."""

import json
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from vestibule.identity.external.discovery import Discovery, Metadata
from vestibule.identity.external.id_token import Expected, verified
from vestibule.identity.external.refusal import ExternalRefused, Reason

ISSUER = "https://login.example.net"
WELL_KNOWN = f"{ISSUER}/.well-known/openid-configuration"
GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}
METADATA = Metadata(
    ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/token", f"{ISSUER}/jwks",
    names_itself=False, secret_in_form=False,
)  # fmt: skip
KEY = ECKey.generate_key("P-256", {"kid": "k"})
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Documents:
    """What is at which address; counts how often it was asked for."""

    def __init__(self, **documents: Any) -> None:
        self.at = {WELL_KNOWN: GOOD, METADATA.jwks_uri: {"keys": [KEY.as_dict(private=False)]}}
        self.at.update(documents)
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return json.dumps(self.at[url]).encode()


def discovery(documents: Documents, now: float = 0.0) -> Discovery:
    return Discovery(documents, clock=lambda: now)  # type: ignore[arg-type]


async def test_metadata_is_read_once_an_hour() -> None:
    documents, clock = Documents(), [0.0]
    found = Discovery(documents, clock=lambda: clock[0])  # type: ignore[arg-type]
    assert await found.metadata(ISSUER) == await found.metadata(ISSUER) == METADATA
    assert documents.asked == [WELL_KNOWN]
    clock[0] = 3601
    await found.metadata(ISSUER)
    assert documents.asked == [WELL_KNOWN] * 2


async def test_an_unknown_key_is_looked_for_once_a_minute_not_more() -> None:
    documents, clock = Documents(), [0.0]
    found = Discovery(documents, clock=lambda: clock[0])  # type: ignore[arg-type]
    for _ in range(5):
        with pytest.raises(ExternalRefused):
            await found.key(METADATA, "new", "EC")
    assert len(documents.asked) == 1
    clock[0] = 61
    documents.at[METADATA.jwks_uri] = {"keys": [{**KEY.as_dict(private=False), "kid": "new"}]}
    assert (await found.key(METADATA, "new", "EC")).kid == "new"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.test"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://login.example.net/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_metadata_that_lies_or_leads_into_the_clear_is_refused(changed: Any) -> None:
    documents = Documents(**{WELL_KNOWN: {**GOOD, **changed}})
    with pytest.raises(ExternalRefused):
        await discovery(documents).metadata(ISSUER)


@given(st.dictionaries(st.sampled_from([*GOOD, "x"]), JSON))
async def test_any_metadata_is_good_or_refused(changed: Any) -> None:
    documents = Documents(**{WELL_KNOWN: {**GOOD, **changed}})
    with pytest.raises(ExternalRefused) if changed.keys() & GOOD.keys() else nullcontext():
        await discovery(documents).metadata(ISSUER)


KEYS = st.dictionaries(
    st.sampled_from(["kty", "n", "e", "crv", "x", "y", "kid", "use"]),
    JSON | st.sampled_from(["RSA", "EC", "oct", "P-256", "AQAB", "sig"]),
)


@given(JSON | st.fixed_dictionaries({"keys": st.lists(JSON | KEYS)}))
async def test_any_key_set_has_no_key_for_us_or_is_refused(document: Any) -> None:
    documents = Documents(**{METADATA.jwks_uri: document})
    with pytest.raises(ExternalRefused):
        await discovery(documents).key(METADATA, "k", "EC")


@given(JSON | st.dictionaries(
    st.sampled_from(["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "sub", "amr", "auth_time"]),
    JSON | st.sampled_from([ISSUER, "us", "n", 1000]),
))  # fmt: skip
async def test_any_claims_are_good_or_refused(claims: Any) -> None:
    token = jws.serialize_compact(
        {"alg": "ES256", "kid": "k"}, json.dumps(claims).encode(), KEY, ["ES256"]
    )
    try:
        identity = await verified(
            token, METADATA, discovery(Documents()), Expected("us", "n", 1000.0)
        )
    except ExternalRefused:
        return
    assert (claims["iss"], claims["nonce"]) == (ISSUER, "n")
    assert claims["sub"] == identity.subject


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"))
async def test_any_text_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(ExternalRefused) as refused:
        await verified(text, METADATA, discovery(Documents()), Expected("us", "n", 1000.0))
    assert refused.value.reason in (Reason.TOKEN, Reason.SIGNATURE)
