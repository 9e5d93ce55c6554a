"""Conditional access on the way: at sign-in, at each code, at each refresh (I5)."""

from dataclasses import replace

import pyotp
import pytest

from tests.clients.oidc import Ask, query_of
from tests.unit.portal.browser import Browser
from tests.unit.portal.conftest import Portal
from vestibule.directory.conditional_access import (
    AccessRule,
    ConditionalAccess,
    Conditions,
    Demand,
    Network,
    Risk,
)
from vestibule.directory.model import BreakGlass
from vestibule.identity.access_gate import HIGH_RISK_FAILURES, Connection
from vestibule.portal.sign_in_flow import SESSION_COOKIE

OUTSIDE, INSIDE = "198.51.100.7", "10.0.0.7"
SHUT = AccessRule(
    "office-only", Demand.BLOCK, Conditions(network=Network.OUTSIDE), "Come to the office."
)
MFA = AccessRule("mfa", Demand.MFA)


async def rule(portal: Portal, *rules: AccessRule) -> None:
    """The tenant's rules from now on."""
    tenant = portal.directory.tenants()[0]
    access = ConditionalAccess(rules, inside=("10.0.0.0/8",))
    policy = replace(tenant.policy, conditional_access=access)
    await portal.directory.set_policy(tenant.id, policy)


async def moved(portal: Portal, browser: Browser, address: str) -> Browser:
    """The same browser, at another address."""
    elsewhere = portal.browser(address)
    elsewhere.http.cookies = browser.http.cookies
    return elsewhere


async def test_a_blocked_person_is_told_what_and_why_and_gets_no_session(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser = portal.browser(OUTSIDE)
    page = await browser.sign_in(Ask())
    assert page.status_code == 403
    for told in ("office-only", "network outside", "Come to the office."):
        assert told in page.text
    assert SESSION_COOKIE not in browser.http.cookies
    assert "code" in query_of(await portal.browser(INSIDE).sign_in(Ask()))


async def test_a_wrong_password_learns_nothing_of_the_rules(portal: Portal) -> None:
    await rule(portal, SHUT)
    page = await portal.browser(OUTSIDE).sign_in(Ask(), "alice", "wrong")
    assert "office-only" not in page.text
    assert "don&#39;t go together" in page.text


async def test_a_session_carried_outside_gets_no_code(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser = portal.browser(INSIDE)
    await browser.sign_in(Ask())
    outside = await moved(portal, browser, OUTSIDE)
    assert "office-only" in (await outside.authorize(Ask())).text
    silent = query_of(await outside.authorize(Ask(extra={"prompt": "none"})))
    assert silent["error"] == "access_denied"
    assert "office-only" in silent["error_description"]


async def test_a_code_carried_outside_buys_nothing(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser, ask = portal.browser(INSIDE), Ask()
    code = query_of(await browser.sign_in(ask))["code"]
    answer = await portal.browser(OUTSIDE).redeem(ask, code)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"


async def test_a_refresh_outside_is_refused_and_revokes_nothing(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser = portal.browser(INSIDE)
    tokens = await browser.tokens()
    outside = portal.browser(OUTSIDE, browser.key)
    for _ in range(2):
        answer = await outside.refresh(tokens["refresh_token"])
        assert answer.json()["error"] == "invalid_grant"
        assert "office-only" in answer.json()["error_description"]
    assert (await browser.api("GET", "/session", tokens["access_token"])).status_code == 200
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_refresh_of_a_used_token_is_still_a_replay_outside(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser = portal.browser(INSIDE)
    first = await browser.tokens()
    second = (await browser.refresh(first["refresh_token"])).json()
    await portal.browser(OUTSIDE, browser.key).refresh(first["refresh_token"])
    assert (await browser.refresh(second["refresh_token"])).status_code == 400


async def test_a_new_demand_for_mfa_is_met_at_the_next_refresh(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    await rule(portal, MFA)
    answer = await browser.refresh(tokens["refresh_token"])
    assert answer.json()["error"] == "interaction_required"
    await rule(portal)
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 200


async def test_who_must_have_a_factor_and_has_none_is_led_to_get_one(portal: Portal) -> None:
    await rule(portal, MFA)
    browser, ask = portal.browser(), Ask()
    page = await browser.sign_in(ask)
    assert page.status_code == 403
    assert 'href="/identity/security"' in page.text
    silent = query_of(await browser.authorize(Ask(extra={"prompt": "none"})))
    assert silent["error"] == "interaction_required"
    await browser.enrol_app()
    back = await browser.authorize(ask)
    tokens = (await browser.redeem(ask, query_of(back)["code"])).json()
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 200


async def test_the_second_step_satisfies_the_demand(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    secret, _ = await browser.enrol_app()
    await rule(portal, MFA)
    portal.clock.now += 30
    other, ask = portal.browser(), Ask()
    page = await other.sign_in(ask)
    back = await other.second_step(page, code=pyotp.TOTP(secret).at(portal.clock.now))
    assert (await other.redeem(ask, query_of(back)["code"])).status_code == 200


async def test_second_factors_can_t_be_changed_from_where_one_is_blocked(portal: Portal) -> None:
    await rule(portal, SHUT)
    browser = portal.browser(INSIDE)
    page = await browser.sign_in_to_security()
    outside = await moved(portal, browser, OUTSIDE)
    assert "office-only" in (await outside.security()).text
    assert "office-only" in (await outside.change(page, "totp")).text


async def test_guessing_raises_the_risk_and_time_lowers_it(portal: Portal) -> None:
    await rule(portal, AccessRule("guessed", Demand.MFA, Conditions(risk=Risk.HIGH)))
    assert "code" in query_of(await portal.browser().sign_in(Ask()))
    guesser = portal.browser(OUTSIDE)
    for _ in range(int(HIGH_RISK_FAILURES)):
        await guesser.sign_in(Ask(), "alice", "guess")
    assert (await portal.browser().sign_in(Ask())).status_code == 403
    assert "code" in query_of(await portal.browser().sign_in(Ask(), "bob", "bob's password"))
    portal.clock.now += 3600
    assert "code" in query_of(await portal.browser().sign_in(Ask()))


async def test_a_break_glass_account_gets_in_and_every_use_is_told(
    portal: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    await rule(portal, SHUT)
    await portal.directory.set_break_glass(portal.alice.id, BreakGlass.BLOCKS)
    browser = portal.browser(OUTSIDE)
    tokens = await browser.tokens()
    signed_in = "".join(capsys.readouterr()).count("identity.break_glass")
    assert signed_in >= 2  # signing in, and the code's exchange
    await browser.refresh(tokens["refresh_token"])
    said = "".join(capsys.readouterr())
    assert said.count("identity.break_glass") == 1
    assert "office-only" in said


async def test_a_break_glass_account_shows_its_second_factor_unless_set_so(portal: Portal) -> None:
    await rule(portal, MFA)
    await portal.directory.set_break_glass(portal.alice.id, BreakGlass.BLOCKS)
    assert (await portal.browser().sign_in(Ask())).status_code == 403
    await portal.directory.set_break_glass(portal.alice.id, BreakGlass.EVERYTHING)
    assert "code" in query_of(await portal.browser().sign_in(Ask()))


@pytest.mark.parametrize(
    ("whose", "revoked", "counts"),
    [("alice", False, True), ("alice", True, False), ("bob", False, False)],
)
async def test_a_device_certificate_counts_if_it_is_one_s_own_and_good(
    portal: Portal, whose: str, revoked: bool, counts: bool
) -> None:
    await rule(portal, AccessRule("own-device", Demand.BLOCK, Conditions(device_certificate=False)))
    owner = portal.alice if whose == "alice" else portal.bob
    device = await portal.directory.add_certificate_device(owner, "Laptop", "a1b2", "device-1")
    if revoked:
        await portal.directory.revoke_device(device.id)
    held = await portal.identity.gate.at_sign_in(
        portal.alice, ("pwd",), Connection(OUTSIDE, "a1b2")
    )
    assert (held is None) is counts
