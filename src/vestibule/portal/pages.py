"""Our own pages: Jinja templates, escaped, without any script."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vestibule.portal.problem import title_of
from vestibule.portal.security_headers import PAGE_POLICY

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
        digest = hashlib.sha256(self._style).hexdigest()[:16]
        self._style_path = f"/identity/assets/pages-{digest}.css"

    def render(self, template: str, status: int = 200, **context: object) -> HTMLResponse:
        """A page. `context` is what the template names."""
        body = self._templates.get_template(template).render(style_path=self._style_path, **context)
        return HTMLResponse(body, status, {"Content-Security-Policy": PAGE_POLICY})

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
        """The style sheet's route; its name changes with its content."""
        routes = APIRouter(include_in_schema=False)

        @routes.get(self._style_path)
        async def style() -> Response:
            caching = {"Cache-Control": "public, max-age=31536000, immutable"}
            return Response(self._style, 200, caching, "text/css")

        return routes
