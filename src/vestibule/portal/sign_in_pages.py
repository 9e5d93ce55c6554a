"""The provider's endpoints that people see: signing in and out.

The authorization request travels through the sign-in form as a hidden field and is checked anew
each time, so nothing is kept for people who haven't proven anything.
"""

import math
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.identity.provider.messages import Parameters
from vestibule.identity.provider.provider import Redirect, RequestRefused, SignInWanted
from vestibule.identity.provider.records import Session
from vestibule.identity.sign_in import Attempt, SignedIn, SignInRefused, account_of
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import fields_of, form_fields
from vestibule.portal.form_guard import FIELD, FormGuard
from vestibule.portal.pages import Pages

SESSION_COOKIE = "__Host-vestibule-session"
DEVICE_COOKIE = "__Host-vestibule-device"
_DEVICE_SECONDS = 180 * 86_400

_REFUSED = "That user name and password don't go together. Please check both and try again."
_STALE = "This page was open for too long, or cookies are blocked. Please try again."


class SignInPages:
    """Sign-in and sign-out pages of one deployment."""

    def __init__(self, deps: PortalDependencies, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self._forms = FormGuard(deps.origin)

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/authorize", self.authorize, methods=["GET"])
        routes.add_api_route("/identity/authorize", self.authorize_by_form, methods=["POST"])
        routes.add_api_route("/identity/sign-in", self.front_door, methods=["GET"])
        routes.add_api_route("/identity/sign-in", self.sign_in, methods=["POST"])
        routes.add_api_route("/identity/end-session", self.end_session, methods=["GET"])
        routes.add_api_route("/identity/end-session", self.end_session_by_form, methods=["POST"])
        routes.add_api_route("/identity/signed-out", self.signed_out, methods=["GET"])
        return routes

    # --- signing in ---

    async def authorize(self, request: Request) -> Response:
        """The authorization endpoint: back to the client, or first to the sign-in page."""
        return await self._authorize(request, fields_of(request.url.query))

    async def authorize_by_form(self, request: Request) -> Response:
        """The same by POST, as OpenID Connect Core section 3.1.2.1 has it."""
        return await self._authorize(request, await form_fields(request))

    async def front_door(self) -> Response:
        """A bookmarked sign-in page: the web client knows how to begin."""
        return RedirectResponse(f"{self._deps.origin}/", 303)

    async def sign_in(self, request: Request) -> Response:
        """The sign-in form."""
        form = dict(await form_fields(request))
        asked = fields_of(form.get("request", ""))
        name = form.get("username", "")
        if not self._forms.is_ours(request, form.get(FIELD, "")):
            return self._form(request, asked, name, _STALE, 403)
        try:
            # A request that would be refused costs nobody a password check.
            if isinstance(await self._deps.provider.authorize(asked, None), Redirect):
                return self._pages.error(400)
            signed_in = await self._deps.sign_in(
                Attempt(
                    account=account_of(name, self._deps.domain),
                    password=form.get("password", ""),
                    address=request.client.host if request.client else "",
                    device_cookie=request.cookies.get(DEVICE_COOKIE),
                )
            )
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        except SignInRefused:
            return self._form(request, asked, name, _REFUSED, 403)
        except TooManyTries as many:
            return self._too_many(request, asked, name, many.retry_after)
        return await self._signed_in(request, asked, signed_in)

    async def _authorize(self, request: Request, asked: Parameters) -> Response:
        session = await self._session(request)
        try:
            outcome = await self._deps.provider.authorize(asked, session)
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        if isinstance(outcome, SignInWanted):
            return self._form(request, asked, outcome.login_hint)
        return RedirectResponse(outcome.location, 303)

    async def _signed_in(
        self, request: Request, asked: Parameters, signed_in: SignedIn
    ) -> Response:
        provider = self._deps.provider
        before = await self._session(request)
        if before is not None:  # somebody signs in over somebody: never two in one browser
            await provider.end_session(before)
        secret, session = await provider.begin_session(signed_in.person, signed_in.methods)
        outcome = await provider.authorize(asked, session, fresh=True)
        if not isinstance(outcome, Redirect):
            return self._pages.error(400)
        response = RedirectResponse(outcome.location, 303)
        response.set_cookie(
            SESSION_COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax"
        )
        response.set_cookie(
            DEVICE_COOKIE,
            self._deps.device_cookies.issue(signed_in.person.aor),
            path="/",
            max_age=_DEVICE_SECONDS,
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return response

    def _form(
        self,
        request: Request,
        asked: Parameters,
        name: str,
        error: str | None = None,
        status: int = 200,
    ) -> Response:
        form = self._forms.serve(request)
        response = self._pages.render(
            "sign_in.html",
            status,
            request_text=urlencode(asked),
            form_token=form.token,
            name=name[:320],
            domain=self._deps.domain,
            error=error,
        )
        form.attach(response)
        return response

    def _too_many(
        self, request: Request, asked: Parameters, name: str, retry_after: int
    ) -> Response:
        minutes = math.ceil(retry_after / 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        text = f"Too many tries. Please wait {wait} and try again."
        response = self._form(request, asked, name, text, 429)
        response.headers["Retry-After"] = str(retry_after)
        return response

    # --- signing out ---

    async def end_session(self, request: Request) -> Response:
        """RP-initiated logout: at once if the client proves itself, else the person is asked."""
        return await self._end_session(request, fields_of(request.url.query), confirmed=False)

    async def end_session_by_form(self, request: Request) -> Response:
        """The same by POST, and our own question's answer."""
        fields = await form_fields(request)
        token = dict(fields).get(FIELD, "")
        confirmed = bool(token) and self._forms.is_ours(request, token)
        return await self._end_session(
            request, [field for field in fields if field[0] != FIELD], confirmed=confirmed
        )

    async def signed_out(self) -> Response:
        """Where one arrives after signing out."""
        return self._pages.render(
            "message.html",
            title="You are signed out",
            text="Close this window if others use this computer.",
            link=("/", "Sign in again"),
            alert=False,
        )

    async def _end_session(
        self, request: Request, asked: Parameters, *, confirmed: bool
    ) -> Response:
        try:
            wish = self._deps.provider.sign_out(asked)
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        session = await self._session(request)
        by_client = wish.confirmed and session and wish.person_id == session.person_id
        if session and not (confirmed or by_client):
            return self._question(request, session)
        if session:
            await self._deps.provider.end_session(session)
        response = RedirectResponse(
            wish.location or f"{self._deps.origin}/identity/signed-out", 303
        )
        response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True)
        return response

    def _question(self, request: Request, session: Session) -> Response:
        person = self._deps.provider.person_of(session)
        form = self._forms.serve(request)
        response = self._pages.render(
            "sign_out.html",
            form_token=form.token,
            name=person.display_name if person else "",
        )
        form.attach(response)
        return response

    async def _session(self, request: Request) -> Session | None:
        return await self._deps.provider.session(request.cookies.get(SESSION_COOKIE))
