"""/identity/security: enrolling, naming, removing; fresh sign-ins only; secrets shown once."""

import re

import pyotp
import pytest

from tests.clients.authenticator import Authenticator
from tests.clients.oidc import Ask, form_of, passkey_options, query_of
from tests.unit.portal.browser import ORIGIN
from tests.unit.portal.conftest import Portal
from tests.unit.portal.test_pages import assert_guarded
from vestibule.identity.second_factors.passkeys import RelyingParty
from vestibule.portal.sign_in_flow import SESSION_COOKIE

RP_ID = "uc.vestibule.test"


async def test_a_stranger_is_asked_to_sign_in_and_arrives(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.security()
    assert 'name="password"' in page.text
    back = await browser.submit(page, username="alice", password="alice's password")
    assert back.headers["location"] == f"{ORIGIN}/identity/security"
    assert "None yet" in (await browser.security()).text


async def test_pages_are_guarded_and_usable_by_all(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.sign_in_to_security()
    assert_guarded(page)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    offered = await browser.change(page, "totp")
    assert_guarded(offered)
    assert "script-src" not in offered.headers["content-security-policy"]
    assert offered.headers["cache-control"] == "no-store"
    for text in (page.text, offered.text):
        for forbidden in ("<script>", "<style", " style=", "onclick"):
            assert forbidden not in text
        labelled = set(re.findall(r'<label for="([^"]+)"', text))
        assert labelled == set(re.findall(r'<input id="([^"]+)"', text))


async def test_the_passkey_script_is_named_for_its_content(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.authorize(Ask())
    path = page.text.split('<script src="')[1].split('"')[0]
    script = await browser.http.get(path)
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]


async def test_an_app_is_kept_only_after_a_right_code(portal: Portal) -> None:
    browser = portal.browser()
    offered = await browser.change(await browser.sign_in_to_security(), "totp")
    wrong = await browser.change(offered, "totp/code", code="000000", name="Phone")
    assert wrong.status_code == 403
    assert "None yet" in (await browser.security()).text
    secret = re.findall(r'id="key">([^<]+)<', wrong.text)[0].replace(" ", "")
    code = pyotp.TOTP(secret).at(portal.clock.now)
    assert (
        "recovery codes" in (await browser.change(wrong, "totp/code", code=code, name="Phone")).text
    )
    assert "Phone" in (await browser.security()).text


async def test_an_offer_can_be_taken_once(portal: Portal) -> None:
    browser = portal.browser()
    offered = await browser.change(await browser.sign_in_to_security(), "totp")
    secret = re.findall(r'id="key">([^<]+)<', offered.text)[0].replace(" ", "")
    form = {"code": pyotp.TOTP(secret).at(portal.clock.now), "name": "Phone"}
    await browser.change(offered, "totp/code", **form)
    again = await browser.change(offered, "totp/code", **form)
    assert "sent before" in again.text


async def test_secrets_and_codes_are_shown_once(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    secret, codes = await browser.enrol_app()
    assert len(codes) == 10
    later = (await browser.security()).text
    assert "10 left" in later
    for shown in (secret, secret[:4], *codes):
        assert shown not in later


async def test_a_second_factor_brings_no_new_codes(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    await browser.enrol_app()
    assert (await browser.enrol_app("Tablet"))[1] == []
    assert (await browser.enrol_passkey(Authenticator(ORIGIN, RP_ID))).status_code == 303


async def test_new_codes_end_the_old_ones(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    _, old = await browser.enrol_app()
    page = await browser.change(await browser.security(), "recovery-codes")
    new = re.findall(r'<li class="example">([^<]+)</li>', page.text)
    for code, status in ((old[0], 403), (new[0], 303)):
        other = portal.browser()
        step = await other.sign_in(Ask())
        assert (await other.second_step(step, code=code)).status_code == status


async def test_factors_are_renamed_and_removed_and_names_are_shown_escaped(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    await browser.enrol_app()
    renamed = await browser.change(await browser.security(), "rename", name="<b>Phone</b>")
    assert renamed.status_code == 303
    page = await browser.security()
    assert "&lt;b&gt;Phone&lt;/b&gt;" in page.text
    assert "<b>Phone" not in page.text
    await browser.change(page, "remove")
    assert "None yet" in (await browser.security()).text
    back = await portal.browser().sign_in(Ask())
    assert "code" in query_of(back)


async def test_another_person_s_factor_can_be_neither_renamed_nor_removed(portal: Portal) -> None:
    alice, bob = portal.browser(), portal.browser()
    await alice.sign_in_to_security()
    await alice.enrol_app()
    hers = form_of((await alice.security()).text, "/identity/security/remove")["id"]
    await bob.sign_in_to_security("bob")
    await bob.enrol_app()
    page = await bob.security()
    for what in ("remove", "rename"):
        refused = await bob.change(page, what, id=hers, name="Mine")
        assert "no such second factor" in refused.text
    assert "My phone" in (await alice.security()).text


async def test_with_the_last_factor_the_recovery_codes_go(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    await browser.enrol_app()
    await browser.change(await browser.security(), "remove")
    assert (await portal.deps.second_step.factors_of(portal.alice.id)).recovery_codes_left == 0


async def test_after_ten_minutes_nothing_can_be_changed(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.sign_in_to_security()
    portal.clock.now += 601
    refused = await browser.change(page, "totp")
    assert refused.status_code == 403
    assert 'name="password"' in refused.text
    stale = await browser.security()
    assert "Sign in again to make changes" in stale.text
    assert "<form" not in stale.text
    again = await browser.http.get("/identity/security/sign-in")
    await browser.submit(again, username="alice", password="alice's password")
    assert (await browser.change(await browser.security(), "totp")).status_code == 200


async def test_signing_in_again_keeps_what_clients_hold(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask()
    back = await browser.sign_in(ask)
    tokens = (await browser.redeem(ask, query_of(back)["code"])).json()
    before = browser.http.cookies[SESSION_COOKIE]
    again = await browser.http.get("/identity/security/sign-in")
    await browser.submit(again, username="alice", password="alice's password")
    assert browser.http.cookies[SESSION_COOKIE] != before
    assert await portal.identity.provider.session(before) is None
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 200


async def test_signing_out_after_that_still_ends_what_clients_hold(portal: Portal) -> None:
    browser, ask = portal.browser(), Ask()
    back = await browser.sign_in(ask)
    tokens = (await browser.redeem(ask, query_of(back)["code"])).json()
    again = await browser.http.get("/identity/security/sign-in")
    await browser.submit(again, username="alice", password="alice's password")
    session = await portal.identity.provider.session(browser.http.cookies[SESSION_COOKIE])
    assert session is not None
    await portal.identity.provider.end_session(session)
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 400


async def test_a_password_session_can_t_change_what_was_added_elsewhere(portal: Portal) -> None:
    first, second = portal.browser(), portal.browser()
    page = await first.sign_in_to_security()
    await second.sign_in_to_security()
    await second.enrol_app()
    refused = await first.change(page, "totp")
    assert refused.status_code == 200
    assert "One more step" in refused.text
    assert "One more step" in (await first.security()).text


@pytest.mark.parametrize("what", ["totp", "totp/code", "passkey", "recovery-codes", "rename",
                                  "remove"])  # fmt: skip
async def test_another_site_s_form_changes_nothing(portal: Portal, what: str) -> None:
    browser = portal.browser()
    page = await browser.sign_in_to_security()
    own = form_of(page.text, "/identity/security/totp")
    path = f"/identity/security/{what}"
    for form, headers in (
        ({"form_token": "0" * 64}, {}),
        ({}, {}),
        (own, {"origin": "https://evil.test"}),
        (own, {"sec-fetch-site": "cross-site"}),
    ):
        forged = await browser.http.post(path, data={"x": "", **form}, headers=headers)
        assert forged.status_code == 403


async def test_an_offer_belongs_to_one_person(portal: Portal) -> None:
    browser = portal.browser()
    offered = await browser.change(await browser.sign_in_to_security(), "totp")
    secret = re.findall(r'id="key">([^<]+)<', offered.text)[0].replace(" ", "")
    sign_in = await browser.http.get("/identity/security/sign-in")
    await browser.submit(sign_in, username="bob", password="bob's password")
    code = pyotp.TOTP(secret).at(portal.clock.now)
    refused = await browser.change(offered, "totp/code", code=code, name="Phone")
    assert refused.status_code == 400
    assert "None yet" in (await browser.security()).text


@pytest.mark.parametrize("bent", [{"origin": "https://evil.test"}, {"rp_id": "evil.test"},
                                  {"verified": False}])  # fmt: skip
async def test_a_passkey_made_for_elsewhere_is_not_kept(
    portal: Portal, bent: dict[str, object]
) -> None:
    browser, passkey = portal.browser(), Authenticator(ORIGIN, RP_ID)
    for name, value in bent.items():
        setattr(passkey, name, value)
    await browser.sign_in_to_security()
    refused = await browser.enrol_passkey(passkey)
    assert refused.status_code == 400
    assert "None yet" in refused.text


async def test_a_passkey_belongs_to_one_person(portal: Portal) -> None:
    passkey = Authenticator(ORIGIN, RP_ID)
    for user in ("alice", "bob"):
        browser = portal.browser()
        await browser.sign_in_to_security(user)
        answer = await browser.enrol_passkey(passkey)
    assert "in use already" in answer.text


async def test_one_can_t_have_endlessly_many(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    for _ in range(10):
        await browser.enrol_passkey(Authenticator(ORIGIN, RP_ID))
    refused = await browser.enrol_passkey(Authenticator(ORIGIN, RP_ID))
    assert "Remove one first" in refused.text


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://uc.example.org:8443", "uc.example.org"),
        ("https://localhost:8443", "localhost"),
        ("https://192.0.2.1:8443", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_passkeys_are_for_names(origin: str, rp_id: str | None) -> None:
    assert RelyingParty(origin).id == rp_id
    assert RelyingParty(origin).available is (rp_id is not None)


async def test_no_secret_of_a_factor_is_stored_readable_or_logged(
    portal: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    secret, codes = await browser.enrol_app()
    portal.clock.now += 30
    other = portal.browser()
    code = pyotp.TOTP(secret).at(portal.clock.now)
    await other.second_step(await other.sign_in(Ask()), code="987654")
    await other.second_step(await other.sign_in(Ask()), code=code)
    third = portal.browser()
    await third.second_step(await third.sign_in(Ask()), code=codes[0])
    stored = b"".join(path.read_bytes() for path in portal.data.glob("vestibule.db*"))
    said = "".join(capsys.readouterr())
    assert "identity.second_factor_added" in said
    for text in (secret, *codes):
        assert text.encode() not in stored
        assert text not in said
    assert code not in said
    assert "987654" not in said


async def test_the_page_asks_for_passkeys_it_doesn_t_know_yet(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in_to_security()
    passkey = Authenticator(ORIGIN, RP_ID)
    await browser.enrol_passkey(passkey)
    (options,) = passkey_options((await browser.security()).text)
    assert '"excludeCredentials": [{' in options
