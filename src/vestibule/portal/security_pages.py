"""/identity/security: a person's own second factors. To change any, a sign-in must be fresh."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import segno
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import RedirectResponse

from vestibule.directory.journalled import of_person
from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName
from vestibule.identity.access_gate import Verdict
from vestibule.identity.provider.records import Session
from vestibule.identity.second_factors.enrolment import Enrolled, EnrolmentRefused, NewTotp
from vestibule.identity.second_factors.records import TooManyFactors
from vestibule.journal.kinds import Kind
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import form_fields
from vestibule.portal.form_guard import FIELD
from vestibule.portal.pages import Pages
from vestibule.portal.sign_in_flow import STALE, TO_SECURITY, SignInFlow

FRESH_SECONDS = 600.0
"""How long after signing in one may change second factors."""

_PATH = "/identity/security"
_SIGN_IN_FIRST = "To change how you sign in, please sign in again first."
_TOO_MANY = "You have as many of these as one can have. Remove one first."
_DONE = {"added": "Added.", "renamed": "Renamed.", "removed": "Removed."}
_NO_SUCH = "There is no such second factor any more."


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that may be made: by whom, in which session and browser, with what form."""

    request: Request
    person: Person
    session: Session
    browser: str
    form: dict[str, str]


class SecurityPages:
    """Second factors of whoever is signed in."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route(_PATH, self.overview, methods=["GET"])
        routes.add_api_route(f"{_PATH}/sign-in", self.sign_in_again, methods=["GET"])
        changes: dict[str, Callable[[_Change], Awaitable[Response]]] = {
            "totp": self._begin_totp,
            "totp/code": self._finish_totp,
            "passkey": self._finish_passkey,
            "recovery-codes": self._new_codes,
            "rename": self._rename,
            "remove": self._remove,
        }
        for name, change in changes.items():
            routes.add_api_route(f"{_PATH}/{name}", self._changing(change), methods=["POST"])
        return routes

    # --- pages ---

    async def overview(self, request: Request) -> Response:
        """What one has; forms to change it while the sign-in is fresh."""
        known = await self._flow.signed_in_to(request, TO_SECURITY, may_lack_factors=True)
        if isinstance(known, Response):
            return known
        person, session = known
        done = _DONE.get(request.query_params.get("done", ""))
        return await self._overview(request, person, session, done=done)

    async def sign_in_again(self, request: Request) -> Response:
        """Makes the sign-in fresh."""
        session = await self._flow.session(request)
        person = self._deps.provider.person_of(session) if session else None
        name = f"{person.user}@{person.domain}" if person else ""
        return self._flow.sign_in_form(request, TO_SECURITY, name)

    # --- changes ---

    def _changing(
        self, change: Callable[[_Change], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The change, made only for our own form, a fresh sign-in, and whoever isn't blocked."""

        async def guarded(request: Request) -> Response:
            form = dict(await form_fields(request))
            if not self._flow.forms.is_ours(request, form.get(FIELD, "")):
                return self._pages.error(403, STALE)
            session = await self._flow.session(request)
            person = self._deps.provider.person_of(session) if session else None
            if session is None or person is None or not self._is_fresh(session):
                return self._flow.sign_in_form(request, TO_SECURITY, "", _SIGN_IN_FIRST, 403)
            held = await self._deps.gate.at_sign_in(person, session.methods, connection_of(request))
            if held is not None and held.verdict is not Verdict.ENROL:
                return await self._flow.held(request, TO_SECURITY, held, session)
            browser = self._flow.forms.browser(request)
            return await change(_Change(request, person, session, browser, form))

        return guarded

    async def _begin_totp(self, change: _Change) -> Response:
        offer = self._deps.enrolment.begin_totp(change.person, change.browser)
        return self._totp_form(change, offer)

    async def _finish_totp(self, change: _Change) -> Response:
        form, enrolment = change.form, self._deps.enrolment
        try:
            offer = enrolment.offered_totp(change.person, change.browser, form.get("ticket", ""))
        except EnrolmentRefused as refused:
            return await self._refused(change, str(refused))
        try:
            enrolled = await enrolment.finish_totp(
                change.person, offer, form.get("code", ""), form.get("name", "")
            )
        except (EnrolmentRefused, UnfitName) as refused:
            return self._totp_form(change, offer, str(refused))
        except TooManyFactors:
            return await self._refused(change, _TOO_MANY)
        return await self._enrolled(change, enrolled)

    async def _finish_passkey(self, change: _Change) -> Response:
        form = change.form
        try:
            enrolled = await self._deps.enrolment.finish_passkey(
                change.person, change.browser, form.get("ticket", ""), form.get("answer", ""),
                form.get("name", ""),
            )  # fmt: skip
        except (EnrolmentRefused, UnfitName) as refused:
            return await self._refused(change, str(refused))
        except TooManyFactors:
            return await self._refused(change, _TOO_MANY)
        return await self._enrolled(change, enrolled)

    async def _new_codes(self, change: _Change) -> Response:
        if not await self._deps.second_step.factors_of(change.person.id):
            return await self._refused(change, "Add a second factor first.")
        return self._codes_page(await self._deps.enrolment.new_recovery_codes(change.person))

    async def _rename(self, change: _Change) -> Response:
        form = change.form
        try:
            found = await self._deps.enrolment.rename(
                change.person, form.get("id", ""), form.get("name", "")
            )
        except UnfitName as unfit:
            return await self._refused(change, str(unfit))
        return _done("renamed") if found else await self._refused(change, _NO_SUCH)

    async def _remove(self, change: _Change) -> Response:
        found = await self._deps.enrolment.remove(change.person, change.form.get("id", ""))
        if not found:
            return await self._refused(change, _NO_SUCH)
        self._note(Kind.FACTOR_REMOVED, change)
        return _done("removed")

    # --- inside ---

    def _note(self, kind: Kind, change: _Change) -> None:
        address = connection_of(change.request).address
        self._deps.notes.note(of_person(kind, change.person, by_themselves=True, address=address))

    def _is_fresh(self, session: Session) -> bool:
        return self._deps.clock() - session.auth_time <= FRESH_SECONDS

    async def _enrolled(self, change: _Change, enrolled: Enrolled) -> Response:
        """The factor was shown just now, so the session counts as signed in with it."""
        methods = tuple(dict.fromkeys((*change.session.methods, *enrolled.methods)))
        self._note(Kind.FACTOR_ADDED, change)
        secret, _ = await self._deps.provider.begin_session(
            change.person,
            methods,
            address=connection_of(change.request).address,
            auth_time=change.session.auth_time,
            before=change.session,
        )
        codes = enrolled.recovery_codes
        response = self._codes_page(codes) if codes else _done("added")
        self._flow.remember(response, secret, change.person)
        return response

    async def _refused(self, change: _Change, error: str) -> Response:
        return await self._overview(
            change.request, change.person, change.session, error=error, status=400
        )

    async def _overview(
        self,
        request: Request,
        person: Person,
        session: Session,
        *,
        done: str | None = None,
        error: str | None = None,
        status: int = 200,
    ) -> Response:
        form = self._flow.forms.serve(request)
        factors = await self._deps.second_step.factors_of(person.id)
        fresh = self._is_fresh(session)
        passkeys: dict[str, Any] = {"available": self._deps.second_step.relying_party.available}
        if fresh and passkeys["available"]:
            ticket, asked = await self._deps.enrolment.begin_passkey(person, form.value)
            passkeys |= {"ticket": ticket.text, "options": asked}
        response = self._pages.render(
            "security.html", status,
            passkeys=fresh and passkeys["available"],
            passkey=passkeys, person=person, factors=factors, fresh=fresh,
            form_token=form.token, done=done, error=error, day=_day,
        )  # fmt: skip
        form.attach(response)
        return response

    def _totp_form(self, change: _Change, offer: NewTotp, error: str | None = None) -> Response:
        form = self._flow.forms.serve(change.request)
        response = self._pages.render(
            "new_app.html",
            403 if error else 200,
            form_token=form.token,
            ticket=offer.ticket.text,
            secret=" ".join(offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4)),
            picture=_qr_code(offer.uri),
            name=change.form.get("name", ""),
            error=error,
        )
        form.attach(response)
        return response

    def _codes_page(self, codes: tuple[str, ...]) -> Response:
        return self._pages.render("recovery_codes.html", codes=codes)


def _done(what: str) -> Response:
    return RedirectResponse(f"{_PATH}?done={what}", 303)


def _qr_code(uri: str) -> Markup:
    """The picture as part of the page: the secret is in no address and no cache."""
    drawing = segno.make(uri, error="m").svg_inline(
        omitsize=True, dark="#000", light="#fff", border=2, title="QR code", svgclass="qr"
    )
    return Markup(drawing)  # noqa: S704 - drawn by segno, no text of anybody's in it


def _day(seconds: float) -> str:
    return time.strftime("%d %B %Y", time.gmtime(seconds)).lstrip("0")
