"""A browser as far as HTTP goes: cookies, redirects by hand, forms as they were served."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pyotp
from starlette.types import ASGIApp

from tests.clients.authenticator import Authenticator
from tests.clients.dpop import KeyHolder, Prover
from tests.clients.oidc import Ask, form_of, hidden_fields, passkey_options, query_of

ORIGIN = "https://uc.vestibule.test:8443"
CALLBACK = f"{ORIGIN}/app/callback"
SCOPE = "openid profile offline_access"


class Browser:
    """One browser profile."""

    def __init__(
        self, app: ASGIApp, address: str, clock: Callable[[], float], key: KeyHolder | None = None
    ) -> None:
        """`key`: another browser's, if this is to have it as well."""
        self.clock = clock
        self.key = key or KeyHolder(Prover(clock=clock))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 50_000)),
            base_url=ORIGIN,
            auth=self.key,
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

    async def api(
        self, method: str, path: str, token: str | None, scheme: str = "DPoP", **more: Any
    ) -> httpx.Response:
        """A call of the API, with a token that is bound to the browser's key, or a bearer token."""
        headers = {"Authorization": f"{scheme} {token}"} if token else {}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)

    # --- second factors ---

    async def second_step(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """Fills in the page after the password."""
        form = {**form_of(page.text, "/identity/second-step"), **typed}
        return await self.http.post("/identity/second-step", data=form)

    async def security(self) -> httpx.Response:
        """One's own second factors."""
        return await self.http.get("/identity/security")

    async def change(self, page: httpx.Response, what: str, **typed: str) -> httpx.Response:
        """Sends one of the forms of the security page; hidden fields as that page has them."""
        path = f"/identity/security/{what}"
        return await self.http.post(path, data={**form_of(page.text, path), **typed})

    async def sign_in_to_security(self, user: str = "alice") -> httpx.Response:
        """Signs in by password, to change second factors."""
        page = await self.security()
        await self.submit(page, username=user, password=f"{user}'s password")
        return await self.security()

    async def enrol_app(self, name: str = "My phone") -> tuple[str, list[str]]:
        """Adds an authenticator app of the person signed in: its secret, and recovery codes."""
        offered = await self.change(await self.security(), "totp")
        secret = re.search(r'id="key">([A-Z2-7 ]+)<', offered.text)
        assert secret, offered.text
        key = secret[1].replace(" ", "")
        code = pyotp.TOTP(key).at(self.clock())
        added = await self.change(offered, "totp/code", code=code, name=name)
        assert added.status_code in (200, 303), added.text
        return key, re.findall(r"<li class=\"example\">([^<]+)</li>", added.text)

    async def enrol_passkey(self, passkey: Authenticator) -> httpx.Response:
        """Adds a passkey of the person signed in."""
        page = await self.security()
        (options,) = passkey_options(page.text)
        return await self.change(page, "passkey", answer=passkey.create(options), name="Key")

    async def sign_in_by_passkey(self, passkey: Authenticator, ask: Ask) -> httpx.Response:
        """No name, no password."""
        page = await self.authorize(ask)
        (options,) = passkey_options(page.text)
        form = {**form_of(page.text, "/identity/passkey"), "answer": passkey.get(options)}
        return await self.http.post("/identity/passkey", data=form)
