"""ATTACKS 18: a provider, or somebody between, says something else than the truth in an ID token or about itself."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.certificates import TestAuthority
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import OpenBrowser
from tests.clients.lying_provider import LyingProvider, lying
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, query_of

SECRET = "the-secret-between-us-and-the-liar"
THIEF = RSAKey.generate_key(2048, {"kid": "first"})


@pytest.fixture(scope="module")
def liar(
    network: Network,
    reaching_out: Deployment,
    outside: TestAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LyingProvider]:
    """Known to the demo, with Alice linked. `mixed` calls itself `liar`, `second` is honest."""
    folder = tmp_path_factory.mktemp("liar") / "liar"
    with lying(network.add_host(), folder, outside) as liar:
        command = ["identity-provider", "add", "liar", liar.issuer, "vestibule"]
        reaching_out.vestibule(*command, "--secret-file", "-", typed=SECRET)
        reaching_out.vestibule("identity-provider", "link", "liar", "alice", "alice")
        for name in ("mixed", "second"):
            there = f"{liar.issuer}/{name}"
            reaching_out.vestibule("identity-provider", "add", name, there, "vestibule")
        reaching_out.vestibule("identity-provider", "link", "second", "alice", "alice")
        liar.documents["/mixed/.well-known/openid-configuration"] = liar.metadata()
        liar.documents["/second/.well-known/openid-configuration"] = liar.metadata(issuer=there)
        yield liar


class Way:
    """A browser on its way to the liar: what we asked for, and the way back."""

    def __init__(self, browser: httpx.Client, deployment: Deployment, **extra: str | None) -> None:
        self._browser = browser
        asked = urlencode(Ask(deployment.origin, extra=extra).parameters)
        begin = "/identity/external/liar/start"

        def left() -> httpx.Response | None:
            page = browser.get(begin, params={"request": asked})
            return None if page.status_code == 404 else page

        self.asked = query_of(eventually(left, "the server to know the provider", 10.0))
        self.nonce = self.asked["nonce"]

    def back(self, name: str = "liar", **more: str) -> httpx.Response:
        return self.back_in(self._browser, name, **more)

    def back_in(self, browser: httpx.Client, name: str = "liar", **more: str) -> httpx.Response:
        query = {"code": "x", "state": self.asked["state"], **more}
        return browser.get(f"/identity/external/{name}/callback", params=query)


Forge = Callable[[LyingProvider, str], str]


def with_claims(**changed: Any) -> Forge:
    return lambda liar, nonce: liar.signed(liar.claims(nonce, **changed))


def with_head(key: RSAKey | None = None, **head: Any) -> Forge:
    return lambda liar, nonce: liar.signed(liar.claims(nonce), key, **head)


def by_hand(head: dict[str, Any], mac_key: Callable[[LyingProvider], bytes] | None) -> Forge:
    def forge(liar: LyingProvider, nonce: str) -> str:
        parts = (_encoded(json.dumps(one).encode()) for one in (head, liar.claims(nonce)))
        signed = ".".join(parts)
        if mac_key is None:
            return f"{signed}."
        mac = hmac.new(mac_key(liar), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_encoded(mac)}"

    return forge


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def public_pem(liar: LyingProvider) -> bytes:
    return liar.key.as_pem(private=False)


HMAC = {"alg": "HS256", "kid": "first"}
NOW = int(time.time())
FORGERIES: dict[str, Forge] = {
    "signed by another key": with_head(THIEF),
    "that key in its head": with_head(THIEF, jwk=THIEF.as_dict(private=False)),
    "that key at an address in its head": with_head(THIEF, jku="https://evil.test/jwks"),
    "a good one that brings a key along": with_head(jwk=THIEF.as_dict(private=False)),
    "a key that isn't published": with_head(THIEF, kid="third"),
    "alg none": by_hand({"alg": "none"}, None),
    "alg None": by_hand({"alg": "None", "kid": "first"}, None),
    "HS256 with the public key as the secret": by_hand(HMAC, public_pem),
    "HS256 with the client secret": by_hand(HMAC, lambda _: SECRET.encode()),
    "HS256 with nothing": by_hand(HMAC, lambda _: b""),
    "an algorithm of another kind of key": by_hand({"alg": "ES256", "kid": "first"}, public_pem),
    "for another client": with_claims(aud="another"),
    "for another client too": with_claims(aud=["vestibule", "another"], azp="vestibule"),
    "given to another": with_claims(azp="another"),
    "for nobody": with_claims(aud=None),
    "another's nonce": with_claims(nonce="x" * 43),
    "no nonce": with_claims(nonce=None),
    "expired": with_claims(exp=NOW - 3600),
    "without an end": with_claims(exp=None),
    "an end that is no number": with_claims(exp="tomorrow"),
    "long ago": with_claims(iat=NOW - 86_400),
    "from the future": with_claims(iat=NOW + 86_400),
    "not yet good": with_claims(nbf=NOW + 86_400),
    "another issuer's": with_claims(iss="https://evil.test"),
    "about nobody": with_claims(sub=None),
    "about a number": with_claims(sub=17),
    "cut off": lambda liar, nonce: liar.signed(liar.claims(nonce))[:-4],
    "not a token": lambda _, __: "nothing",
}  # fmt: skip


def test_an_honest_token_opens_and_a_forged_one_does_not(
    liar: LyingProvider, browser: OpenBrowser, reaching_out: Deployment
) -> None:
    def page_with(forge: Forge) -> httpx.Response:
        way = Way(browser(), reaching_out)
        liar.token = forge(liar, way.nonce)
        return way.back()

    honest = page_with(with_claims())
    assert "code" in query_of(honest)
    assert "code" in query_of(page_with(with_claims(aud=["vestibule"], azp="vestibule")))
    by_curve: Forge = lambda liar, nonce: liar.signed(  # noqa: E731
        liar.claims(nonce), liar.curve, alg="ES256", kid="second"
    )
    assert "code" in query_of(page_with(by_curve))
    opened = [name for name, forge in FORGERIES.items() if page_with(forge).status_code != 403]
    assert opened == []
    assert liar.asked["client_secret"] == [SECRET]
    journal = reaching_out.vestibule("journal", "export")
    assert "sign-in.refused" in journal
    assert SECRET not in journal
    assert SECRET not in reaching_out.log.read_text()


def test_a_symmetric_key_among_the_published_ones_verifies_nothing(
    liar: LyingProvider, browser: OpenBrowser, reaching_out: Deployment
) -> None:
    entry = {"kty": "oct", "k": _encoded(b"x" * 32), "kid": "third"}
    liar.documents["/jwks"] = {"keys": [*liar.documents["/jwks"]["keys"], entry]}
    way = Way(browser(), reaching_out)
    liar.token = by_hand({"alg": "HS256", "kid": "third"}, lambda _: b"x" * 32)(liar, way.nonce)
    assert way.back().status_code == 403


def test_one_provider_can_t_pass_for_another(
    liar: LyingProvider, browser: OpenBrowser, reaching_out: Deployment
) -> None:
    way = Way(browser(), reaching_out)
    liar.token = liar.signed(liar.claims(way.nonce, iss=f"{liar.issuer}/second"))
    assert way.back("second").status_code == 403, "the way was to another"
    assert Way(browser(), reaching_out).back(iss="https://evil.test").status_code == 403
    asked = urlencode(Ask(reaching_out.origin).parameters)
    page = browser().get("/identity/external/mixed/start", params={"request": asked})
    assert page.status_code == 403, "it calls itself by another's name"
    way = Way(browser(), reaching_out)
    liar.token = liar.signed(liar.claims(way.nonce))
    assert "code" in query_of(way.back())


def test_a_way_back_is_good_once_even_if_the_provider_takes_a_code_twice(
    liar: LyingProvider, browser: OpenBrowser, reaching_out: Deployment
) -> None:
    mine, again = browser(), browser()
    way = Way(mine, reaching_out)
    again.cookies.update(mine.cookies)
    liar.token = liar.signed(liar.claims(way.nonce))
    assert "code" in query_of(way.back())
    assert way.back_in(again).status_code == 403


def test_who_must_sign_in_anew_must_do_so_over_there(
    liar: LyingProvider, browser: OpenBrowser, reaching_out: Deployment
) -> None:
    for auth_time in (None, NOW - 3600):
        way = Way(browser(), reaching_out, prompt="login")
        assert way.asked["prompt"] == "login"
        liar.token = liar.signed(liar.claims(way.nonce, auth_time=auth_time))
        assert way.back().status_code == 403
    way = Way(browser(), reaching_out, prompt="login")
    liar.token = liar.signed(liar.claims(way.nonce, auth_time=int(time.time())))
    assert "code" in query_of(way.back())
