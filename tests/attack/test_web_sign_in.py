"""ATTACKS 10, 17, 18, 19, 21, 23, 24 on the web's front door, over real TLS."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import (
    Ask,
    authorize,
    hold_a_key,
    query_of,
    redeem,
    refresh,
    session,
    sign_in,
    tokens,
)

_TRIES = 10


@pytest.fixture
def browser(network: Network, deployment: Deployment) -> Iterator[httpx.Client]:
    """A browser on a host, and so an address, of its own."""
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        yield browser


def test_a_code_is_worth_nothing_without_its_verifier_or_a_second_time(
    browser: httpx.Client, deployment: Deployment
) -> None:
    ask, password = Ask(deployment.origin), deployment.user("alice").password
    stolen = query_of(sign_in(browser, ask, "alice", password))["code"]
    assert redeem(browser, ask, stolen, "x" * 43).json()["error"] == "invalid_grant"
    code = query_of(authorize(browser, ask))["code"]
    bought = redeem(browser, ask, code, ask.verifier).json()
    assert redeem(browser, ask, code, ask.verifier).json()["error"] == "invalid_grant"
    assert session(browser, bought["access_token"]) == 401


def test_pkce_can_t_be_talked_down_nor_the_way_back_bent(
    browser: httpx.Client, deployment: Deployment
) -> None:
    weaker: list[dict[str, str | None]] = [
        {"code_challenge_method": "plain"},
        {"code_challenge": None},
    ]
    for extra in weaker:
        back = authorize(browser, Ask(deployment.origin, extra=extra))
        assert query_of(back)["error"] == "invalid_request"
    for target in ("https://evil.test/", f"{deployment.origin}/app/callback/../x", "javascript:1"):
        page = authorize(browser, Ask(deployment.origin, extra={"redirect_uri": target}))
        assert page.status_code == 400
        assert "location" not in page.headers


def test_a_refresh_token_stolen_and_used_twice_ends_both(
    network: Network, browser: httpx.Client, deployment: Deployment
) -> None:
    bought = tokens(browser, deployment)
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as thief:
        thief.auth = hold_a_key(
            browser
        )  # a thief who sits in her browser has the use of its key as well
        loot = refresh(thief, bought["refresh_token"]).json()
        assert session(thief, loot["access_token"]) == 200
        assert refresh(browser, bought["refresh_token"]).status_code == 400
        assert refresh(thief, loot["refresh_token"]).status_code == 400
        assert session(thief, loot["access_token"]) == 401


def test_a_token_without_or_with_another_signature_is_refused(
    browser: httpx.Client, deployment: Deployment
) -> None:
    head, claims, signature = tokens(browser, deployment)["access_token"].split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for forged in (f"{unsigned}.{claims}.", f"{head}.{claims}.{flipped}", f"{head}.{claims}."):
        assert session(browser, forged) == 401


def test_another_site_s_form_signs_nobody_in_or_out(
    browser: httpx.Client, deployment: Deployment
) -> None:
    ask, password = Ask(deployment.origin), deployment.user("alice").password
    form = {"request": urlencode(ask.parameters), "username": "alice", "password": password}
    assert browser.post("/identity/sign-in", data=form).status_code == 403
    assert sign_in(browser, ask, "alice", password).status_code == 303
    assert browser.post("/identity/end-session", data={"form_token": "0"}).status_code == 200
    assert "code" in query_of(authorize(browser, ask))


def test_unknown_and_known_people_are_refused_alike_and_slowed_down_alike(
    network: Network, deployment: Deployment
) -> None:
    answers = []
    for user in ("alice", "nobody"):
        transport = HostTransport(network.add_host(), deployment.authority)
        with httpx.Client(transport=transport, base_url=deployment.origin) as guesser:
            seen = [
                sign_in(guesser, Ask(deployment.origin), user, "guess").status_code
                for _ in range(_TRIES + 1)
            ]
        answers.append(seen)
    assert answers[0] == answers[1] == [403] * _TRIES + [429]


def test_the_owner_gets_in_from_elsewhere_while_somebody_guesses(
    network: Network, browser: httpx.Client, deployment: Deployment
) -> None:
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as guesser:
        for _ in range(_TRIES + 1):
            sign_in(guesser, Ask(deployment.origin), "alice", "guess")
    tokens(browser, deployment)


def test_a_forged_host_gets_no_page_and_no_redirect(browser: httpx.Client) -> None:
    for path in ("/", "/identity/authorize", "/identity/.well-known/openid-configuration"):
        answer = browser.get(path, headers={"Host": "evil.test"})
        assert answer.status_code in (400, 421)
        assert "evil.test" not in answer.text
        assert "location" not in answer.headers


def test_errors_are_guarded_as_pages_are(browser: httpx.Client, deployment: Deployment) -> None:
    paths = ("/", "/nothing", "/identity/authorize", "/api/v1/session", "/assets/..%2f..%2fx")
    for path in paths:
        headers = browser.get(path, headers={"Accept": "text/html"}).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_hostile_json_is_refused_before_it_costs(
    browser: httpx.Client, deployment: Deployment
) -> None:
    token = tokens(browser, deployment)["access_token"]
    headers = {**with_token(token), "Content-Type": "application/json"}

    def send(body: bytes) -> int:
        return browser.post("/api/v1/meetings", content=body, headers=headers).status_code

    assert send(b'{"subject": "Budget"}') == 201
    assert send(b'{"subject": "a", "subject": "b"}') == 400
    assert send(b"[" * 60_000) == 400
    assert send(b" " * 70_000) == 413
