"""/identity/device: somebody types the code that a device shows, sees what it is, and says yes or no.

Whoever is made to type a stranger's code gives the stranger their account (RFC 8628 section 5.4). So
the code must be typed, the page says where the device is, and the organisation must allow all this.
"""

import math

from fastapi import APIRouter, Request, Response

from vestibule.directory.model import Person
from vestibule.identity.provider.device_codes import Waiting
from vestibule.identity.provider.device_sign_in import DeviceSignInRefused
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.identity.tickets import Purpose
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import form_fields
from vestibule.portal.pages import Pages
from vestibule.portal.sign_in_flow import STALE, TO_DEVICE, SignInFlow, too_many

_GONE = "That device doesn't wait any more. Begin again on the device."


class DevicePages:
    """The pages for signing in a device."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/device", self.enter, methods=["GET"])
        routes.add_api_route("/identity/device", self.look_up, methods=["POST"])
        routes.add_api_route("/identity/device/consent", self.decide, methods=["POST"])
        return routes

    async def enter(self, request: Request) -> Response:
        """Where a code is typed."""
        known = await self._flow.signed_in_to(request, TO_DEVICE)
        return known if isinstance(known, Response) else self._code_form(request)

    async def look_up(self, request: Request) -> Response:
        """The code that was typed."""
        form = dict(await form_fields(request))
        known = await self._flow.changing(request, form, TO_DEVICE)
        if isinstance(known, Response):
            return known
        person, _ = known
        address = connection_of(request).address
        try:
            code, waiting = await self._deps.device_sign_in.find(
                person, address, form.get("user_code", "")
            )
        except DeviceSignInRefused as refused:
            return self._code_form(request, str(refused), 403)
        except TooManyTries as many:
            response = self._code_form(request, too_many(many.retry_after), 429)
            response.headers["Retry-After"] = str(many.retry_after)
            return response
        return self._consent_form(request, person, code, waiting)

    async def decide(self, request: Request) -> Response:
        """Yes or no."""
        form = dict(await form_fields(request))
        known = await self._flow.changing(request, form, TO_DEVICE)
        if isinstance(known, Response):
            return known
        person, session = known
        browser = self._flow.forms.browser(request)
        ticket = self._deps.tickets.read(Purpose.DEVICE_CONSENT, browser, form.get("ticket", ""))
        if ticket is None or ticket.person_id != person.id:
            return self._pages.error(403, STALE)
        allow, address = form.get("decision") == "allow", connection_of(request).address
        done = await self._deps.device_sign_in.decide(
            person, session, ticket.content, address, allow=allow
        )
        if not done:
            return self._code_form(request, _GONE, 403)
        return self._said(allow=allow)

    # --- inside ---

    def _code_form(self, request: Request, error: str | None = None, status: int = 200) -> Response:
        form = self._flow.forms.serve(request)
        response = self._pages.render(
            "device_code.html", status, form_token=form.token, error=error
        )
        form.attach(response)
        return response

    def _consent_form(
        self, request: Request, person: Person, code: str, waiting: Waiting
    ) -> Response:
        form = self._flow.forms.serve(request)
        ticket = self._deps.tickets.issue(
            Purpose.DEVICE_CONSENT, form.value, person_id=person.id, content=code
        )
        here = connection_of(request).address == waiting.address
        minutes = math.ceil((self._deps.clock() - waiting.asked_at) / 60)
        response = self._pages.render(
            "device_consent.html",
            form_token=form.token,
            ticket=ticket.text,
            person=person,
            client=self._deps.device_sign_in.client_of(waiting).name,
            scopes=waiting.scope.split(),
            address=waiting.address,
            here=here,
            minutes=max(1, minutes),
        )
        form.attach(response)
        return response

    def _said(self, *, allow: bool) -> Response:
        title = "The device is signed in" if allow else "The device is not signed in"
        text = (
            "Go on there. You can close this page."
            if allow
            else "It has been told no. If you didn't begin this yourself, tell whoever runs this server."
        )
        return self._pages.render(
            "message.html", title=title, text=text, link=("/", "Go to Vestibule"), alert=False
        )
