"""The second step of signing in: nothing opens without it, nothing opens it twice (I3, ATTACKS 20)."""

import asyncio
from typing import Any

import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.clients.authenticator import Authenticator
from tests.clients.oidc import Ask, form_of, passkey_options, query_of
from tests.unit.portal.browser import ORIGIN, Browser
from tests.unit.portal.conftest import Portal
from vestibule.identity.second_factors.second_step import CODE_ALLOWANCES
from vestibule.portal.sign_in_flow import SESSION_COOKIE

RP_ID = "uc.vestibule.test"


async def enrolled(portal: Portal) -> tuple[str, list[str]]:
    """Alice has an app; the code that proved it is used up."""
    browser = portal.browser()
    await browser.sign_in_to_security()
    secret, codes = await browser.enrol_app()
    portal.clock.now += 30
    return secret, codes


async def with_passkey(portal: Portal, **made: Any) -> Authenticator:
    """Alice has a passkey."""
    browser, passkey = portal.browser(), Authenticator(ORIGIN, RP_ID, **made)
    await browser.sign_in_to_security()
    assert (await browser.enrol_passkey(passkey)).status_code == 200
    return passkey


def code_of(secret: str, portal: Portal) -> str:
    return pyotp.TOTP(secret).at(portal.clock.now)


async def claims_of(browser: Browser, ask: Ask, code: str) -> dict[str, Any]:
    answer = await browser.redeem(ask, code)
    keys = KeySet.import_key_set((await browser.http.get("/identity/jwks")).json())
    claims: dict[str, Any] = jwt.decode(
        answer.json()["id_token"], keys, algorithms=["ES256"]
    ).claims
    return claims


async def test_password_and_code_lead_back_and_the_token_says_how(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser, ask = portal.browser(), Ask()
    page = await browser.sign_in(ask)
    assert page.status_code == 200
    assert SESSION_COOKIE not in browser.http.cookies
    back = await browser.second_step(page, code=code_of(secret, portal))
    claims = await claims_of(browser, ask, query_of(back)["code"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["auth_time"] == int(portal.clock.now)


async def test_the_password_alone_is_worth_nothing(portal: Portal) -> None:
    await enrolled(portal)
    browser = portal.browser()
    page = await browser.sign_in(Ask())
    assert "One more step" in page.text
    silent = await browser.authorize(Ask(extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "login_required"
    assert 'name="password"' in (await browser.authorize(Ask())).text


@pytest.mark.parametrize("code", ["", "000000", "12345", "aaaaa-aaaaa", "x" * 5000])
async def test_a_wrong_code_can_be_corrected(portal: Portal, code: str) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    refused = await browser.second_step(await browser.sign_in(Ask()), code=code)
    assert refused.status_code == 403
    assert 'role="alert"' in refused.text
    assert SESSION_COOKIE not in browser.http.cookies
    back = await browser.second_step(refused, code=code_of(secret, portal))
    assert "code" in query_of(back)


async def test_a_code_works_once(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    code = code_of(secret, portal)
    first, second = portal.browser(), portal.browser("198.51.100.7")
    assert (await first.second_step(await first.sign_in(Ask()), code=code)).status_code == 303
    assert (await second.second_step(await second.sign_in(Ask()), code=code)).status_code == 403


async def test_the_code_that_enrolled_the_app_is_used_up(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    secret, _ = await browser.enrol_app()
    other = portal.browser()
    page = await other.sign_in(Ask())
    assert (await other.second_step(page, code=code_of(secret, portal))).status_code == 403


async def test_a_form_that_was_sent_is_worth_nothing_again(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    page = await browser.sign_in(Ask())
    await browser.second_step(page, code=code_of(secret, portal))
    portal.clock.now += 30
    browser.http.cookies.delete(SESSION_COOKIE)
    again = await browser.second_step(page, code=code_of(secret, portal))
    assert again.status_code == 403
    assert SESSION_COOKIE not in browser.http.cookies


async def test_another_browser_can_t_take_the_step(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser, thief = portal.browser(), portal.browser()
    form = form_of((await browser.sign_in(Ask())).text, "/identity/second-step")
    own = form_of((await thief.authorize(Ask())).text, "/identity/sign-in")
    form |= {"form_token": own["form_token"], "code": code_of(secret, portal)}
    assert (await thief.http.post("/identity/second-step", data=form)).status_code == 403


async def test_a_forged_or_foreign_ticket_is_none(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    page = await browser.authorize(Ask())
    form = form_of(page.text, "/identity/passkey")  # a ticket, but for something else
    for ticket in (form["ticket"], "", "x" * 200):
        sent = {**form, "ticket": ticket, "code": code_of(secret, portal)}
        assert (await browser.http.post("/identity/second-step", data=sent)).status_code == 403


async def test_the_step_must_be_taken_in_ten_minutes(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    page = await browser.sign_in(Ask())
    portal.clock.now += 601
    late = await browser.second_step(page, code=code_of(secret, portal))
    assert late.status_code == 403
    assert 'name="password"' in late.text


async def test_a_person_disabled_in_between_gets_no_further(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    page = await browser.sign_in(Ask())
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    assert (await browser.second_step(page, code=code_of(secret, portal))).status_code == 403


async def test_a_recovery_code_works_once_however_it_is_typed(portal: Portal) -> None:
    _, codes = await enrolled(portal)
    assert len(set(codes)) == 10
    for typed, status in ((codes[0].upper().replace("-", " "), 303), (codes[0], 403)):
        browser = portal.browser()
        page = await browser.sign_in(Ask())
        assert (await browser.second_step(page, code=typed)).status_code == status


async def test_somebody_else_s_recovery_code_is_none(portal: Portal) -> None:
    _, codes = await enrolled(portal)
    browser = portal.browser()
    await browser.sign_in_to_security("bob")
    await browser.enrol_app()
    other = portal.browser()
    page = await other.sign_in(Ask(), "bob", "bob's password")
    assert (await other.second_step(page, code=codes[0])).status_code == 403


@pytest.mark.parametrize("guess", ["000000", "aaaaa-aaaaa"])
async def test_guessing_is_slowed_down_and_the_owner_gets_in_from_elsewhere(
    portal: Portal, guess: str
) -> None:
    secret, _ = await enrolled(portal)
    guesser = portal.browser("198.51.100.7")
    page = await guesser.sign_in(Ask())
    for _ in range(CODE_ALLOWANCES.address_and_account.burst):
        assert (await guesser.second_step(page, code=guess)).status_code == 403
    slowed = await guesser.second_step(page, code=code_of(secret, portal))
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) > 0
    owner = portal.browser()
    page = await owner.sign_in(Ask())
    assert (await owner.second_step(page, code=code_of(secret, portal))).status_code == 303


async def test_a_known_browser_gets_in_while_many_addresses_guess(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    owner = portal.browser()
    await owner.second_step(await owner.sign_in(Ask()), code=code_of(secret, portal))
    for number in range(CODE_ALLOWANCES.account.burst):
        guesser = portal.browser(f"198.51.100.{number // 5}")
        await guesser.second_step(await guesser.sign_in(Ask()), code="000000")
    portal.clock.now += 30
    stranger = portal.browser("203.0.113.9")
    page = await stranger.sign_in(Ask())
    assert (await stranger.second_step(page, code=code_of(secret, portal))).status_code == 429
    page = await owner.sign_in(Ask(extra={"prompt": "login"}))
    assert (await owner.second_step(page, code=code_of(secret, portal))).status_code == 303


async def test_a_session_from_before_is_asked_for_the_factor_it_lacks(portal: Portal) -> None:
    old = portal.browser()
    await old.sign_in(Ask())
    begun = int(portal.clock.now)
    secret, _ = await enrolled(portal)
    silent = await old.authorize(Ask(extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "interaction_required"
    ask = Ask()
    back = await old.second_step(await old.authorize(ask), code=code_of(secret, portal))
    claims = await claims_of(old, ask, query_of(back)["code"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["auth_time"] == begun  # the password is as old as it was


async def test_a_step_up_is_no_fresh_sign_in(portal: Portal) -> None:
    old = portal.browser()
    await old.sign_in(Ask())
    secret, _ = await enrolled(portal)
    form = form_of((await old.authorize(Ask())).text, "/identity/second-step")
    form |= {"code": code_of(secret, portal), "request": form["request"] + "&prompt=login"}
    asked = await old.http.post("/identity/second-step", data=form)
    assert asked.status_code == 200
    assert 'name="password"' in asked.text


async def test_prompt_login_asks_for_both_again(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browser = portal.browser()
    await browser.second_step(await browser.sign_in(Ask()), code=code_of(secret, portal))
    assert (await browser.authorize(Ask())).status_code == 303
    page = await browser.sign_in(Ask(extra={"prompt": "login"}))
    assert "One more step" in page.text


# --- passkeys ---


@pytest.mark.parametrize(("synced", "method"), [(False, "hwk"), (True, "swk")])
async def test_a_passkey_alone_signs_in_with_two_factors(
    portal: Portal, synced: bool, method: str
) -> None:
    passkey = await with_passkey(portal, synced=synced)
    browser, ask = portal.browser(), Ask()
    back = await browser.sign_in_by_passkey(passkey, ask)
    claims = await claims_of(browser, ask, query_of(back)["code"])
    assert claims["amr"] == [method, "user", "mfa"]
    assert claims["sub"] == portal.alice.id


async def test_a_passkey_is_a_second_step_too(portal: Portal) -> None:
    passkey = await with_passkey(portal)
    browser, ask = portal.browser(), Ask()
    page = await browser.sign_in(ask)
    (options,) = passkey_options(page.text)
    back = await browser.second_step(page, answer=passkey.get(options))
    claims = await claims_of(browser, ask, query_of(back)["code"])
    assert claims["amr"] == ["pwd", "hwk", "user", "mfa"]


async def test_an_answer_sent_twice_signs_in_once(portal: Portal) -> None:
    passkey = await with_passkey(portal)
    browser = portal.browser()
    page = await browser.authorize(Ask())
    (options,) = passkey_options(page.text)
    form = {**form_of(page.text, "/identity/passkey"), "answer": passkey.get(options)}
    assert (await browser.http.post("/identity/passkey", data=form)).status_code == 303
    assert (await browser.http.post("/identity/passkey", data=form)).status_code == 403


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://evil.test"},
        {"origin": "https://uc.vestibule.test"},
        {"origin": "http://uc.vestibule.test:8443"},
        {"rp_id": "evil.test"},
        {"rp_id": "vestibule.test"},
        {"verified": False},
    ],
)
async def test_an_answer_for_elsewhere_or_without_verification_is_refused(
    portal: Portal, bent: dict[str, Any]
) -> None:
    passkey = await with_passkey(portal)
    for name, value in bent.items():
        setattr(passkey, name, value)
    browser = portal.browser()
    assert (await browser.sign_in_by_passkey(passkey, Ask())).status_code == 403
    assert SESSION_COOKIE not in browser.http.cookies


async def test_a_challenge_of_another_page_is_refused(portal: Portal) -> None:
    passkey = await with_passkey(portal)
    browser = portal.browser()
    (elsewhere,) = passkey_options((await portal.browser().authorize(Ask())).text)
    page = await browser.authorize(Ask())
    form = {**form_of(page.text, "/identity/passkey"), "answer": passkey.get(elsewhere)}
    assert (await browser.http.post("/identity/passkey", data=form)).status_code == 403


async def test_a_copied_passkey_whose_count_falls_behind_is_refused(portal: Portal) -> None:
    passkey = await with_passkey(portal, sign_count=5)
    copy = Authenticator(**vars(passkey))
    for _ in range(2):
        assert (await portal.browser().sign_in_by_passkey(passkey, Ask())).status_code == 303
    assert (await portal.browser().sign_in_by_passkey(copy, Ask())).status_code == 403


async def test_another_person_s_passkey_is_no_second_step(portal: Portal) -> None:
    await with_passkey(portal)
    bob, passkey = portal.browser(), Authenticator(ORIGIN, RP_ID)
    await bob.sign_in_to_security("bob")
    await bob.enrol_passkey(passkey)
    browser = portal.browser()
    page = await browser.sign_in(Ask())
    (options,) = passkey_options(page.text)
    assert (await browser.second_step(page, answer=passkey.get(options))).status_code == 403


async def test_of_two_who_send_a_code_at_once_one_gets_in(portal: Portal) -> None:
    secret, _ = await enrolled(portal)
    browsers = [portal.browser() for _ in range(4)]
    pages = [await browser.sign_in(Ask()) for browser in browsers]
    code = code_of(secret, portal)
    steps = zip(browsers, pages, strict=True)
    answers = await asyncio.gather(*(b.second_step(page, code=code) for b, page in steps))
    assert sorted(answer.status_code for answer in answers) == [303, 403, 403, 403]


@pytest.mark.parametrize("answer", ["", "{}", "[]", '{"id": 1}', "[" * 9000, "x" * 20_000, "null"])
async def test_nonsense_instead_of_an_answer_is_refused(portal: Portal, answer: str) -> None:
    browser = portal.browser()
    page = await browser.authorize(Ask())
    form = {**form_of(page.text, "/identity/passkey"), "answer": answer}
    assert (await browser.http.post("/identity/passkey", data=form)).status_code == 403


async def test_a_disabled_person_s_passkey_opens_nothing(portal: Portal) -> None:
    passkey = await with_passkey(portal)
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    assert (await portal.browser().sign_in_by_passkey(passkey, Ask())).status_code == 403
