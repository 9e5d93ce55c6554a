"""The provider's endpoints where people sign in: by password, or by a passkey alone."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.identity.provider.messages import Parameters
from vestibule.identity.provider.provider import RequestRefused
from vestibule.identity.sign_in import Attempt, SignInRefused, account_of
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.identity.tickets import Purpose
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import fields_of, form_fields
from vestibule.portal.form_guard import FIELD
from vestibule.portal.pages import Pages
from vestibule.portal.sign_in_flow import DEVICE_COOKIE, STALE, SignInFlow, too_many

_REFUSED = "That user name and password don't go together. Please check both and try again."
_NO_PASSKEY = "That passkey isn't known here. Please use another one, or your password."


class SignInPages:
    """The first step of signing in."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/authorize", self.authorize, methods=["GET"])
        routes.add_api_route("/identity/authorize", self.authorize_by_form, methods=["POST"])
        routes.add_api_route("/identity/sign-in", self.front_door, methods=["GET"])
        routes.add_api_route("/identity/sign-in", self.sign_in, methods=["POST"])
        routes.add_api_route("/identity/passkey", self.front_door, methods=["GET"])
        routes.add_api_route("/identity/passkey", self.by_passkey, methods=["POST"])
        return routes

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
        if not self._flow.forms.is_ours(request, form.get(FIELD, "")):
            return self._flow.sign_in_form(request, asked, name, STALE, 403)
        try:
            if not await self._flow.leads_somewhere(request, asked):
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
            return self._flow.sign_in_form(request, asked, name, _REFUSED, 403)
        except TooManyTries as many:
            return self._too_many(request, asked, name, many.retry_after)
        return await self._flow.proven(request, asked, signed_in)

    async def by_passkey(self, request: Request) -> Response:
        """The passkey form: no name, no password."""
        form = dict(await form_fields(request))
        asked = fields_of(form.get("request", ""))
        forms, tickets = self._flow.forms, self._deps.tickets
        ticket = tickets.read(
            Purpose.PASSKEY_SIGN_IN, forms.browser(request), form.get("ticket", "")
        )
        if ticket is None or not forms.is_ours(request, form.get(FIELD, "")):
            return self._flow.sign_in_form(request, asked, "", STALE, 403)
        try:
            if not await self._flow.leads_somewhere(request, asked):
                return self._pages.error(400)
            signed_in = await self._deps.second_step.by_passkey(
                form.get("answer", ""),
                ticket.challenge,
                request.client.host if request.client else "",
            )
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        except SignInRefused:
            return self._flow.sign_in_form(request, asked, "", _NO_PASSKEY, 403)
        except TooManyTries as many:
            return self._too_many(request, asked, "", many.retry_after)
        if not await tickets.spend(ticket):
            return self._flow.sign_in_form(request, asked, "", STALE, 403)
        return await self._flow.proven(request, asked, signed_in)

    async def _authorize(self, request: Request, asked: Parameters) -> Response:
        return await self._flow.resume(request, asked, await self._flow.session(request))

    def _too_many(
        self, request: Request, asked: Parameters, name: str, retry_after: int
    ) -> Response:
        response = self._flow.sign_in_form(request, asked, name, too_many(retry_after), 429)
        response.headers["Retry-After"] = str(retry_after)
        return response
