"""Our own pages: Jinja templates, escaped; no script but those that ask for passkeys or make a device's key."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vestibule.portal.problem import title_of
from vestibule.portal.security_headers import DEVICE_POLICY, PAGE_POLICY, PASSKEY_POLICY

_SCRIPTS = {"passkeys": PASSKEY_POLICY, "device": DEVICE_POLICY}
_TEMPLATES = Path(__file__).parent / "templates"

_EXPLAINED = {
    403: "You may not open this page.",
    404: "There is nothing at this address. Is the link complete?",
    405: "This address can't be used that way.",
    429: "Too many requests. Please wait a little.",
    500: "Something went wrong on our side. It has been noted; please try again.",
    503: "This isn't available at the moment.",
}


class Pages:
    """Renders pages and serves their style sheet."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("vestibule.portal"), autoescape=True, undefined=StrictUndefined
        )
        self._style = (_TEMPLATES / "pages.css").read_bytes()
        self._style_path = f"/identity/assets/pages-{_digest(self._style)}.css"
        self._scripts = {name: (_TEMPLATES / f"{name}.js").read_bytes() for name in _SCRIPTS}
        self._script_paths = {
            name: f"/identity/assets/{name}-{_digest(script)}.js"
            for name, script in self._scripts.items()
        }

    def render(
        self,
        template: str,
        status: int = 200,
        *,
        passkeys: bool = False,
        enrols: bool = False,
        **context: object,
    ) -> HTMLResponse:
        """A page. `context` is what the template names; `passkeys`: whether it asks for one;
        `enrols`: whether it makes a device's key.
        """
        script = "passkeys" if passkeys else "device" if enrols else None
        body = self._templates.get_template(template).render(
            style_path=self._style_path,
            script_path=self._script_paths[script] if script else None,
            **context,
        )
        policy = _SCRIPTS[script] if script else PAGE_POLICY
        return HTMLResponse(body, status, {"Content-Security-Policy": policy})

    def error(self, status: int, detail: str | None = None) -> HTMLResponse:
        """A page about an error."""
        return self.render(
            "message.html",
            status,
            title=title_of(status),
            text=detail or _EXPLAINED.get(status, "This request could not be answered."),
            link=("/", "Go to the start page"),
            alert=True,
        )

    def router(self) -> APIRouter:
        """The routes of style sheet and scripts; their names change with their content."""
        routes = APIRouter(include_in_schema=False)
        caching = {"Cache-Control": "public, max-age=31536000, immutable"}

        @routes.get(self._style_path)
        async def style() -> Response:
            return Response(self._style, 200, caching, "text/css")

        for name, path in self._script_paths.items():
            routes.add_api_route(path, self._serving(self._scripts[name], caching), methods=["GET"])
        return routes

    def _serving(self, script: bytes, headers: dict[str, str]) -> Callable[[], Awaitable[Response]]:
        async def serve() -> Response:
            return Response(script, 200, headers, "text/javascript")

        return serve


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
