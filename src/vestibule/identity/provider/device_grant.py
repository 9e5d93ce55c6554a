"""The device authorization grant (RFC 8628), for clients that can't show a sign-in page."""

import re
import secrets
from typing import Any, Protocol

from authlib.oauth2.rfc6749 import InvalidGrantError, OAuth2Error, UnauthorizedClientError
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
)

from vestibule.directory.model import Person
from vestibule.identity.provider.device_codes import (
    DEVICE_CODE_SECONDS,
    INTERVAL_SECONDS,
    Polled,
    State,
)
from vestibule.identity.provider.messages import OAuthRequest
from vestibule.identity.provider.records import Grant

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of user codes (RFC 8628 section 6.1): no vowels, so no words; no digits to take for letters."""

USER_CODE_LETTERS = 8
"""20^8 codes: within the limits for typing them, nobody finds one that somebody waits with."""

_APART = re.compile(r"[\s\-]")
_CODE = re.compile(f"[{LETTERS}]{{{USER_CODE_LETTERS}}}")

__all__ = ["DEVICE_CODE_GRANT_TYPE", "DeviceAuthorization", "DeviceGrant", "user_code_in"]


class Backing(Protocol):
    """What the grant needs of the server; called from Authlib's worker thread."""

    def keep_device_code(self, device_code: str, user_code: str, request: OAuthRequest) -> None:
        """Stores a device's request. Raises OAuth2Error."""

    def poll_device_code(self, device_code: str, request: OAuthRequest) -> Polled | None:
        """What has become of it."""

    def person_of(self, grant: Grant) -> Person | None:
        """The grant's person, unless gone or disabled."""

    def tokens_for(
        self, grant: Grant, person: Person, scope: str, request: OAuthRequest
    ) -> dict[str, Any]:
        """The token answer."""


class NotNow(OAuth2Error):
    """Too many devices wait, or too many were begun from one address."""

    error = "temporarily_unavailable"
    status_code = 429


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """Where a device begins (section 3.1)."""

    CLIENT_AUTH_METHODS = ("none",)
    EXPIRES_IN = DEVICE_CODE_SECONDS
    INTERVAL = INTERVAL_SECONDS
    server: Backing

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def create_endpoint_response(
        self, request: OAuthRequest
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The two codes. There is no address that has the code in it: who is sent a link by somebody
        else should have to look at what they type.
        """
        device_code, user_code = secrets.token_urlsafe(32), new_user_code()
        client = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE_GRANT_TYPE):
            raise UnauthorizedClientError
        self.server.validate_requested_scope(request.payload.scope)  # type: ignore[attr-defined]
        self.server.keep_device_code(device_code, user_code, request)
        half = USER_CODE_LETTERS // 2
        answer = {
            "device_code": device_code,
            "user_code": f"{user_code[:half]}-{user_code[half:]}",
            "verification_uri": f"{self._issuer}/device",
            "expires_in": self.EXPIRES_IN,
            "interval": self.INTERVAL,
        }
        return 200, answer, [("Cache-Control", "no-store")]


class DeviceGrant(DeviceCodeGrant):
    """Where a device asks whether it may (sections 3.4 and 3.5)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    server: Backing
    request: OAuthRequest
    _polled: Polled

    def query_device_credential(self, device_code: str) -> Polled:
        """What has become of the request; once approved, it is used up by this."""
        client = self.authenticate_token_endpoint_client()
        self.request.client = client
        polled = self.server.poll_device_code(device_code, self.request)
        if polled is None:
            raise InvalidGrantError
        self._polled = polled
        return polled

    def query_user_grant(self, user_code: str) -> tuple[Person | None, bool] | None:
        """What the person said, if anything."""
        if self._polled.state is State.DENIED:
            return None, False
        if self._polled.grant is None:
            return None
        person = self.server.person_of(self._polled.grant)
        return person, person is not None

    def should_slow_down(self, credential: Polled) -> bool:
        """Whether the device asks too often."""
        return credential.state is State.TOO_SOON

    def generate_token(self, user: Person, scope: str, **_: object) -> dict[str, Any]:
        """The answer's tokens."""
        grant = self.request.credential.grant
        return self.server.tokens_for(grant, user, scope, self.request)


def new_user_code() -> str:
    """A code to type."""
    return "".join(secrets.choice(LETTERS) for _ in range(USER_CODE_LETTERS))


def user_code_in(typed: str) -> str | None:
    """The code that somebody typed, with or without hyphen, in any case; None if it can't be one."""
    code = _APART.sub("", typed[:64]).upper()
    return code if _CODE.fullmatch(code) else None
