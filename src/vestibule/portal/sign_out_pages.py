"""The provider's endpoints where people sign out."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.identity.provider.messages import Parameters
from vestibule.identity.provider.provider import RequestRefused
from vestibule.identity.provider.records import Session
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import fields_of, form_fields
from vestibule.portal.form_guard import FIELD
from vestibule.portal.pages import Pages
from vestibule.portal.sign_in_flow import SESSION_COOKIE, SignInFlow


class SignOutPages:
    """Signing out, on a client's wish or the person's."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/end-session", self.end_session, methods=["GET"])
        routes.add_api_route("/identity/end-session", self.end_session_by_form, methods=["POST"])
        routes.add_api_route("/identity/signed-out", self.signed_out, methods=["GET"])
        return routes

    async def end_session(self, request: Request) -> Response:
        """RP-initiated logout: at once if the client proves itself, else the person is asked."""
        return await self._end_session(request, fields_of(request.url.query), confirmed=False)

    async def end_session_by_form(self, request: Request) -> Response:
        """The same by POST, and our own question's answer."""
        fields = await form_fields(request)
        token = dict(fields).get(FIELD, "")
        confirmed = bool(token) and self._flow.forms.is_ours(request, token)
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
        session = await self._flow.session(request)
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
        form = self._flow.forms.serve(request)
        response = self._pages.render(
            "sign_out.html",
            form_token=form.token,
            name=person.display_name if person else "",
        )
        form.attach(response)
        return response
