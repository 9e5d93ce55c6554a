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

from tests.clients.deployment import Deployment


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


def redeem(browser: httpx.Client, ask: Ask, code: str, verifier: str) -> httpx.Response:
    """Exchange a code."""
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
    form = {"grant_type": "refresh_token", "client_id": "vestibule-web", "refresh_token": token}
    return browser.post("/identity/token", data=form)


def session(browser: httpx.Client, token: str) -> int:
    """The status of the API's answer to who the token is."""
    headers = {"Authorization": f"Bearer {token}"}
    return browser.get("/api/v1/session", headers=headers).status_code


def tokens(browser: httpx.Client, deployment: Deployment, name: str = "alice") -> dict[str, Any]:
    """Somebody signs in as they should, and it works."""
    ask = Ask(deployment.origin)
    back = sign_in(browser, ask, name, deployment.user(name).password)
    answer = redeem(browser, ask, query_of(back)["code"], ask.verifier)
    assert answer.status_code == 200, answer.text
    bought: dict[str, Any] = answer.json()
    assert session(browser, bought["access_token"]) == 200
    return bought
