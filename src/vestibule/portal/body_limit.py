"""Requests are small: bodies are read whole, up to a limit, before anything looks at them."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.portal.problem import Problem

MAX_BODY_OCTETS = 65_536
_HEARD_OUT_OCTETS = 1_048_576


class BodyLimit:
    """ASGI middleware: longer bodies get 413, compressed ones 415 (ATTACKS 24)."""

    def __init__(self, app: ASGIApp, *, octets: int = MAX_BODY_OCTETS) -> None:
        self._app = app
        self._octets = octets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its body in one piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity").lower() != "identity":
            await Problem(415, "Send the body uncompressed.").response()(scope, receive, send)
            return
        try:
            body = await self._read(headers, receive)
        except ClientDisconnect:
            return  # nobody is left to answer, and half a body means nothing
        if body is None:
            detail = f"At most {self._octets} octets."
            refusal = Problem(413, detail, {"Connection": "close"}).response()
            await refusal(scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body; None if it is too long.

        One that is a little too long is heard out: an answer sent into its sending would be lost
        in a reset. Raises ClientDisconnect.
        """
        stated = headers.get("content-length", "0")
        if not stated.isdigit() or len(stated) > 9 or int(stated) > _HEARD_OUT_OCTETS:
            return None
        body, heard = bytearray(), 0
        while heard <= _HEARD_OUT_OCTETS:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            piece = message.get("body", b"")
            heard += len(piece)
            if heard <= self._octets:
                body += piece
            if not message.get("more_body", False):
                return bytes(body) if heard <= self._octets else None
        return None
