"""What the web client says to the provider, made by hand so that a test can bend it."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx


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
