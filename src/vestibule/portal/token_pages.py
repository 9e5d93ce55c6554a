"""/identity/tokens: a person's own tokens for scripts, and the devices that act as them."""

import time

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName
from vestibule.identity.personal_tokens import SCOPES, PersonalTokenRefused
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import form_fields
from vestibule.portal.pages import Pages
from vestibule.portal.security_pages import FRESH_SECONDS
from vestibule.portal.sign_in_flow import TO_TOKENS, SignInFlow

_PATH = "/identity/tokens"
_SIGN_IN_FIRST = "To make a token, please sign in again first."


class TokenPages:
    """Personal tokens and devices of whoever is signed in."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route(_PATH, self.overview, methods=["GET"])
        routes.add_api_route(_PATH, self.create, methods=["POST"])
        routes.add_api_route(f"{_PATH}/revoke", self.revoke, methods=["POST"])
        routes.add_api_route(f"{_PATH}/end", self.end, methods=["POST"])
        return routes

    async def overview(self, request: Request) -> Response:
        """What there is."""
        known = await self._flow.signed_in_to(request, TO_TOKENS)
        return known if isinstance(known, Response) else await self._overview(request, known[0])

    async def create(self, request: Request) -> Response:
        """A new token, shown on this one page."""
        form = await form_fields(request)
        known = await self._flow.changing(request, dict(form), TO_TOKENS)
        if isinstance(known, Response):
            return known
        person, session = known
        if self._deps.clock() - session.auth_time > FRESH_SECONDS:
            return self._flow.sign_in_form(request, TO_TOKENS, "", _SIGN_IN_FIRST, 403)
        said, scopes = dict(form), [value for name, value in form if name == "scope"]
        days = said.get("days", "")
        try:
            number = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
            secret = await self._deps.personal_tokens.create(
                person, session, said.get("name", ""), scopes, number
            )
        except (PersonalTokenRefused, UnfitName) as refused:
            return await self._overview(request, person, str(refused), 400)
        return self._pages.render("new_token.html", secret=secret)

    async def revoke(self, request: Request) -> Response:
        """Ends a token."""
        form = await form_fields(request)
        known = await self._flow.changing(request, dict(form), TO_TOKENS)
        if isinstance(known, Response):
            return known
        await self._deps.personal_tokens.revoke(known[0], dict(form).get("id", ""))
        return RedirectResponse(_PATH, 303)

    async def end(self, request: Request) -> Response:
        """Signs a device out."""
        form = await form_fields(request)
        known = await self._flow.changing(request, dict(form), TO_TOKENS)
        if isinstance(known, Response):
            return known
        await self._deps.provider.end_device(known[0], dict(form).get("id", ""))
        return RedirectResponse(_PATH, 303)

    # --- inside ---

    async def _overview(
        self, request: Request, person: Person, error: str | None = None, status: int = 200
    ) -> Response:
        form = self._flow.forms.serve(request)
        response = self._pages.render(
            "tokens.html", status,
            form_token=form.token, person=person, error=error, scopes=SCOPES, day=_day,
            most_days=self._deps.personal_tokens.most_days(person),
            tokens=await self._deps.personal_tokens.list_of(person),
            devices=await self._deps.provider.devices_of(person),
        )  # fmt: skip
        form.attach(response)
        return response


def _day(seconds: float) -> str:
    return time.strftime("%d %B %Y", time.gmtime(seconds)).lstrip("0")
