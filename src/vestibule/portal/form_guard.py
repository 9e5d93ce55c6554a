"""Our forms are answered only if we served them to this browser (ATTACKS 17).

A random cookie that scripts can't read and other sites can't send (`__Host-`, `SameSite=Strict`),
and in the form a token derived from it. Neither can be had or set from another origin.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "__Host-vestibule-form"
FIELD = "form_token"
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Form:
    """A form about to be served: put `token` in it and `attach` it to the response."""

    value: str

    @property
    def token(self) -> str:
        """What the form's hidden field holds."""
        return hmac.new(self.value.encode(), b"vestibule form", hashlib.sha256).hexdigest()

    def attach(self, response: Response) -> None:
        """Gives the browser the cookie that belongs to the token."""
        response.set_cookie(
            COOKIE, self.value, path="/", secure=True, httponly=True, samesite="strict"
        )


class FormGuard:
    """Serves and checks forms of one origin."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def serve(self, request: Request) -> Form:
        """A form for this browser; its other tabs keep working."""
        return Form(self.browser(request) or secrets.token_urlsafe(32))

    def browser(self, request: Request) -> str:
        """What tells this browser from others: its cookie; empty if it has none."""
        value = request.cookies.get(COOKIE, "")
        return value if _VALUE.fullmatch(value) else ""

    def is_ours(self, request: Request, token: str) -> bool:
        """Whether a form came back from a page of ours in this very browser."""
        # Under `Referrer-Policy: no-referrer` browsers send the Origin of our own forms as "null".
        origin = request.headers.get("origin", "null")
        if origin not in {"null", self._origin}:
            return False
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        value = self.browser(request)
        if not value:
            return False
        return hmac.compare_digest(Form(value).token.encode(), token.encode())
