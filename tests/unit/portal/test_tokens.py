"""Codes, PKCE, refresh tokens: what works once, and what ends everything (ATTACKS 18, 19)."""

import asyncio
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.clients.dpop import with_token
from tests.clients.oidc import Ask, query_of
from tests.unit.portal.browser import CALLBACK, ORIGIN
from tests.unit.portal.conftest import Portal
from vestibule.identity.provider.records import GRANT_SECONDS, REFRESH_SECONDS


async def test_the_code_buys_tokens_that_our_keys_signed(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask(extra={"nonce": "n-1"})
    back = await browser.sign_in(ask)
    answer = await browser.redeem(ask, query_of(back)["code"])
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["token_type"] == "DPoP"
    assert tokens["expires_in"] == 600
    keys = KeySet.import_key_set((await browser.http.get("/identity/jwks")).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert claims["iss"] == f"{ORIGIN}/identity"
    assert claims["aud"] == "vestibule-web"
    assert claims["sub"] == portal.alice.id
    assert claims["nonce"] == "n-1"
    assert claims["amr"] == ["pwd"]
    assert claims["exp"] == int(portal.clock.now) + 600


async def test_without_offline_access_there_is_no_refresh_token(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask(extra={"scope": "openid"})
    back = await browser.sign_in(ask)
    tokens = (await browser.redeem(ask, query_of(back)["code"])).json()
    assert "refresh_token" not in tokens
    info = await browser.http.get("/identity/userinfo", headers=with_token(tokens["access_token"]))
    assert info.json() == {"sub": portal.alice.id}


@pytest.mark.parametrize(
    "extra",
    [
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": f"{CALLBACK}#x"},
        {"redirect_uri": CALLBACK.replace("https", "http")},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": "https://evil.test/app/callback"},
        {"redirect_uri": f"{ORIGIN}@evil.test/app/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": 'https://"evil\\.test/é'},
        {"redirect_uri": None},
        {"client_id": "somebody-else"},
        {"client_id": None},
        {"client_id": "\x00"},
        {"state": "line\r\nbreak"},
        {"state": "x" * 10_000},
    ],
)
async def test_never_a_redirect_to_where_we_don_t_know(
    portal: Portal, extra: dict[str, str | None]
) -> None:
    page = await portal.browser().authorize(Ask(extra=extra))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert page.headers["content-type"].startswith("text/html")


async def test_a_parameter_given_twice_is_refused(portal: Portal) -> None:
    asked = urlencode([*Ask().parameters.items(), ("redirect_uri", "https://evil.test/")])
    page = await portal.browser().http.get(f"/identity/authorize?{asked}")
    assert page.status_code == 400


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.test/request"}, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
    ],
)
async def test_weaker_requests_go_back_with_an_error(
    portal: Portal, extra: dict[str, str | None], error: str
) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    refused = await browser.authorize(Ask(extra=extra))
    assert refused.status_code == 303, refused.text
    query = query_of(refused)
    assert query["error"] == error
    assert query["state"] == "back to work"
    assert query["iss"] == f"{ORIGIN}/identity"
    assert "code" not in query


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{ORIGIN}/app/silent"}, "invalid_grant"),
        ({"client_id": "somebody-else"}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"code": "guess"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": 'pass"word'}, "invalid_request"),
    ],
)
async def test_a_code_alone_buys_nothing(
    portal: Portal, changed: dict[str, str], error: str
) -> None:
    browser, ask = portal.browser(), Ask()
    back = await browser.sign_in(ask)
    answer = await browser.redeem(ask, query_of(back)["code"], **changed)
    assert answer.status_code == 400
    assert answer.json()["error"] == error


async def test_a_code_lives_a_minute(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask()
    back = await browser.sign_in(ask)
    portal.clock.now += 61
    answer = await browser.redeem(ask, query_of(back)["code"])
    assert answer.json()["error"] == "invalid_grant"


async def test_a_code_used_twice_ends_what_it_bought(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask()
    code = query_of(await browser.sign_in(ask))["code"]
    tokens = (await browser.redeem(ask, code)).json()
    assert (await browser.redeem(ask, code)).json()["error"] == "invalid_grant"
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 400
    assert (await browser.api("GET", "/session", tokens["access_token"])).status_code == 401


async def test_refresh_tokens_rotate(portal: Portal) -> None:
    browser = portal.browser()
    first = await browser.tokens()
    second = (await browser.refresh(first["refresh_token"])).json()
    third = (await browser.refresh(second["refresh_token"])).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert (await browser.api("GET", "/session", third["access_token"])).status_code == 200


async def test_a_stolen_refresh_token_used_twice_ends_the_family(portal: Portal) -> None:
    browser = portal.browser()
    first = await browser.tokens()
    stolen = first["refresh_token"]
    thief = (await portal.browser("198.51.100.7", browser.key).refresh(stolen)).json()
    assert (await browser.refresh(stolen)).json()["error"] == "invalid_grant"
    assert (await browser.refresh(thief["refresh_token"])).json()["error"] == "invalid_grant"
    for access_token in (first["access_token"], thief["access_token"]):
        assert (await browser.api("GET", "/session", access_token)).status_code == 401


async def test_of_two_at_once_one_wins_and_both_lose(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["refresh_token"]
    answers = await asyncio.gather(*(browser.refresh(token) for _ in range(5)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert (await browser.refresh(won[0]["refresh_token"])).status_code == 400


async def test_one_family_s_end_leaves_others_alone(portal: Portal) -> None:
    laptop, phone = portal.browser(), portal.browser()
    on_laptop, on_phone = await laptop.tokens(), await phone.tokens()
    for _ in range(2):
        await laptop.refresh(on_laptop["refresh_token"])
    assert (await phone.refresh(on_phone["refresh_token"])).status_code == 200


async def test_a_refresh_token_left_lying_dies(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["refresh_token"]
    portal.clock.now += REFRESH_SECONDS
    assert (await browser.refresh(token)).status_code == 400


async def test_a_family_doesn_t_live_for_ever(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["refresh_token"]
    begun = portal.clock.now
    while portal.clock.now - begun < GRANT_SECONDS:
        answer = await browser.refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
        portal.clock.now += REFRESH_SECONDS - 1
    assert (await browser.refresh(token)).status_code == 400


async def test_a_disabled_person_gets_no_new_tokens(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["refresh_token"]
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    assert (await browser.refresh(token)).json()["error"] == "invalid_grant"


async def test_a_refresh_can_narrow_its_scope_but_not_widen_it(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask(extra={"scope": "openid offline_access"})
    back = await browser.sign_in(ask)
    tokens = (await browser.redeem(ask, query_of(back)["code"])).json()
    narrower = await browser.token(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="openid"
    )
    assert narrower.json()["scope"] == "openid"
    wider = await browser.token(
        grant_type="refresh_token",
        refresh_token=narrower.json()["refresh_token"],
        scope="openid profile",
    )
    assert wider.json()["error"] == "invalid_scope"


async def test_revocation_ends_the_family(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    form = {"client_id": "vestibule-web", "token": tokens["refresh_token"]}
    assert (await browser.http.post("/identity/revoke", data=form)).status_code == 200
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 400
    assert (await browser.api("GET", "/session", tokens["access_token"])).status_code == 401
    form["token"] = "unknown"
    assert (await browser.http.post("/identity/revoke", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"grant_type=authorization_code&grant_type=refresh_token", "form"),
        (b'{"grant_type": "authorization_code"}', "json"),
        (b"\xff\xfe", "form"),
        (b"a=1&" * 200, "form"),
        (b"code=%00", "form"),
        (b"", "form"),
    ],
)
async def test_the_token_endpoint_answers_nonsense_in_oauth_s_words(
    portal: Portal, content: bytes, kind: str
) -> None:
    types = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
    answer = await portal.browser().http.post(
        "/identity/token", content=content, headers={"content-type": types[kind]}
    )
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_request", "unsupported_grant_type"}
