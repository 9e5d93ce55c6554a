"""What happens to a browser between its first proof and the way back to the client.

The authorization request travels through all forms as a hidden field and is checked anew each time.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from vestibule.directory.model import Person
from vestibule.identity.access_gate import Held, Verdict
from vestibule.identity.provider.messages import Parameters
from vestibule.identity.provider.provider import Redirect, RequestRefused, SignInWanted
from vestibule.identity.provider.records import Session
from vestibule.identity.sign_in import SignedIn
from vestibule.identity.tickets import Purpose, Ticket
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_guard import FIELD, Form, FormGuard
from vestibule.portal.pages import Pages

SESSION_COOKIE = "__Host-vestibule-session"
DEVICE_COOKIE = "__Host-vestibule-device"
_DEVICE_SECONDS = 180 * 86_400

STALE = "This page was open for too long, or cookies are blocked. Please try again."

TO_SECURITY: Parameters = (("to", "security"),)
TO_DEVICE: Parameters = (("to", "device"),)
TO_TOKENS: Parameters = (("to", "tokens"),)
"""Stand where an authorization request would, for who signs in to a page of our own."""

_OWN_PAGES = {
    TO_SECURITY: "/identity/security",
    TO_DEVICE: "/identity/device",
    TO_TOKENS: "/identity/tokens",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What has been shown before the second step, as its ticket says."""

    methods: tuple[str, ...]
    auth_time: float | None

    @classmethod
    def of(cls, ticket: Ticket) -> "Shown":
        """Reads it from a ticket."""
        said = json.loads(ticket.content)
        return cls(tuple(said["methods"]), said["auth_time"])

    def text(self) -> str:
        """Writes it for a ticket."""
        return json.dumps({"methods": self.methods, "auth_time": self.auth_time})


class SignInFlow:
    """Leads on: to the client, to the second step, or to what is in the way."""

    def __init__(self, deps: PortalDependencies, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self.forms = FormGuard(deps.origin)

    async def session(self, request: Request) -> Session | None:
        """The browser's sign-in, if it has one."""
        return await self._deps.provider.session(request.cookies.get(SESSION_COOKIE))

    async def signed_in_to(
        self, request: Request, page: Parameters, *, may_lack_factors: bool = False
    ) -> tuple[Person, Session] | Response:
        """Who is signed in and may open a page of our own, or what they see instead.

        `may_lack_factors`: it is where who must have a second factor gets one.
        """
        session = await self.session(request)
        person = self._deps.provider.person_of(session) if session else None
        if session is None or person is None:
            return self.sign_in_form(request, page, "")
        held = await self._deps.gate.at_sign_in(person, session.methods, connection_of(request))
        if held is None or (may_lack_factors and held.verdict is Verdict.ENROL):
            return person, session
        return await self.held(request, page, held, session)

    async def changing(
        self, request: Request, form: Mapping[str, str], page: Parameters
    ) -> tuple[Person, Session] | Response:
        """The same for who changes something there, which takes a form of ours."""
        if not self.forms.is_ours(request, form.get(FIELD, "")):
            return self._pages.error(403, STALE)
        return await self.signed_in_to(request, page)

    async def leads_somewhere(self, request: Request, asked: Parameters) -> bool:
        """Whether signing in would lead back to a client; who asks otherwise costs us nothing.

        Raises RequestRefused.
        """
        if own_page_of(asked):
            return True
        outcome = await self._deps.provider.authorize(asked, None, connection_of(request))
        return isinstance(outcome, SignInWanted)

    async def resume(
        self, request: Request, asked: Parameters, session: Session | None, *, fresh: bool = False
    ) -> Response:
        """What the request leads to, with the session that the browser has."""
        own_page = own_page_of(asked)
        if own_page:
            return RedirectResponse(f"{self._deps.origin}{own_page}", 303)
        try:
            outcome = await self._deps.provider.authorize(
                asked, session, connection_of(request), fresh=fresh
            )
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        if isinstance(outcome, Redirect):
            return RedirectResponse(outcome.location, 303)
        if isinstance(outcome, Held):
            return await self.held(request, asked, outcome, session)
        return self.sign_in_form(request, asked, outcome.login_hint)

    async def proven(self, request: Request, asked: Parameters, signed_in: SignedIn) -> Response:
        """Somebody has shown a first factor just now."""
        held = await self._deps.gate.at_sign_in(
            signed_in.person, signed_in.methods, connection_of(request)
        )
        if held is not None and held.verdict is Verdict.BLOCK:
            return self._blocked(held)
        if held is not None and held.verdict is Verdict.SECOND_STEP:
            shown = Shown(signed_in.methods, None)
            return await self._ask_second_step(
                request, asked, Purpose.AFTER_PASSWORD, signed_in.person, shown
            )
        return await self.completed(request, asked, signed_in)

    async def completed(
        self,
        request: Request,
        asked: Parameters,
        signed_in: SignedIn,
        *,
        auth_time: float | None = None,
    ) -> Response:
        """All that was asked for has been shown: the browser is signed in.

        `auth_time`: when that began, if only a factor was added now.
        """
        secret, session = await self._deps.provider.begin_session(
            signed_in.person,
            signed_in.methods,
            address=connection_of(request).address,
            auth_time=auth_time,
            before=await self.session(request),
        )
        response = await self.resume(request, asked, session, fresh=auth_time is None)
        self.remember(response, secret, signed_in.person)
        return response

    def remember(self, response: Response, secret: str, person: Person) -> None:
        """Gives the browser the cookies of a session."""
        response.set_cookie(
            SESSION_COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax"
        )
        response.set_cookie(
            DEVICE_COOKIE,
            self._deps.device_cookies.issue(person.aor),
            path="/",
            max_age=_DEVICE_SECONDS,
            secure=True,
            httponly=True,
            samesite="strict",
        )

    async def held(
        self, request: Request, asked: Parameters, held: Held, session: Session | None
    ) -> Response:
        """Something stands between a signed-in browser and where it wants to go."""
        person = self._deps.provider.person_of(session) if session else None
        if session is None or person is None or held.verdict is Verdict.BLOCK:
            return self._blocked(held)
        if held.verdict is Verdict.SECOND_STEP:
            shown = Shown(session.methods, session.auth_time)
            return await self._ask_second_step(request, asked, Purpose.STEP_UP, person, shown)
        return self._pages.render(
            "message.html",
            403,
            title="One more step",
            text="Your organisation asks for a second factor when you sign in, and you have "
            "none yet. It takes a minute to set one up.",
            link=("/identity/security", "Set up a second factor"),
            alert=True,
        )

    # --- forms ---

    def sign_in_form(
        self,
        request: Request,
        asked: Parameters,
        name: str,
        error: str | None = None,
        status: int = 200,
    ) -> Response:
        """The page for name and password, or a passkey."""
        form = self.forms.serve(request)
        relying_party = self._deps.second_step.relying_party
        ticket = self._deps.tickets.issue(Purpose.PASSKEY_SIGN_IN, form.value)
        options = (
            relying_party.ask_to_sign_in(ticket.challenge) if relying_party.available else None
        )
        response = self._pages.render(
            "sign_in.html",
            status,
            passkeys=relying_party.available,
            request_text=urlencode(asked),
            form_token=form.token,
            ticket=ticket.text,
            passkey_options=options,
            name=name[:320],
            domain=self._deps.domain,
            providers=self._deps.external.offered(self._domain_of(name)),
            error=error,
        )
        form.attach(response)
        return response

    async def second_step_form(
        self,
        request: Request,
        asked: Parameters,
        ticket: Ticket,
        error: str | None = None,
        status: int = 200,
        *,
        form: Form | None = None,
    ) -> Response:
        """The page for a code or a passkey. `form`: the one that the ticket was issued with."""
        form = form or self.forms.serve(request)
        factors = await self._deps.second_step.factors_of(ticket.person_id)
        options = self._passkey_options(ticket, [one.credential_id for one in factors.passkeys])
        response = self._pages.render(
            "second_step.html",
            status,
            passkeys=options is not None,
            request_text=urlencode(asked),
            form_token=form.token,
            ticket=ticket.text,
            passkey_options=options,
            has_app=bool(factors.totps),
            error=error,
        )
        form.attach(response)
        return response

    def _domain_of(self, name: str) -> str:
        """The domain that somebody means; ours where they don't say."""
        return name.strip().lower().rpartition("@")[2] if "@" in name else self._deps.domain

    def _passkey_options(self, ticket: Ticket, known: Sequence[str]) -> str | None:
        relying_party = self._deps.second_step.relying_party
        if not known or not relying_party.available:
            return None
        return relying_party.ask_to_sign_in(ticket.challenge, known)

    async def _ask_second_step(
        self, request: Request, asked: Parameters, purpose: Purpose, person: Person, shown: Shown
    ) -> Response:
        form = self.forms.serve(request)
        ticket = self._deps.tickets.issue(
            purpose, form.value, person_id=person.id, content=shown.text()
        )
        return await self.second_step_form(request, asked, ticket, form=form)

    def _blocked(self, held: Held) -> Response:
        decision = held.decision
        return self._pages.render(
            "blocked.html",
            403,
            rule=decision.rule,
            why=decision.why,
            explanation=decision.explanation,
        )


def own_page_of(asked: Parameters) -> str | None:
    """The page of our own that somebody signs in to; None if it is for a client."""
    return _OWN_PAGES.get(tuple(asked))


def too_many(retry_after: int) -> str:
    """What to tell somebody who has tried too often."""
    minutes = math.ceil(retry_after / 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"Too many tries. Please wait {wait} and try again."
