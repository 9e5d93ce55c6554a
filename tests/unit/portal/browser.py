"""A browser as far as HTTP goes: cookies, redirects by hand, forms as they were served."""

from typing import Any

import httpx
from starlette.types import ASGIApp

from tests.clients.oidc import Ask, hidden_fields, query_of

ORIGIN = "https://uc.vestibule.test:8443"
CALLBACK = f"{ORIGIN}/app/callback"
SCOPE = "openid profile offline_access"


class Browser:
    """One browser profile."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 50_000)), base_url=ORIGIN
        )

    async def close(self) -> None:
        """Closes it."""
        await self.http.aclose()

    async def authorize(self, ask: Ask) -> httpx.Response:
        """The web client sends the browser to the provider."""
        return await self.http.get("/identity/authorize", params=ask.parameters)

    async def submit(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """Fills in the form of the page and sends it."""
        form = {**hidden_fields(page.text), **typed}
        return await self.http.post("/identity/sign-in", data=form)

    async def sign_in(
        self, ask: Ask, user: str = "alice", password: str = "alice's password"
    ) -> httpx.Response:
        """The whole way over the page; the answer should lead back to the client."""
        page = await self.authorize(ask)
        assert page.status_code == 200, page.text
        return await self.submit(page, username=user, password=password)

    async def token(self, **form: str) -> httpx.Response:
        """A request to the token endpoint."""
        return await self.http.post("/identity/token", data={"client_id": "vestibule-web", **form})

    async def redeem(self, ask: Ask, code: str, /, **changed: str) -> httpx.Response:
        """Changes a code into tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": ask.verifier,
        }
        return await self.token(**{**form, **changed})

    async def refresh(self, refresh_token: str) -> httpx.Response:
        """Changes a refresh token into new tokens."""
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token)

    async def tokens(self, user: str = "alice") -> dict[str, Any]:
        """Signs in and returns the token endpoint's answer."""
        ask = Ask()
        back = await self.sign_in(ask, user, f"{user}'s password")
        answer = await self.redeem(ask, query_of(back)["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def api(self, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
        """A call of the API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)
