"""The second step of signing in: a code from an app, a recovery code, or a passkey."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.directory.model import Person
from vestibule.identity.provider.messages import Parameters
from vestibule.identity.second_factors.second_step import Guess
from vestibule.identity.sign_in import SignedIn, SignInRefused
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.identity.tickets import Purpose, Ticket
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import fields_of, form_fields
from vestibule.portal.form_guard import FIELD
from vestibule.portal.sign_in_flow import DEVICE_COOKIE, STALE, Shown, SignInFlow, too_many

_REFUSED = "That isn't right. Each code is good once: wait for the next one, and check your device's clock."


@dataclass(frozen=True, slots=True)
class _Step:
    """A second step that may be tried: whose, for which request, what was typed."""

    person: Person
    ticket: Ticket
    asked: Parameters
    form: dict[str, str]


class SecondStepPages:
    """The page after the password."""

    def __init__(self, deps: PortalDependencies, flow: SignInFlow) -> None:
        self._deps = deps
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/second-step", self.front_door, methods=["GET"])
        routes.add_api_route("/identity/second-step", self.second_step, methods=["POST"])
        return routes

    async def front_door(self) -> Response:
        """A bookmarked page: signing in begins at the beginning."""
        return RedirectResponse(f"{self._deps.origin}/", 303)

    async def second_step(self, request: Request) -> Response:
        """The code or the passkey."""
        form = dict(await form_fields(request))
        asked = fields_of(form.get("request", ""))
        step = await self._step(request, form, asked)
        if step is None:
            return self._flow.sign_in_form(request, asked, "", STALE, 403)
        try:
            methods = await self._shown(request, step)
        except SignInRefused:
            return await self._flow.second_step_form(request, asked, step.ticket, _REFUSED, 403)
        except TooManyTries as many:
            text = too_many(many.retry_after)
            response = await self._flow.second_step_form(request, asked, step.ticket, text, 429)
            response.headers["Retry-After"] = str(many.retry_after)
            return response
        if not await self._deps.tickets.spend(step.ticket):
            return self._flow.sign_in_form(request, asked, "", STALE, 403)
        before = Shown.of(step.ticket)
        signed_in = SignedIn(step.person, tuple(dict.fromkeys((*before.methods, *methods))))
        return await self._flow.completed(request, asked, signed_in, auth_time=before.auth_time)

    async def _step(
        self, request: Request, form: dict[str, str], asked: Parameters
    ) -> _Step | None:
        """The step, if the form is ours and the ticket in it good for this browser and person."""
        if not self._flow.forms.is_ours(request, form.get(FIELD, "")):
            return None
        ticket = self._ticket(request, form.get("ticket", ""))
        person = self._deps.people.person_by_id(ticket.person_id) if ticket else None
        if ticket is None or person is None or not person.enabled:
            return None
        if ticket.purpose is Purpose.STEP_UP:
            session = await self._flow.session(request)
            if session is None or session.person_id != person.id:
                return None  # signed out meanwhile
        return _Step(person, ticket, asked, form)

    def _ticket(self, request: Request, text: str) -> Ticket | None:
        browser = self._flow.forms.browser(request)
        read = self._deps.tickets.read
        return read(Purpose.AFTER_PASSWORD, browser, text) or read(Purpose.STEP_UP, browser, text)

    async def _shown(self, request: Request, step: _Step) -> tuple[str, ...]:
        """The methods that were shown. Raises SignInRefused, TooManyTries."""
        address = request.client.host if request.client else ""
        answer = step.form.get("answer", "")
        if answer:
            signed_in = await self._deps.second_step.by_passkey(
                answer, step.ticket.challenge, address, person=step.person
            )
            return signed_in.methods
        cookie = request.cookies.get(DEVICE_COOKIE)
        guess = Guess(step.form.get("code", ""), address, cookie)
        return await self._deps.second_step.by_code(step.person, guess)
