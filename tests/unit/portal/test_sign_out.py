"""Signing out: at once for the client, after a question for anybody else's link."""

import pytest

from tests.clients.oidc import Ask, hidden_fields, query_of
from tests.unit.portal.browser import ORIGIN
from tests.unit.portal.conftest import Portal
from vestibule.portal.sign_in_flow import SESSION_COOKIE

HOME = f"{ORIGIN}/"


async def test_the_client_signs_out_and_gets_the_browser_back(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    asked = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": HOME,
        "state": "bye",
    }
    back = await browser.http.get("/identity/end-session", params=asked)
    assert back.status_code == 303
    assert back.headers["location"] == f"{HOME}?state=bye"
    assert SESSION_COOKIE not in browser.http.cookies


async def test_signing_out_ends_every_token_of_that_sign_in(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    session = browser.http.cookies[SESSION_COOKIE]
    params = {"id_token_hint": tokens["id_token"]}
    await browser.http.get("/identity/end-session", params=params)
    assert (await browser.api("GET", "/session", tokens["access_token"])).status_code == 401
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 400
    browser.http.cookies.set(SESSION_COOKIE, session)
    silent = await browser.authorize(Ask(extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "login_required"


async def test_an_expired_id_token_still_signs_out(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    portal.clock.now += 3600
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": HOME}
    back = await browser.http.get("/identity/end-session", params=asked)
    assert back.headers["location"] == HOME


async def test_a_link_from_anywhere_only_asks(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    asked = {"post_logout_redirect_uri": HOME, "client_id": "vestibule-web"}
    page = await browser.http.get("/identity/end-session", params=asked)
    assert page.status_code == 200
    assert "Alice &lt;b&gt;Adams&lt;/b&gt;" in page.text
    assert SESSION_COOKIE in browser.http.cookies
    forged = await browser.http.post("/identity/end-session", data={"form_token": "0" * 64})
    assert forged.status_code == 200
    assert SESSION_COOKIE in browser.http.cookies
    done = await browser.http.post("/identity/end-session", data=hidden_fields(page.text))
    assert done.headers["location"] == f"{ORIGIN}/identity/signed-out"
    assert SESSION_COOKIE not in browser.http.cookies
    assert (await browser.http.get("/identity/signed-out")).status_code == 200


async def test_somebody_else_s_id_token_only_asks(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    other = await portal.browser().tokens("bob")
    page = await browser.http.get(
        "/identity/end-session", params={"id_token_hint": other["id_token"]}
    )
    assert page.status_code == 200
    assert SESSION_COOKIE in browser.http.cookies


@pytest.mark.parametrize("target", ["https://evil.test/", f"{ORIGIN}/else", "//evil.test"])
async def test_never_a_redirect_to_where_we_don_t_know(portal: Portal, target: str) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": target}
    back = await browser.http.get("/identity/end-session", params=asked)
    assert back.headers["location"] == f"{ORIGIN}/identity/signed-out"


@pytest.mark.parametrize("which", ["access_token", "refresh_token", "junk"])
async def test_other_tokens_are_no_id_token(portal: Portal, which: str) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    hint = tokens.get(which, "a.b.c")
    page = await browser.http.get("/identity/end-session", params={"id_token_hint": hint})
    assert page.status_code == 400
    assert SESSION_COOKIE in browser.http.cookies
