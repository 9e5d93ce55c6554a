"""Tokens bound to a client's key, from the code to the last refresh (ATTACKS 18, 19)."""

from typing import Any

import httpx
import pytest

from tests.clients.dpop import WITHOUT_PROOF, Prover
from tests.clients.oidc import Ask, query_of
from tests.unit.portal.browser import CALLBACK, ORIGIN, Browser
from tests.unit.portal.conftest import Portal
from tests.unit.portal.test_device_sign_in import GRANT, allow, begin, poll, say, typed
from vestibule.journal.kinds import Kind

TOKEN_URL = f"{ORIGIN}/identity/token"


async def bound(browser: Browser, prover: Prover, **form: str) -> httpx.Response:
    """A request to the token endpoint with a proof; a second one if a nonce was wanted."""
    for _ in range(2):
        answer = await browser.http.post(
            "/identity/token",
            data={"client_id": "vestibule-web", **form},
            headers={"DPoP": prover.proof("POST", TOKEN_URL)},
        )
        if "dpop-nonce" in answer.headers:
            prover.nonce = answer.headers["dpop-nonce"]
        if answer.json().get("error") != "use_dpop_nonce":
            break
    return answer


async def redeem(browser: Browser, prover: Prover, ask: Ask) -> httpx.Response:
    code = query_of(await browser.sign_in(ask))["code"]
    return await bound(
        browser, prover, grant_type="authorization_code", code=code, redirect_uri=CALLBACK,
        code_verifier=ask.verifier,
    )  # fmt: skip


async def refreshed(browser: Browser, prover: Prover, token: str, **more: str) -> httpx.Response:
    return await bound(browser, prover, grant_type="refresh_token", refresh_token=token, **more)


async def call(
    browser: Browser, prover: Prover, token: str, path: str = "/api/v1/session", **more: Any
) -> httpx.Response:
    method = more.pop("method", "GET")
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": prover.proof(method, f"{ORIGIN}{path}", token),
    }
    return await browser.http.request(method, path, headers=headers, **more)


@pytest.fixture
def prover(portal: Portal) -> Prover:
    return Prover(clock=portal.clock)


async def test_a_bound_token_works_with_its_key_and_each_answer_brings_a_nonce(
    portal: Portal, prover: Prover
) -> None:
    browser = portal.browser()
    answer = await redeem(browser, prover, Ask())
    tokens = answer.json()
    assert tokens["token_type"] == "DPoP"
    before = prover.nonce
    session = await call(browser, prover, tokens["access_token"])
    assert session.status_code == 200
    assert session.headers["dpop-nonce"] != before
    info = await call(browser, prover, tokens["access_token"], "/identity/userinfo")
    assert info.json()["sub"] == portal.alice.id
    made = await call(
        browser, prover, tokens["access_token"], "/api/v1/meetings", method="POST",
        json={"subject": "Budget"},
    )  # fmt: skip
    assert made.status_code == 201


async def test_without_a_nonce_one_is_given(portal: Portal, prover: Prover) -> None:
    browser = portal.browser()
    refused = await browser.http.post(
        "/identity/token",
        data={"client_id": "vestibule-web", "grant_type": "refresh_token", "refresh_token": "x"},
        headers={"DPoP": prover.proof("POST", TOKEN_URL)},
    )
    assert refused.status_code == 400
    assert refused.json()["error"] == "use_dpop_nonce"
    assert refused.headers["dpop-nonce"]
    tokens = (await redeem(browser, prover, Ask())).json()
    prover.nonce = None
    refused = await call(browser, prover, tokens["access_token"])
    assert refused.status_code == 401
    assert 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]
    assert refused.headers["dpop-nonce"]
    assert all(note.kind is not Kind.PROOF_REFUSED for note in portal.journal.notes)


async def test_a_bound_token_is_no_bearer_token_and_the_other_way_round(
    portal: Portal, prover: Prover
) -> None:
    browser = portal.browser()
    tokens = (await redeem(browser, prover, Ask())).json()
    as_bearer = await browser.api("GET", "/session", tokens["access_token"], "Bearer")
    assert as_bearer.status_code == 401
    bearer = portal.identity.tokens.issue(portal.alice, "vestibule-phone", "openid")
    assert (await call(browser, prover, bearer)).status_code == 401
    thief = Prover(nonce=prover.nonce, clock=portal.clock)
    assert (await call(browser, thief, tokens["access_token"])).status_code == 401
    refused = [note for note in portal.journal.notes if note.kind is Kind.PROOF_REFUSED]
    assert [note.mechanism for note in refused] == ["api-bearer", "api-dpop", "api-dpop"]
    assert all(list(note.details.values()) == ["key"] for note in refused)


async def test_a_refresh_token_is_bound_and_a_thief_takes_nothing_away(
    portal: Portal, prover: Prover
) -> None:
    browser = portal.browser()
    token = (await redeem(browser, prover, Ask())).json()["refresh_token"]
    thief = Prover(nonce=prover.nonce, clock=portal.clock)
    stolen = await refreshed(portal.browser("198.51.100.7"), thief, token)
    assert stolen.json()["error"] == "invalid_grant"
    assert (await browser.refresh(token)).json()["error"] == "invalid_grant"
    assert portal.journal.notes[-1].kind is Kind.PROOF_REFUSED
    assert portal.journal.notes[-1].subject == portal.alice.aor
    again = await refreshed(browser, prover, token)
    assert again.status_code == 200
    assert again.json()["token_type"] == "DPoP"


async def test_a_refresh_binds_what_was_bound_to_nothing(portal: Portal, prover: Prover) -> None:
    await allow(portal)
    browser, client = portal.browser(), {"client_id": "vestibule-cli"}
    begun = (await begin(browser)).json()
    await say(browser, await typed(browser, begun["user_code"]), "allow")
    browser.http.auth = WITHOUT_PROOF
    tokens = await poll(browser, begun["device_code"])
    assert tokens["token_type"] == "Bearer"
    bound_now = await refreshed(browser, prover, tokens["refresh_token"], **client)
    token = bound_now.json()["refresh_token"]
    refused = await browser.token(grant_type="refresh_token", refresh_token=token, **client)
    assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token", GRANT, "password"])
async def test_the_web_client_gets_nothing_without_a_proof(
    portal: Portal, prover: Prover, grant_type: str
) -> None:
    browser, ask = portal.browser(), Ask()
    code = query_of(await browser.sign_in(ask))["code"]
    form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": ask.verifier}
    browser.http.auth = WITHOUT_PROOF
    refused = await browser.token(grant_type=grant_type, refresh_token="x", device_code="x", **form)
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    bought = await bound(browser, prover, grant_type="authorization_code", **form)
    assert bought.status_code == 200  # the refusal used nothing up


async def test_a_code_bound_in_advance_is_for_that_key_only(portal: Portal, prover: Prover) -> None:
    browser, thief = portal.browser(), Prover(clock=portal.clock)
    ask = Ask(extra={"dpop_jkt": prover.key.thumbprint})
    assert (await redeem(browser, thief, ask)).json()["error"] == "invalid_grant"
    fresh = portal.browser()
    assert (await redeem(fresh, prover, ask)).status_code == 200
    bent = await fresh.authorize(Ask(extra={"dpop_jkt": "x"}))
    assert query_of(bent)["error"] == "invalid_request"


async def test_a_proof_is_good_once_at_each_endpoint(portal: Portal, prover: Prover) -> None:
    browser = portal.browser()
    tokens = (await redeem(browser, prover, Ask())).json()
    form = {
        "client_id": "vestibule-web",
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
    }
    headers = {"DPoP": prover.proof("POST", TOKEN_URL)}
    first = await browser.http.post("/identity/token", data=form, headers=headers)
    form["refresh_token"] = first.json()["refresh_token"]
    again = await browser.http.post("/identity/token", data=form, headers=headers)
    assert again.json()["error"] == "invalid_dpop_proof"
    assert (await refreshed(browser, prover, form["refresh_token"])).status_code == 200


@pytest.mark.parametrize("scope", ["openid profile offline_access", "everything"])
async def test_a_refused_scope_doesn_t_use_the_refresh_token_up(portal: Portal, scope: str) -> None:
    browser, ask = portal.browser(), Ask(extra={"scope": "openid offline_access"})
    back = await browser.sign_in(ask)
    token = (await browser.redeem(ask, query_of(back)["code"])).json()["refresh_token"]
    refused = await browser.token(grant_type="refresh_token", refresh_token=token, scope=scope)
    assert refused.json()["error"] == "invalid_scope"
    assert (await browser.refresh(token)).status_code == 200
