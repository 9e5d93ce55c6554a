"""A passkey in a real browser, with a virtual authenticator: enrolled, then used alone (I3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, Playwright, expect

from tests.clients.audio import melody, write_wav
from tests.clients.chromium import Chromium
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network

_PATIENCE = 20_000  # milliseconds


@pytest.fixture
def deployment(network: Network, tmp_path: Path) -> Iterator[Deployment]:
    """A demo with a name, which passkeys need."""
    with Deployment(network.server, tmp_path / "demo", address="localhost") as deployment:
        yield deployment


@pytest.fixture
def browser(
    network: Network, deployment: Deployment, playwright: Playwright, tmp_path: Path
) -> Iterator[Chromium]:
    """Chromium on the server's own machine."""
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, melody(1, 1.0))
    with Chromium(
        playwright, network.server, tmp_path / "browser",
        authority=deployment.authority, microphone=microphone,
    ) as browser:  # fmt: skip
        yield browser


class VirtualKey:
    """The authenticator of a page's browser: internal, with a finger on it."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = added["authenticatorId"]

    def recognises_nobody(self) -> None:
        """A wrong finger from now on."""
        said = {"authenticatorId": self._id, "isUserVerified": False}
        self._session.send("WebAuthn.setUserVerified", said)


def complaints(page: Page) -> list[str]:
    """What the browser complains of from now on: blocked scripts, errors."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def enrol(page: Page, deployment: Deployment) -> None:
    """Alice signs in by password and adds a passkey."""
    page.goto(f"{deployment.origin}/identity/security")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password", exact=True).fill(deployment.user("alice").password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("What to call it").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_role("listitem")).to_have_count(10)
    page.get_by_role("link", name="I have written them down").click()
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()


def to_sign_in(page: Page, deployment: Deployment) -> None:
    """Nobody is signed in; the front page leads to the sign-in page."""
    page.context.clear_cookies()
    page.goto(f"{deployment.origin}/")
    page.get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_label("User name")).to_be_visible(timeout=_PATIENCE)


def test_a_passkey_is_enrolled_and_signs_in_alone(
    browser: Chromium, deployment: Deployment
) -> None:
    page = browser.page()
    heard = complaints(page)
    VirtualKey(page)
    enrol(page, deployment)
    to_sign_in(page, deployment)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_test_id("meet-now")).to_be_visible(timeout=_PATIENCE)
    assert not [line for line in heard if "Content Security Policy" in line or "Trusted" in line]


def test_a_passkey_is_the_second_step_after_the_password(
    browser: Chromium, deployment: Deployment
) -> None:
    page = browser.page()
    VirtualKey(page)
    enrol(page, deployment)
    to_sign_in(page, deployment)
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password", exact=True).fill(deployment.user("alice").password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_test_id("meet-now")).to_be_visible(timeout=_PATIENCE)


def test_who_isn_t_recognised_is_told_and_stays_outside(
    browser: Chromium, deployment: Deployment
) -> None:
    page = browser.page()
    key = VirtualKey(page)
    enrol(page, deployment)
    key.recognises_nobody()
    to_sign_in(page, deployment)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used", timeout=_PATIENCE)
    expect(page.get_by_label("User name")).to_be_visible()
