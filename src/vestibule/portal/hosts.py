"""Only our own names are served: a `Host` header can't poison a link or a redirect (ATTACKS 23)."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vestibule.portal.problem import Problem

_ANYWHERE = ("/pki/", "/healthz")  # also fetched by name or address, without a browser


class Hosts:
    """ASGI middleware: the canonical host is served, other allowed ones are led to it."""

    def __init__(self, app: ASGIApp, *, origin: str, others: frozenset[str]) -> None:
        self._app = app
        self._origin = origin
        self._canonical = origin.removeprefix("https://").lower()
        self._others = {other.lower() for other in others}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, redirects it or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [host.lower() for host in Headers(scope=scope).getlist("host")]
        if len(hosts) != 1 or not hosts[0]:
            answer: ASGIApp = Problem(400, "One Host header is needed.").response()
        elif hosts[0] == self._canonical or (
            hosts[0] in self._others and scope["path"].startswith(_ANYWHERE)
        ):
            answer = self._app
        elif hosts[0] in self._others and scope["method"] in {"GET", "HEAD"}:
            answer = RedirectResponse(self._here(scope), 308)
        else:
            answer = Problem(421, "This server isn't called so.").response()
        await answer(scope, receive, send)

    def _here(self, scope: Scope) -> str:
        """The same address at the canonical origin; a fragment stays with the browser."""
        url = Request(scope).url
        return f"{self._origin}{url.path}" + (f"?{url.query}" if url.query else "")
