"""What the web client says to the provider, made by hand so that a test can bend it."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import WITHOUT_PROOF, KeyHolder, with_token

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_PAGE = "/identity/device"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of RFC 7636."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Ask:
    """An authorization request of the web client; change `extra` to attack it."""

    origin: str = "https://uc.vestibule.test:8443"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    extra: dict[str, str | None] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """The query."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "vestibule-web",
            "redirect_uri": f"{self.origin}/app/callback",
            "scope": "openid profile offline_access",
            "state": "back to work",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **self.extra,
        }
        return {name: value for name, value in asked.items() if value is not None}


def query_of(response: httpx.Response) -> dict[str, str]:
    """The query of where a redirect leads."""
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def hidden_fields(page: str) -> dict[str, str]:
    """What a form of ours sends besides what people type."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def passkey_options(page: str) -> list[str]:
    """What a page of ours asks of passkeys, as JSON."""
    return [unescape(one) for one in re.findall(r'data-options="([^"]*)"', page)]


def challenges_in(page: str) -> list[str]:
    """What passkeys are asked to sign on a page of ours."""
    return [json.loads(one)["challenge"] for one in passkey_options(page)]


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of that one form of the page."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', page, re.S)
    assert found, f"no form for {action}"
    return hidden_fields(found[0])


def authorize(browser: httpx.Client, ask: Ask) -> httpx.Response:
    """Ask, as a browser would follow the client there."""
    return browser.get("/identity/authorize", params=ask.parameters)


def sign_in(browser: httpx.Client, ask: Ask, user: str, password: str) -> httpx.Response:
    """Fill in the form that asking led to."""
    fields = hidden_fields(authorize(browser, ask).text)
    form = {**fields, "username": user, "password": password}
    return browser.post("/identity/sign-in", data=form)


def hold_a_key(browser: httpx.Client) -> KeyHolder:
    """A browser that has no key yet makes one, and proves it from now on where that is due.

    Another browser that is to have the key, too, is given it as `auth`.
    """
    if isinstance(browser.auth, KeyHolder):
        return browser.auth
    browser.auth = key = KeyHolder()
    return key


def redeem(browser: httpx.Client, ask: Ask, code: str, verifier: str) -> httpx.Response:
    """Exchange a code."""
    hold_a_key(browser)
    form = {
        "grant_type": "authorization_code",
        "client_id": "vestibule-web",
        "redirect_uri": ask.parameters["redirect_uri"],
        "code": code,
        "code_verifier": verifier,
    }
    return browser.post("/identity/token", data=form)


def refresh(browser: httpx.Client, token: str) -> httpx.Response:
    """Exchange a refresh token."""
    hold_a_key(browser)
    form = {"grant_type": "refresh_token", "client_id": "vestibule-web", "refresh_token": token}
    return browser.post("/identity/token", data=form)


def session(browser: httpx.Client, token: str) -> int:
    """The status of the API's answer to who the token is."""
    hold_a_key(browser)
    return browser.get("/api/v1/session", headers=with_token(token)).status_code


def tokens(browser: httpx.Client, deployment: Deployment, name: str = "alice") -> dict[str, Any]:
    """Somebody signs in as they should, and it works."""
    ask = Ask(deployment.origin)
    back = sign_in(browser, ask, name, deployment.user(name).password)
    answer = redeem(browser, ask, query_of(back)["code"], ask.verifier)
    assert answer.status_code == 200, answer.text
    bought: dict[str, Any] = answer.json()
    assert session(browser, bought["access_token"]) == 200
    return bought


def decide(
    browser: httpx.Client,
    deployment: Deployment,
    code: str,
    name: str = "alice",
    say: str = "allow",
) -> None:
    """Somebody types a device's code and says yes or no; signs in if need be. The policy must let devices in."""
    page = browser.get(DEVICE_PAGE)
    if "/identity/sign-in" in page.text:
        typed = {"username": name, "password": deployment.user(name).password}
        browser.post("/identity/sign-in", data={**hidden_fields(page.text), **typed})

    def asked() -> httpx.Response | None:  # once the new policy has reached the server
        form = form_of(browser.get(DEVICE_PAGE).text, DEVICE_PAGE)
        answer = browser.post(DEVICE_PAGE, data={**form, "user_code": code})
        return answer if answer.is_success else None

    page = eventually(asked, "the question whether to let the device in", 10.0)
    form = {**form_of(page.text, f"{DEVICE_PAGE}/consent"), "decision": say}
    assert browser.post(f"{DEVICE_PAGE}/consent", data=form).is_success


def device_tokens(
    browser: httpx.Client, deployment: Deployment, name: str = "alice"
) -> dict[str, Any]:
    """Tokens of a phone, let in by somebody at that browser: bearer tokens, as those of the web client never are."""
    deployment.vestibule("policy", "set", "--device-sign-in")
    asked = {"client_id": "vestibule-phone", "scope": "openid profile offline_access"}
    begun = browser.post("/identity/device-authorization", data=asked, auth=WITHOUT_PROOF).json()
    decide(browser, deployment, begun["user_code"], name)
    form = {"client_id": "vestibule-phone", "grant_type": DEVICE_GRANT}
    answer = browser.post(
        "/identity/token", data={**form, "device_code": begun["device_code"]}, auth=WITHOUT_PROOF
    )
    assert answer.json()["token_type"] == "Bearer", answer.text
    bought: dict[str, Any] = answer.json()
    return bought
