"""ATTACKS 17 and 20 on the second step of signing in, over real TLS.

Passkeys need a name, so those are attacked at a second deployment, which is reached as `localhost`.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from tests.clients.authenticator import Authenticator
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import (
    Ask,
    authorize,
    form_of,
    passkey_options,
    query_of,
    redeem,
    session,
    sign_in,
)

_GUESSES = 5
_STEP = "/identity/second-step"
_SECURITY = "/identity/security"


class Attack:
    """Browsers at the deployment, and what its people enrolled."""

    def __init__(self, host: Host, deployment: Deployment) -> None:
        self._host, self.deployment = host, deployment
        self._open: list[httpx.Client] = []
        self.ask = Ask(deployment.origin)

    def browser(self, host: Host | None = None) -> httpx.Client:
        """A browser without a past, at the usual address or another."""
        transport = HostTransport(host or self._host, self.deployment.authority)
        browser = httpx.Client(transport=transport, base_url=self.deployment.origin)
        self._open.append(browser)
        return browser

    def close(self) -> None:
        for browser in self._open:
            browser.close()

    def password(self, user: str) -> str:
        return self.deployment.user(user).password

    def after_password(self, browser: httpx.Client, user: str) -> httpx.Response:
        """The page after the password."""
        return sign_in(browser, self.ask, user, self.password(user))

    def security(self, browser: httpx.Client, user: str) -> httpx.Response:
        """The person's second factors, signed in to by password."""
        form = form_of(browser.get(_SECURITY).text, "/identity/sign-in")
        form |= {"username": user, "password": self.password(user)}
        browser.post("/identity/sign-in", data=form)
        return browser.get(_SECURITY)

    def enrol_app(self, user: str) -> tuple["App", list[str]]:
        """An app of that person, and the recovery codes."""
        browser = self.browser()
        page = self.security(browser, user)
        form = form_of(page.text, f"{_SECURITY}/totp")
        offered = browser.post(f"{_SECURITY}/totp", data=form).text
        app = App(re.findall(r'id="key">([^<]+)<', offered)[0].replace(" ", ""))
        form = form_of(offered, f"{_SECURITY}/totp/code")
        form |= {"code": app.code(), "name": "Phone"}
        added = browser.post(f"{_SECURITY}/totp/code", data=form).text
        return app, re.findall(r'<li class="example">([^<]+)</li>', added)

    def enrol_passkey(self, user: str, passkey: Authenticator) -> httpx.Response:
        """A passkey of that person."""
        browser = self.browser()
        page = self.security(browser, user).text
        (options,) = passkey_options(page)
        form = form_of(page, f"{_SECURITY}/passkey")
        form |= {"answer": passkey.create(options), "name": "Key"}
        return browser.post(f"{_SECURITY}/passkey", data=form)

    def by_passkey(self, passkey: Authenticator) -> httpx.Response:
        """A try to sign in with nothing else."""
        browser = self.browser()
        page = authorize(browser, self.ask).text
        (options,) = passkey_options(page)
        form = {**form_of(page, "/identity/passkey"), "answer": passkey.get(options)}
        return browser.post("/identity/passkey", data=form)


class App:
    """An authenticator app that never shows the same code twice."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self._shown = 0

    def code(self) -> str:
        """A code that wasn't shown before; the next step's is good a step early."""

        def unseen() -> int:
            now = int(time.time()) // 30
            return next((step for step in (now, now + 1) if step > self._shown), 0)

        self._shown = eventually(unseen, "a new code", 40.0)
        return self._totp.generate_otp(self._shown)


@pytest.fixture(scope="module")
def attack(network: Network, deployment: Deployment) -> Iterator[Attack]:
    """On a server that is reached by its address."""
    attack = Attack(network.add_host(), deployment)
    yield attack
    attack.close()


@pytest.fixture(scope="module")
def named(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    """On a server that is reached by a name, from the same machine."""
    folder = tmp_path_factory.mktemp("named") / "demo"
    with Deployment(network.server, folder, address="localhost") as deployment:
        attack = Attack(network.server, deployment)
        yield attack
        attack.close()


@pytest.fixture(scope="module")
def alice(attack: Attack) -> tuple[App, list[str]]:
    """Alice's app and recovery codes."""
    return attack.enrol_app("alice")


def step(browser: httpx.Client, page: httpx.Response, **typed: str) -> httpx.Response:
    """Fill in the page after the password."""
    return browser.post(_STEP, data={**form_of(page.text, _STEP), **typed})


def test_going_back_to_authorize_after_the_password_gains_nothing(
    attack: Attack, alice: tuple[App, list[str]]
) -> None:
    browser = attack.browser()
    page = attack.after_password(browser, "alice")
    assert page.status_code == 200
    assert 'name="code"' in page.text
    assert 'name="password"' in authorize(browser, attack.ask).text
    silent = authorize(browser, Ask(attack.deployment.origin, extra={"prompt": "none"}))
    assert query_of(silent)["error"] == "login_required"
    assert 'name="password"' in browser.get(_SECURITY).text


def test_the_step_needs_the_browser_that_showed_the_password(
    attack: Attack, alice: tuple[App, list[str]]
) -> None:
    browser, other = attack.browser(), attack.browser()
    form = form_of(attack.after_password(browser, "alice").text, _STEP)
    own = form_of(authorize(other, attack.ask).text, "/identity/sign-in")["form_token"]
    code = alice[1][0]
    for token in (form["form_token"], own, ""):
        sent = {**form, "form_token": token, "code": code}
        assert other.post(_STEP, data=sent).status_code == 403
    assert "code" in query_of(browser.post(_STEP, data={**form, "code": code}))


def test_another_person_s_password_doesn_t_open_with_one_s_own_code(
    attack: Attack, alice: tuple[App, list[str]]
) -> None:
    browser = attack.browser()
    page = attack.after_password(browser, "alice")
    form = form_of(page.text, _STEP)
    stranger = attack.browser()
    attack.after_password(stranger, "carol")
    for cookie, value in stranger.cookies.items():
        browser.cookies.set(cookie, value)
    assert browser.post(_STEP, data={**form, "code": alice[1][1]}).status_code == 403


def test_a_form_and_its_code_are_good_once(attack: Attack, alice: tuple[App, list[str]]) -> None:
    browser, code = attack.browser(), alice[0].code()
    page = attack.after_password(browser, "alice")
    back = step(browser, page, code=code)
    tokens = redeem(browser, attack.ask, query_of(back)["code"], attack.ask.verifier).json()
    assert session(browser, tokens["access_token"]) == 200
    assert step(browser, page, code=alice[1][2]).status_code == 403
    other = attack.browser()
    assert step(other, attack.after_password(other, "alice"), code=code).status_code == 403


def test_a_recovery_code_is_good_once(attack: Attack, alice: tuple[App, list[str]]) -> None:
    for status in (303, 403):
        browser = attack.browser()
        page = attack.after_password(browser, "alice")
        assert step(browser, page, code=alice[1][3]).status_code == status


def test_guessing_codes_is_slowed_down_and_the_owner_gets_in_from_elsewhere(
    attack: Attack, network: Network
) -> None:
    app, codes = attack.enrol_app("bob")
    thief = network.add_host()  # who has the password
    seen = []
    for guess in ("000000", "bbbbb-bbbbb", "111111", "ccccc-ccccc", "", "222222"):
        browser = attack.browser(thief)
        seen.append(step(browser, attack.after_password(browser, "bob"), code=guess).status_code)
    assert seen == [403] * _GUESSES + [429]
    browser = attack.browser(thief)
    page = attack.after_password(browser, "bob")
    for right in (app.code(), codes[0]):
        assert step(browser, page, code=right).status_code == 429
    owner = attack.browser()
    assert "code" in query_of(step(owner, attack.after_password(owner, "bob"), code=codes[0]))


def test_a_passkey_works_and_one_of_another_origin_doesn_t(named: Attack) -> None:
    origin = named.deployment.origin
    passkey = Authenticator(origin, "localhost")
    named.enrol_passkey("alice", passkey)
    assert "code" in query_of(named.by_passkey(passkey))
    bends: list[dict[str, Any]] = [
        {"origin": "https://evil.test"},
        {"origin": "https://localhost"},
        {"origin": origin.replace("https", "http")},
        {"rp_id": "evil.test"},
        {"verified": False},
    ]
    for bent in bends:
        foreign = Authenticator(**{**vars(passkey), **bent})
        assert named.by_passkey(foreign).status_code == 403


def test_a_passkey_made_for_another_origin_is_not_enrolled(named: Attack) -> None:
    foreign = Authenticator("https://evil.test", "evil.test")
    assert named.enrol_passkey("bob", foreign).status_code == 400
    assert named.by_passkey(foreign).status_code == 403


def test_a_server_without_a_name_offers_no_passkeys_and_says_why(attack: Attack) -> None:
    browser = attack.browser()
    assert not passkey_options(authorize(browser, attack.ask).text)
    page = attack.security(browser, "carol").text
    assert not passkey_options(page)
    assert "reached by its IP address" in page


def test_another_site_can_t_enrol_or_remove_anything(attack: Attack) -> None:
    browser = attack.browser()
    page = attack.security(browser, "carol")
    own = form_of(page.text, f"{_SECURITY}/totp")
    for what in ("totp", "totp/code", "passkey", "recovery-codes", "rename", "remove"):
        path = f"{_SECURITY}/{what}"
        assert browser.post(path, data={"form_token": "0" * 64}).status_code == 403
        for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
            assert browser.post(path, data=own, headers=headers).status_code == 403
    assert "None yet" in browser.get(_SECURITY).text


def test_no_secret_reaches_the_log(
    attack: Attack, alice: tuple[App, list[str]], deployment: Deployment
) -> None:
    said = Path(deployment.log).read_text()
    assert "identity.second_factor_added" in said
    for code in alice[1]:
        assert code not in said
