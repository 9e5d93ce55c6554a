"""A device without a browser, signed in by a code that a person types (RFC 8628)."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.clients.oidc import Ask, form_of, hidden_fields
from tests.unit.portal.browser import ORIGIN, Browser
from tests.unit.portal.conftest import Portal
from vestibule.directory.conditional_access import AccessRule, ClientKind, Conditions, Demand
from vestibule.identity.provider.device_grant import user_code_in
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE = "203.0.113.9"


async def allow(portal: Portal, **changes: Any) -> None:
    tenant = portal.directory.tenant(portal.alice.tenant)
    assert tenant is not None
    policy = replace(tenant.policy, device_sign_in=True, **changes)
    await portal.directory.set_policy(tenant.id, policy)


@pytest.fixture
async def device(portal: Portal) -> Browser:
    await allow(portal)
    return portal.browser(DEVICE)


async def begin(device: Browser, **form: str) -> httpx.Response:
    asked = {"client_id": "vestibule-cli", "scope": "openid profile offline_access", **form}
    return await device.http.post("/identity/device-authorization", data=asked)


async def poll(device: Browser, code: str, client: str = "vestibule-cli") -> dict[str, Any]:
    form = {"grant_type": GRANT, "device_code": code, "client_id": client}
    answer: dict[str, Any] = (await device.http.post("/identity/token", data=form)).json()
    return answer


async def typed(browser: Browser, code: str) -> httpx.Response:
    """Signs in if need be, and types the code."""
    page = await browser.http.get("/identity/device")
    if "/identity/sign-in" in page.text:
        back = await browser.submit(page, username="alice", password="alice's password")
        assert back.headers["location"] == f"{ORIGIN}/identity/device"
        page = await browser.http.get("/identity/device")
    form = {**form_of(page.text, "/identity/device"), "user_code": code}
    return await browser.http.post("/identity/device", data=form)


async def say(browser: Browser, page: httpx.Response, decision: str) -> httpx.Response:
    form = {**form_of(page.text, "/identity/device/consent"), "decision": decision}
    return await browser.http.post("/identity/device/consent", data=form)


async def test_a_device_is_let_in_and_stays_in(portal: Portal, device: Browser) -> None:
    begun = (await begin(device)).json()
    assert begun["verification_uri"] == f"{ORIGIN}/identity/device"
    assert "verification_uri_complete" not in begun
    assert (await poll(device, begun["device_code"]))["error"] == "authorization_pending"
    browser = portal.browser()
    page = await typed(browser, begun["user_code"].lower().replace("-", " "))
    assert "A command line" in page.text
    assert DEVICE in page.text
    assert "another network address" in page.text
    assert "is signed in" in (await say(browser, page, "allow")).text
    tokens = await poll(device, begun["device_code"])
    assert (await device.api("GET", "/session", tokens["access_token"])).status_code == 200
    form = {"client_id": "vestibule-cli", "grant_type": "refresh_token"}
    token = {"refresh_token": tokens["refresh_token"]}
    answer = await device.http.post("/identity/token", data={**form, **token})
    assert answer.status_code == 200
    session = await portal.identity.provider.session(
        browser.http.cookies["__Host-vestibule-session"]
    )
    assert session is not None
    await portal.identity.provider.end_session(session)
    token = {"refresh_token": answer.json()["refresh_token"]}
    assert (await device.http.post("/identity/token", data={**form, **token})).status_code == 200
    note = next(n for n in portal.journal.notes if n.kind is Kind.DEVICE_SIGN_IN_APPROVED)
    assert (note.actor, note.details[Detail.SOURCE]) == (portal.alice.aor, DEVICE)


async def test_an_approved_code_buys_tokens_once(portal: Portal, device: Browser) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    await say(browser, await typed(browser, begun["user_code"]), "allow")
    assert (await poll(device, begun["device_code"], "vestibule-phone"))["error"] == "invalid_grant"
    assert "access_token" in await poll(device, begun["device_code"])
    assert (await poll(device, begun["device_code"]))["error"] == "invalid_grant"
    assert (await typed(browser, begun["user_code"])).status_code == 403


async def test_no_is_no(portal: Portal, device: Browser) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    page = await typed(browser, begun["user_code"])
    assert "not signed in" in (await say(browser, page, "deny")).text
    assert (await poll(device, begun["device_code"]))["error"] == "access_denied"
    assert (await say(browser, page, "allow")).status_code == 403  # a word is given once
    assert (await poll(device, begun["device_code"]))["error"] == "access_denied"
    assert (await typed(browser, begun["user_code"])).status_code == 403
    assert any(note.kind is Kind.DEVICE_SIGN_IN_DENIED for note in portal.journal.notes)


async def test_impatient_devices_are_slowed_down(portal: Portal, device: Browser) -> None:
    code = (await begin(device)).json()["device_code"]
    waits = [("authorization_pending", 1.0), ("slow_down", 9.0), ("slow_down", 16.0)]
    for error, pause in [*waits, ("authorization_pending", 0.0)]:
        assert (await poll(device, code))["error"] == error
        portal.clock.now += pause


async def test_codes_die(portal: Portal, device: Browser) -> None:
    begun = (await begin(device)).json()
    portal.clock.now += begun["expires_in"]
    assert (await typed(portal.browser(), begun["user_code"])).status_code == 403
    assert (await poll(device, begun["device_code"]))["error"] == "expired_token"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "somebody"}, "invalid_client"),
        ({"client_id": "vestibule-web"}, "unauthorized_client"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"client_secret": "guess"}, "invalid_client"),
    ],
)
async def test_not_everybody_may_begin(device: Browser, form: dict[str, str], error: str) -> None:
    assert (await begin(device, **form)).json()["error"] == error


async def test_a_device_s_client_has_no_other_way_in(portal: Portal, device: Browser) -> None:
    asked = {"response_type": "code", "client_id": "vestibule-cli", "redirect_uri": "http://x/"}
    page = await device.http.get("/identity/authorize", params=asked)
    assert page.status_code == 400
    form = {"grant_type": GRANT, "device_code": "x", "client_id": "vestibule-web"}
    answer = (await device.http.post("/identity/token", data=form)).json()
    assert answer["error"] == "unauthorized_client"


async def test_off_until_the_organisation_allows_it(portal: Portal) -> None:
    device, browser = portal.browser(DEVICE), portal.browser()
    begun = (await begin(device)).json()
    refused = await typed(browser, begun["user_code"])
    assert refused.status_code == 403
    assert "organisation" in refused.text
    assert (await poll(device, begun["device_code"]))["error"] == "authorization_pending"


async def test_guessing_codes_is_slowed_down(portal: Portal, device: Browser) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    guesses = [(await typed(browser, "BCDF-GHJK")).status_code for _ in range(6)]
    assert guesses == [403] * 5 + [429]
    assert (await typed(browser, begun["user_code"])).status_code == 429


async def test_beginning_is_slowed_down_by_address(portal: Portal, device: Browser) -> None:
    answers = [await begin(device) for _ in range(21)]
    assert [one.status_code for one in answers] == [200] * 20 + [429]
    assert answers[-1].headers["retry-after"]
    assert (await begin(portal.browser("203.0.113.10"))).status_code == 200


async def test_a_foreign_form_or_browser_says_nothing(portal: Portal, device: Browser) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    page = await typed(browser, begun["user_code"])
    form = {**form_of(page.text, "/identity/device/consent"), "decision": "allow"}
    for bent in ({"form_token": "0" * 64}, {"ticket": "x"}, {"ticket": ""}):
        path = "/identity/device/consent"
        assert (await browser.http.post(path, data={**form, **bent})).status_code == 403
    other = portal.browser()
    theirs = await typed(other, begun["user_code"])
    form["form_token"] = hidden_fields(theirs.text)["form_token"]
    assert (await other.http.post("/identity/device/consent", data=form)).status_code == 403
    code = {"user_code": begun["user_code"]}
    assert (await browser.http.post("/identity/device", data=code)).status_code == 403
    assert (await poll(device, begun["device_code"]))["error"] == "authorization_pending"


async def test_who_comes_later_to_the_same_browser_hasn_t_been_asked(
    portal: Portal, device: Browser
) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    page = await typed(browser, begun["user_code"])
    again = await browser.authorize(Ask(extra={"prompt": "login"}))
    assert (
        await browser.submit(again, username="bob", password="bob's password")
    ).status_code == 303
    assert (await say(browser, page, "allow")).status_code == 403
    assert (await poll(device, begun["device_code"]))["error"] == "authorization_pending"


async def test_conditional_access_is_asked_where_the_device_is(
    portal: Portal, device: Browser
) -> None:
    begun, browser = (await begin(device)).json(), portal.browser()
    await say(browser, await typed(browser, begun["user_code"]), "allow")
    tenant = portal.directory.tenant(portal.alice.tenant)
    assert tenant is not None
    rules = (AccessRule("no-cli", Demand.BLOCK, Conditions(client=ClientKind.CLI), ""),)
    access = tenant.policy.conditional_access
    await allow(portal, conditional_access=replace(access, rules=rules))
    blocked = await poll(device, begun["device_code"])
    assert blocked["error"] == "invalid_grant"
    assert "no-cli" in blocked["error_description"]
    await allow(portal, conditional_access=access)
    assert "access_token" in await poll(device, begun["device_code"])


async def test_neither_code_is_stored(portal: Portal, device: Browser) -> None:
    begun = (await begin(device)).json()
    for path in portal.data.glob("vestibule.db*"):
        content = path.read_bytes()
        for secret in (
            begun["device_code"],
            begun["user_code"],
            begun["user_code"].replace("-", ""),
        ):
            assert secret.encode() not in content


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BCDF-GHJK", "BCDFGHJK"),
        (" bcdf ghjk\n", "BCDFGHJK"),
        ("BCDFGHJ", None),
        ("BCDFGHJKL", None),
        ("ABCD-EFGH", None),
        ("", None),
        ("\uff22CDFGHJK", None),
    ],
)
def test_what_people_type(text: str, code: str | None) -> None:
    assert user_code_in(text) == code
