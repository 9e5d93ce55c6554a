"""`GET /metrics`, and nothing else, as an ASGI application behind a listener of its own (ATTACKS 69)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class MetricsApp:
    """Answers who shows the token, or everybody if `is_token` is None (then the listener is on loopback)."""

    def __init__(self, text: Callable[[], bytes], is_token: Callable[[str], bool] | None) -> None:
        self._text = text
        self._is_token = is_token

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if not self._is_allowed(scope):
            headers = [(b"www-authenticate", b'Bearer realm="metrics"')]
            await _answer(send, 401, _problem(401, "Unauthorized"), headers)
        elif scope["path"] != "/metrics":
            await _answer(send, 404, _problem(404, "Not Found"), [])
        elif scope["method"] not in ("GET", "HEAD"):
            headers = [(b"allow", b"GET, HEAD")]
            await _answer(send, 405, _problem(405, "Method Not Allowed"), headers)
        else:
            await _answer(send, 200, self._text(), [], _TEXT)

    def _is_allowed(self, scope: _Message) -> bool:
        if self._is_token is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = (given[0] if len(given) == 1 else b"").decode("latin-1").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(token.strip())


def _problem(status: int, title: str) -> bytes:
    return f'{{"type":"about:blank","title":"{title}","status":{status}}}'.encode()


async def _answer(
    send: _Send,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    kind: bytes = b"application/problem+json",
) -> None:
    told = [*headers, *_GUARDED, (b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})
