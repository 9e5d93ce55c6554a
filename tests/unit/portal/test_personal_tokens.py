"""Personal tokens for scripts: off until allowed, for their own scope, gone at once (I5, I14; ATTACKS 18, 73)."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.clients.oidc import form_of
from tests.unit.portal.browser import ORIGIN, Browser
from tests.unit.portal.conftest import Portal
from vestibule.directory.conditional_access import AccessRule, Conditions, Demand, Network
from vestibule.journal.kinds import Kind

_PAGE = "/identity/tokens"
_DAY = 86_400.0


async def allow(portal: Portal, days: int = 30, **changes: Any) -> None:
    tenant = portal.directory.tenant(portal.alice.tenant)
    assert tenant is not None
    policy = replace(tenant.policy, personal_token_days=days, **changes)
    await portal.directory.set_policy(tenant.id, policy)


async def overview(browser: Browser) -> httpx.Response:
    page = await browser.http.get(_PAGE)
    if "/identity/sign-in" in page.text:
        back = await browser.submit(page, username="alice", password="alice's password")
        assert back.headers["location"] == f"{ORIGIN}{_PAGE}"
        page = await browser.http.get(_PAGE)
    return page


async def make(browser: Browser, *scopes: str, **typed: Any) -> httpx.Response:
    page = await overview(browser)
    form = {**form_of(page.text, f"{_PAGE}"), "name": "Backup", "days": "7", **typed}
    return await browser.http.post(_PAGE, data={**form, "scope": list(scopes)})


async def token(browser: Browser, *scopes: str, **typed: Any) -> str:
    page = await make(browser, *scopes, **typed)
    found = re.search(r'id="token">(vpt_[\w-]{43})<', page.text)
    assert found, page.text
    return found[1]


async def revoke(browser: Browser) -> None:
    page = await overview(browser)
    await browser.http.post(f"{_PAGE}/revoke", data=form_of(page.text, f"{_PAGE}/revoke"))


async def status(browser: Browser, text: str, path: str = "/session", method: str = "GET") -> int:
    more = {"json": {"subject": "Budget"}} if method == "POST" else {}
    scheme = "Bearer" if text.startswith("vpt_") else "DPoP"
    return (await browser.api(method, path, text, scheme, **more)).status_code


@pytest.fixture
async def browser(portal: Portal) -> Browser:
    await allow(portal)
    return portal.browser()


async def test_a_token_does_what_it_is_for_and_nothing_else(
    portal: Portal, browser: Browser
) -> None:
    script = portal.browser("203.0.113.9")
    reader = await token(browser, "meetings:read")
    assert await status(script, reader, "/meetings") == 200
    for path, method in (
        ("/session", "GET"),
        ("/meetings", "POST"),
        (f"/meetings/{'x' * 22}", "DELETE"),
    ):
        assert await status(script, reader, path, method) == 403
    writer = await token(browser, "session:read", "meetings:write")
    assert await status(script, writer) == 200
    assert await status(script, writer, "/meetings", "POST") == 201
    assert await status(script, writer, "/meetings") == 403


async def test_none_opens_an_association_or_tells_who_one_is(
    portal: Portal, browser: Browser
) -> None:
    text = await token(browser, "session:read", "meetings:read", "meetings:write")
    headers = {"Authorization": f"Bearer {text}"}
    for path in ("/identity/associations", "/identity/userinfo"):
        answer = await browser.http.post(path, headers=headers, json={"public_key": "A" * 87})
        assert answer.status_code == 403
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_shown_once_and_kept_as_a_hash(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read")
    page = await overview(browser)
    assert "Backup" in page.text
    assert text not in page.text
    assert not any(text.encode() in path.read_bytes() for path in portal.data.glob("vestibule.db*"))
    assert all(text not in str(note) for note in portal.journal.notes)
    assert any(note.kind is Kind.PERSONAL_TOKEN_CREATED for note in portal.journal.notes)


async def test_revoked_it_is_gone_at_once(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read")
    assert await status(browser, text) == 200
    await revoke(browser)
    assert await status(browser, text) == 401
    assert portal.journal.notes[-2].kind is Kind.PERSONAL_TOKEN_REVOKED
    assert portal.journal.notes[-1].kind is Kind.PROOF_REFUSED


async def test_nobody_revokes_another_s(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read")
    (mine,) = await portal.identity.personal_tokens.list_of(portal.alice)
    assert not await portal.identity.personal_tokens.revoke(portal.bob, mine.id)
    assert await status(browser, text) == 200


async def test_its_time_ends(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read", days="1")
    portal.clock.now += _DAY
    assert await status(browser, text) == 401


async def test_the_policy_bites_at_once(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read", days="7")
    portal.clock.now += 2 * _DAY
    await allow(portal, days=2)
    assert await status(browser, text) == 401
    await allow(portal, days=30)
    assert await status(browser, text) == 200
    await allow(portal, days=0)
    assert await status(browser, text) == 401


async def test_a_disabled_person_s_tokens_are_refused(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read")
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    assert await status(browser, text) == 401


async def test_conditional_access_is_asked_at_each_use(portal: Portal, browser: Browser) -> None:
    text = await token(browser, "session:read")
    tenant = portal.directory.tenant(portal.alice.tenant)
    assert tenant is not None
    access = tenant.policy.conditional_access
    rule = AccessRule("inside-only", Demand.BLOCK, Conditions(network=Network.OUTSIDE), "")
    inside = replace(access, rules=(rule,), inside=("192.0.2.0/24",))
    await allow(portal, conditional_access=inside)
    assert await status(portal.browser("192.0.2.7"), text) == 200
    blocked = await portal.browser("203.0.113.9").api("GET", "/session", text, "Bearer")
    assert blocked.status_code == 403
    assert "inside-only" in blocked.json()["detail"]


@pytest.mark.parametrize(
    "typed",
    [
        {"days": "31"},
        {"days": "0"},
        {"days": "-1"},
        {"days": "9" * 9},
        {"days": "\u0663"},
        {"name": ""},
    ],
)
async def test_unfit_wishes_are_refused(browser: Browser, typed: dict[str, str]) -> None:
    assert (await make(browser, "session:read", **typed)).status_code == 400
    assert (await make(browser)).status_code == 400
    assert (await make(browser, "everything")).status_code == 400


async def test_off_until_allowed(portal: Portal, browser: Browser) -> None:
    await allow(portal, days=0)
    page = await overview(browser)
    assert "allow personal tokens" in page.text
    await allow(portal, days=1)
    form = form_of((await overview(browser)).text, _PAGE)
    await allow(portal, days=0)
    wish = {**form, "name": "x", "days": "1", "scope": "session:read"}
    assert (await browser.http.post(_PAGE, data=wish)).status_code == 400


async def test_making_one_needs_our_form_and_a_fresh_sign_in(
    portal: Portal, browser: Browser
) -> None:
    page = await overview(browser)
    form = {**form_of(page.text, _PAGE), "name": "x", "days": "1", "scope": "session:read"}
    forged = {**form, "form_token": "0" * 64}
    assert (await browser.http.post(_PAGE, data=forged)).status_code == 403
    portal.clock.now += 601
    assert 'name="password"' in (await browser.http.post(_PAGE, data=form)).text
    assert await portal.identity.personal_tokens.list_of(portal.alice) == []


async def test_there_are_not_endlessly_many(portal: Portal, browser: Browser) -> None:
    for _ in range(20):
        await token(browser, "session:read")
    assert (await make(browser, "session:read")).status_code == 400


@pytest.mark.parametrize("text", ["vpt_", "vpt_x", f"vpt_{'x' * 43}", f"vpt_{'x' * 5000}"])
async def test_guesses_are_refused(portal: Portal, browser: Browser, text: str) -> None:
    assert await status(browser, text) == 401
    proof = await browser.http.get("/api/v1/session", headers={"Authorization": f"DPoP {text}"})
    assert proof.status_code == 401


async def test_a_device_is_signed_out_on_the_same_page(portal: Portal, browser: Browser) -> None:
    await allow(portal, device_sign_in=True)
    device = portal.browser("203.0.113.9")
    asked = {"client_id": "vestibule-phone", "scope": "openid offline_access"}
    begun = (await device.http.post("/identity/device-authorization", data=asked)).json()
    await overview(browser)
    page = await browser.http.get("/identity/device")
    code = {**form_of(page.text, "/identity/device"), "user_code": begun["user_code"]}
    page = await browser.http.post("/identity/device", data=code)
    yes = {**form_of(page.text, "/identity/device/consent"), "decision": "allow"}
    await browser.http.post("/identity/device/consent", data=yes)
    form = {"client_id": "vestibule-phone", "device_code": begun["device_code"]}
    form["grant_type"] = "urn:ietf:params:oauth:grant-type:device_code"
    tokens = (await device.http.post("/identity/token", data=form)).json()
    assert await status(device, tokens["access_token"]) == 200
    page = await overview(browser)
    assert "A phone" in page.text
    await browser.http.post(f"{_PAGE}/end", data=form_of(page.text, f"{_PAGE}/end"))
    assert await status(device, tokens["access_token"]) == 401
    refresh = {"client_id": "vestibule-phone", "refresh_token": tokens["refresh_token"]}
    refresh["grant_type"] = "refresh_token"
    assert (await device.http.post("/identity/token", data=refresh)).status_code == 400
