"""Signing in over the pages: code and PKCE, silent renewal, refusals that tell nothing (I2)."""

import pytest

from tests.clients.oidc import Ask, challenges_in, hidden_fields, query_of
from tests.unit.portal.browser import CALLBACK, ORIGIN
from tests.unit.portal.conftest import Portal
from vestibule.identity.sign_in_limits import ADDRESS_AND_ACCOUNT
from vestibule.portal.sign_in_flow import DEVICE_COOKIE, SESSION_COOKIE


async def test_the_way_leads_back_with_code_state_and_issuer(portal: Portal) -> None:
    back = await portal.browser().sign_in(Ask())
    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{CALLBACK}?")
    query = query_of(back)
    assert query["state"] == "back to work"
    assert query["iss"] == f"{ORIGIN}/identity"
    assert len(query["code"]) >= 43


async def test_a_signed_in_browser_isn_t_asked_again(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    silent = await browser.authorize(Ask(extra={"prompt": "none"}))
    assert "code" in query_of(silent)


async def test_nobody_signed_in_and_no_prompt_is_login_required(portal: Portal) -> None:
    silent = await portal.browser().authorize(Ask(extra={"prompt": "none"}))
    query = query_of(silent)
    assert query["error"] == "login_required"
    assert query["state"] == "back to work"
    assert query["iss"] == f"{ORIGIN}/identity"


@pytest.mark.parametrize("extra", [{"prompt": "login"}, {"prompt": "select_account"}])
async def test_the_client_can_have_the_person_asked_again(
    portal: Portal, extra: dict[str, str | None]
) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    back = await browser.sign_in(Ask(extra=extra))
    assert "code" in query_of(back)


async def test_a_sign_in_that_is_too_old_is_asked_again(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    portal.clock.now += 100
    assert (await browser.authorize(Ask(extra={"max_age": "200"}))).status_code == 303
    assert (await browser.authorize(Ask(extra={"max_age": "50"}))).status_code == 200
    refused = await browser.authorize(Ask(extra={"max_age": "soon"}))
    assert query_of(refused)["error"] == "invalid_request"


async def test_a_session_ends_with_the_working_day(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    portal.clock.now += 12 * 3600
    silent = await browser.authorize(Ask(extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "login_required"


async def test_cookies_are_bound_to_the_host_and_hidden_from_scripts(portal: Portal) -> None:
    back = await portal.browser().sign_in(Ask())
    cookies = back.headers.get_list("set-cookie")
    for name in (SESSION_COOKIE, DEVICE_COOKIE):
        (cookie,) = [one for one in cookies if one.startswith(name)]
        assert name.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "SameSite=" in cookie
        assert "Domain" not in cookie


async def test_a_new_sign_in_gets_a_new_session(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    first = browser.http.cookies[SESSION_COOKIE]
    await browser.sign_in(Ask(extra={"prompt": "login"}), "bob", "bob's password")
    assert browser.http.cookies[SESSION_COOKIE] != first
    assert await portal.identity.provider.session(first) is None


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice", "wrong password"),
        ("nobody", "alice's password"),
        ("nobody@elsewhere.test", "x"),
        ("bob", "alice's password"),
        ("", ""),
        ("alice", ""),
        ("'; DROP TABLE people; --", "x"),
        ("alice", "x" * 10_000),
    ],
)
async def test_all_refusals_look_the_same(portal: Portal, user: str, password: str) -> None:
    page = await portal.browser().sign_in(Ask(), user, password)
    assert page.status_code == 403
    assert "don&#39;t go together" in page.text
    assert SESSION_COOKIE not in page.headers.get("set-cookie", "")


async def test_unknown_and_known_people_get_the_same_page(portal: Portal) -> None:
    pages = []
    for user in ("alice", "nobdy"):
        page = await portal.browser().sign_in(Ask(verifier="v" * 43), user, "wrong password")
        text = page.text.replace(f'"{user}"', "")
        for random in (*hidden_fields(page.text).values(), *challenges_in(page.text)):
            text = text.replace(random, "") if random else text
        pages.append(text)
    assert pages[0] == pages[1]


async def test_a_disabled_person_looks_like_a_wrong_password(portal: Portal) -> None:
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    page = await portal.browser().sign_in(Ask())
    assert page.status_code == 403
    assert "don&#39;t go together" in page.text


async def test_a_person_disabled_later_is_signed_out(portal: Portal) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask())
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    silent = await browser.authorize(Ask(extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "login_required"


@pytest.mark.parametrize("name", ["alice", "ALICE", " alice ", "alice@vestibule.test",
                                  "sip:Alice@Vestibule.Test"])  # fmt: skip
async def test_people_type_their_name_as_they_like(portal: Portal, name: str) -> None:
    back = await portal.browser().sign_in(Ask(), name)
    assert back.status_code == 303


async def test_a_form_from_elsewhere_signs_nobody_in(portal: Portal) -> None:
    browser, victim = portal.browser(), portal.browser()
    page = await browser.authorize(Ask())
    form = {**hidden_fields(page.text), "username": "alice", "password": "alice's password"}
    stolen = await victim.http.post("/identity/sign-in", data=form)
    assert stolen.status_code == 403
    for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        forged = await browser.http.post("/identity/sign-in", data=form, headers=headers)
        assert forged.status_code == 403
    form["form_token"] = "0" * 64
    assert (await browser.http.post("/identity/sign-in", data=form)).status_code == 403
    assert SESSION_COOKIE not in browser.http.cookies


async def test_a_stale_form_can_be_sent_again(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.authorize(Ask())
    browser.http.cookies.clear()
    again = await browser.submit(page, username="alice", password="alice's password")
    assert again.status_code == 403
    assert 'value="alice"' in again.text
    back = await browser.submit(again, username="alice", password="alice's password")
    assert back.status_code == 303


async def test_a_changed_request_in_the_form_gains_nothing(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.authorize(Ask())
    form = hidden_fields(page.text)
    request = form["request"].replace("uc.vestibule.test", "evil.test")
    form |= {"request": request, "username": "alice", "password": "alice's password"}
    refused = await browser.http.post("/identity/sign-in", data=form)
    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert SESSION_COOKIE not in browser.http.cookies


async def test_what_one_typed_is_shown_escaped(portal: Portal) -> None:
    page = await portal.browser().sign_in(Ask(), '"><script>alert(1)</script>', "x")
    assert "<script>" not in page.text
    hint = await portal.browser().authorize(Ask(extra={"login_hint": '"><img src=x>'}))
    assert "<img" not in hint.text


async def test_guessing_is_slowed_down_and_says_until_when(portal: Portal) -> None:
    browser = portal.browser()
    for _ in range(ADDRESS_AND_ACCOUNT.burst):
        assert (await browser.sign_in(Ask(), "alice", "guess")).status_code == 403
    page = await browser.sign_in(Ask())
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "Too many tries" in page.text
    elsewhere = await portal.browser("198.51.100.7").sign_in(Ask())
    assert elsewhere.status_code == 303


async def test_an_unknown_person_is_slowed_down_alike(portal: Portal) -> None:
    browser = portal.browser()
    for _ in range(ADDRESS_AND_ACCOUNT.burst):
        assert (await browser.sign_in(Ask(), "nobody", "guess")).status_code == 403
    assert (await browser.sign_in(Ask(), "nobody", "guess")).status_code == 429


async def test_the_owner_s_browser_gets_in_while_strangers_guess(portal: Portal) -> None:
    owner = portal.browser()
    await owner.sign_in(Ask())
    stranger = portal.browser()
    for _ in range(ADDRESS_AND_ACCOUNT.burst):
        await stranger.sign_in(Ask(), "alice", "guess")
    assert (await stranger.sign_in(Ask())).status_code == 429
    assert (await owner.sign_in(Ask(extra={"prompt": "login"}))).status_code == 303


async def test_no_secret_is_stored_readable(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    stored = b"".join(path.read_bytes() for path in portal.data.glob("vestibule.db*"))
    for secret in (
        tokens["refresh_token"],
        tokens["access_token"],
        browser.http.cookies[SESSION_COOKIE],
        "alice's password",
    ):
        assert secret.encode() not in stored


async def test_no_secret_is_logged(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    browser = portal.browser()
    await browser.sign_in(Ask(), "alice", "mistyped secret")
    tokens = await browser.tokens()
    await browser.refresh(tokens["refresh_token"])
    await browser.refresh(tokens["refresh_token"])
    said = "".join(capsys.readouterr())
    assert "identity.signed_in" in said
    assert "identity.replayed" in said
    for secret in ("mistyped secret", "alice's password", *map(str, tokens.values())):
        if len(secret) > 20:
            assert secret not in said
    assert "mistyped secret" not in said
