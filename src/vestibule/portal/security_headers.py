"""Headers that every answer carries, errors too (ATTACKS 17).

A response that says something of its own, such as a page with its content security policy, keeps
it; all others get the strictest.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""For our own pages: no script at all."""

PASSKEY_POLICY = f"{PAGE_POLICY}; script-src 'self'"
"""For those of our pages that ask for a passkey: the one script that does, from a file."""

DEVICE_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"
"""For the page on which a device makes its key: its script asks for the certificate."""

NO_DEVICES = (
    "camera=(), microphone=(), display-capture=(), geolocation=(), payment=(), usb=(), serial=(), "
    "hid=(), midi=()"
)

CLIENT_DEVICES = (
    "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "
    "clipboard-write=(self), fullscreen=(self), speaker-selection=(self), geolocation=(), "
    "payment=(), usb=(), serial=(), hid=(), midi=()"
)
"""For the web client: what a meeting needs."""

# SHA-256 of nothing: Fluent UI makes empty <style> elements and fills them through the CSSOM.
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": NO_DEVICES,
    "Content-Security-Policy": _NOTHING,
    "Cache-Control": "no-store",
}

_LOCAL = ("localhost", "127.", "[::1]")


def client_policy(websocket_origin: str) -> str:
    """The content security policy of the web client."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_EMPTY_STYLE}; "
        f"connect-src 'self' {websocket_origin}; img-src 'self' data: blob:; "
        "media-src 'self' blob:; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'; trusted-types vestibule-xml"
    )


class SecurityHeaders:
    """ASGI middleware that completes the headers of each response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                # A pinned `localhost` would break whatever else is developed on this machine.
                if not host.startswith(_LOCAL):
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, complete)
