"""Every error has one of two forms: a problem document for programs, a page for people."""

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.portal.pages import Pages
from vestibule.portal.problem import Problem, title_of
from vestibule.portal.scim.message import ScimError

_log = structlog.get_logger(__name__)
_FOR_PROGRAMS = ("/api/", "/pki/", "/healthz", "/.well-known/", "/assets/", "/scim/")


class Errors:
    """Answers what routes raise."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def add_to(self, app: FastAPI) -> None:
        """Puts the handlers into the application."""
        app.add_exception_handler(Problem, self.problem)
        app.add_exception_handler(HTTPException, self.http)
        app.add_exception_handler(RequestValidationError, self.invalid)

    async def problem(self, request: Request, error: Exception) -> Response:
        """What our own code refused."""
        return self._answer(request, error if isinstance(error, Problem) else Problem(500))

    async def http(self, request: Request, error: Exception) -> Response:
        """What the framework refused: no such route, no such method."""
        if not isinstance(error, HTTPException):
            return self._answer(request, Problem(500))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods_of(request)))
        return self._answer(request, Problem(error.status_code, None, headers))

    async def invalid(self, request: Request, error: Exception) -> Response:
        """Content that isn't as documented: says where, repeats nothing of it."""
        found = error.errors() if isinstance(error, RequestValidationError) else []
        if any(entry.get("type") == "json_invalid" for entry in found):
            return self._answer(request, Problem(400, "The body is not acceptable JSON."))
        places = sorted({".".join(str(part) for part in entry["loc"][:2]) for entry in found})
        named = ", ".join(place for place in places if place.isascii() and len(place) < 60)
        return self._answer(request, Problem(422, f"Not as documented: {named}"))

    def _answer(self, request: Request, problem: Problem) -> Response:
        if request.url.path.startswith("/scim/"):
            detail = problem.detail or title_of(problem.status)
            return ScimError(problem.status, detail, headers=problem.headers).response()
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or request.url.path.startswith(_FOR_PROGRAMS):
            return problem.response()
        page = self._pages.error(problem.status, problem.detail)
        page.headers.update(problem.headers)
        return page


def _methods_of(request: Request) -> set[str]:
    """All methods of this path; the framework names only those of the first route with it."""
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        route = context.route
        if route.matches(request.scope)[0] is Match.PARTIAL:
            methods |= getattr(route, "methods", None) or set()
    return methods


class LastResort:
    """ASGI middleware for our own faults: noted in the log, told without details.

    It sits inside the security headers, so that a crash is no way around them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if scope["type"] != "http":
                raise
            _log.exception("portal.fault", method=scope["method"], path=scope["path"])
            if started:
                raise  # half an answer is out: only the connection's end can tell
            await Problem(500).response()(scope, receive, send)
