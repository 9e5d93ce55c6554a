"""Signing in with an account elsewhere: off to the other provider, and back from it."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from vestibule.directory.identity_provider import IdentityProvider
from vestibule.identity.external.refusal import ExternalRefused, Reason
from vestibule.identity.provider.messages import Parameters
from vestibule.identity.provider.provider import RequestRefused
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import fields_of
from vestibule.portal.pages import Pages
from vestibule.portal.problem import Problem
from vestibule.portal.sign_in_flow import STALE, SignInFlow, own_page_of, too_many

COOKIE = "__Host-vestibule-external"
_SECONDS = 600
_LONGEST_COOKIE = 3800
_NOT_NOW = "That way of signing in isn't available at the moment. Please try again later."
_NOT_IN = "You are known there, but not here: no account of this organisation belongs to you."
_NOT_COMPLETED = "Signing in there wasn't completed. Please try again."
_TOLD = {Reason.STATE: STALE, Reason.UNREACHABLE: _NOT_NOW, Reason.METADATA: _NOT_NOW}
_UNKNOWN_HERE = frozenset({Reason.UNKNOWN, Reason.ADDRESS, Reason.DISABLED})


class ExternalSignInPages:
    """Two addresses for each provider."""

    def __init__(self, deps: PortalDependencies, pages: Pages, flow: SignInFlow) -> None:
        self._deps = deps
        self._pages = pages
        self._flow = flow

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/identity/external/{name}/start", self.start, methods=["GET"])
        routes.add_api_route("/identity/external/{name}/callback", self.callback, methods=["GET"])
        return routes

    async def start(self, request: Request, name: str) -> Response:
        """Off to the other provider.

        By a link, for `form-action 'self'` lets no form lead to another site. A stranger's link to here gains
        nothing: whoever follows it signs in as themselves, and to where our client asked.
        """
        provider = self._provider(name)
        asked = fields_of(dict(fields_of(request.url.query)).get("request", ""))
        try:
            if not await self._flow.leads_somewhere(request, asked):
                return self._pages.error(400)
            begun = await self._deps.external.begin(
                provider, urlencode(asked), _address(request), anew=_wants_anew(asked)
            )
        except RequestRefused as refused:
            return self._pages.error(400, str(refused))
        except TooManyTries as many:
            return self._too_many(request, asked, many)
        except ExternalRefused as refused:
            return self._refused(request, asked, refused.reason)
        if len(begun.cookie) > _LONGEST_COOKIE:
            return self._pages.error(400, "The request is too long.")
        response = RedirectResponse(begun.location, 303)
        # Lax, for it has to be there when the other site sends the browser back.
        response.set_cookie(
            COOKIE, begun.cookie, path="/", max_age=_SECONDS, secure=True, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return response

    async def callback(self, request: Request, name: str) -> Response:
        """Back from there (RFC 6749 section 4.1.2)."""
        provider = self._provider(name)
        said, cookie = fields_of(request.url.query), request.cookies.get(COOKIE, "")
        answer = dict(said)
        if len(answer) != len(said):  # RFC 6749 section 3.1: no parameter twice
            return self._pages.error(400)
        asked = fields_of(self._deps.external.asked_of(answer, cookie))
        try:
            signed_in = await self._deps.external.finish(
                provider, answer, cookie, _address(request)
            )
        except TooManyTries as many:
            return self._too_many(request, asked, many)
        except ExternalRefused as refused:
            return _forgetting(self._refused(request, asked, refused.reason))
        return _forgetting(await self._flow.proven(request, asked, signed_in))

    def _provider(self, name: str) -> IdentityProvider:
        provider = self._deps.external.provider(name)
        if provider is None:
            raise Problem(404)
        return provider

    def _refused(self, request: Request, asked: Parameters, reason: Reason) -> Response:
        text = _TOLD.get(reason, _NOT_IN if reason in _UNKNOWN_HERE else _NOT_COMPLETED)
        if not asked:  # nobody knows where this browser wanted to go
            return self._pages.error(403, text)
        return self._flow.sign_in_form(request, asked, "", text, 403)

    def _too_many(self, request: Request, asked: Parameters, many: TooManyTries) -> Response:
        response = self._flow.sign_in_form(request, asked, "", too_many(many.retry_after), 429)
        response.headers["Retry-After"] = str(many.retry_after)
        return response


def _forgetting(response: Response) -> Response:
    """The way is gone: its cookie goes."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _wants_anew(asked: Parameters) -> bool:
    """Whether an old sign-in elsewhere won't do: the client says so, or it opens a page of our own."""
    said = dict(asked)
    is_own = own_page_of(asked) is not None
    return is_own or "max_age" in said or "login" in said.get("prompt", "").split()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
