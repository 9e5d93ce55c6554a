"""The web client: one page for all its addresses, and the files that Vite built."""

import re
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response
from fastapi import Path as PathPart
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.pages import Pages
from vestibule.portal.problem import Problem
from vestibule.portal.security_headers import CLIENT_DEVICES, client_policy

_MEETING_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_ORGANIZER = re.compile(r"[A-Za-z0-9._~+!-]{1,64}")
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.\w+$")  # Vite's names change with the content
_MISSING = (
    "The web client has not been built into this installation. Whoever runs this server can do so "
    "with “make demo” in the source folder; phones and the API work without it."
)


class WebClient:
    """Serves `index.html` and `assets/`."""

    def __init__(self, deps: PortalDependencies, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self._index = _File(deps.static / "index.html")
        websocket = deps.origin.replace("https", "wss", 1)
        self._headers = {
            "Content-Security-Policy": client_policy(websocket),
            "Permissions-Policy": CLIENT_DEVICES,
        }

    def add_to(self, app: FastAPI) -> None:
        """Puts the routes into the application."""
        routes = APIRouter(include_in_schema=False)
        for path in ("/", "/app", "/app/{rest:path}"):
            routes.add_api_route(path, self.page, methods=["GET", "HEAD"])
        routes.add_api_route(
            "/meet/{organizer}/{meeting_id}", self.meeting_page, methods=["GET", "HEAD"]
        )
        app.include_router(routes)
        app.mount("/assets", _Assets(self._deps.static / "assets"))

    async def page(self) -> Response:
        """The client's page."""
        return self._answer("")

    async def meeting_page(
        self, organizer: Annotated[str, PathPart()], meeting_id: Annotated[str, PathPart()]
    ) -> Response:
        """The same, and the meeting's address for clients that are installed (C3)."""
        if not (_ORGANIZER.fullmatch(organizer) and _MEETING_ID.fullmatch(meeting_id)):
            raise Problem(404)
        focus = self._deps.focus_uri(organizer.lower(), meeting_id)
        return self._answer(f'<link rel="alternate" href="{escape(f"conf:{focus}")}">')

    def _answer(self, head: str) -> Response:
        page = self._index.text()
        if page is None:
            return self._pages.render(
                "message.html", 503, title="Not built yet", text=_MISSING, link=None, alert=True
            )
        return HTMLResponse(page.replace("</head>", f"{head}</head>", 1), headers=self._headers)


class _File:
    """A small file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, str] | None = None

    def text(self) -> str | None:
        """Its content; None if it isn't there."""
        try:
            changed = self._path.stat().st_mtime_ns
            if self._seen is None or self._seen[0] != changed:
                self._seen = (changed, self._path.read_text())
        except FileNotFoundError:
            self._seen = None
        return self._seen[1] if self._seen else None


class _Assets(StaticFiles):
    """Built files: kept forever by browsers if their name has the content's hash."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        if response.status_code in {200, 206, 304}:
            caching = "public, max-age=31536000, immutable"
            response.headers["Cache-Control"] = caching if _HASHED.search(path) else "no-cache"
        return response
