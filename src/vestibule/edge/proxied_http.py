"""HTTP as it comes from the edge: a PROXY header leads, and each request keeps within limits.

The edge looks at a connection's first head only; later ones are held to the same limits here, and no
request may take longer to arrive than `REQUEST_SECONDS` (ATTACKS 58, 60). What is malformed gets a
problem document (RFC 9457), as all errors of the API do.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vestibule.edge.proxy_header import NotProxiedError, ProxyHeader, parse_proxy_header

CLIENT_CERTIFICATE = "vestibule.client_certificate"
"""Name of the ASGI extension that holds the DER of the client's verified certificate, or None."""

MOST_HEAD_OCTETS = 16 * 1024
MOST_HEADERS = 100
REQUEST_SECONDS = 30.0
"""From a request's first octet to its last; bodies are small here."""

_PROXY_HEADER_SECONDS = 5.0
_GUARDED = (
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nCache-Control: no-store\r\n"
)


class _Refused(Exception):
    """Ends the parsing of a request; the status to answer with is kept beside."""


class ProxiedHttp(HttpToolsProtocol):
    """One connection that the edge has passed on."""

    _waiting: bytearray | None
    _deadline: asyncio.TimerHandle
    _certificate: bytes | None = None
    _in_head = False
    _head_octets = 0
    _refusal = 400

    # --- the connection ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the PROXY header, for a moment."""
        super().connection_made(transport)
        self._waiting = bytearray()
        self._deadline = self.loop.call_later(_PROXY_HEADER_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The edge has let go."""
        self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Octets: of the PROXY header first, of requests then."""
        if self._waiting is None:
            self._feed(data)
            return
        self._waiting += data
        try:
            header = parse_proxy_header(self._waiting)
        except NotProxiedError:
            self.transport.abort()
            return
        if header is not None:
            rest = bytes(self._waiting[header.length :])
            self._proxied(header)
            if rest:
                self._feed(rest)

    def _proxied(self, header: ProxyHeader) -> None:
        self._waiting = None
        self._deadline.cancel()
        self.client, self.server, self.scheme = header.peer, header.local, "https"
        self._certificate = header.certificate

    def _feed(self, data: bytes) -> None:
        """Octets of a value that has no end reach no callback of the parser: they are counted here."""
        if self._in_head:
            self._head_octets += len(data)
            if self._head_octets > MOST_HEAD_OCTETS:
                self._refuse(431)
                return
        super().data_received(data)

    # --- the parser's callbacks ---

    def on_message_begin(self) -> None:
        """A request begins, and its time."""
        super().on_message_begin()
        self._in_head, self._head_octets = True, 0
        self._deadline.cancel()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._too_slow)
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"] = {CLIENT_CERTIFICATE: self._certificate}

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        super().on_url(url)
        self._require(len(self.url) <= MOST_HEAD_OCTETS, 431)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._require(len(self.headers) <= MOST_HEADERS, 431)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._require(_names_one_host(self.url, self.headers), 400)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._deadline.cancel()
        super().on_message_complete()

    # --- refusals ---

    def _require(self, condition: bool, status: int) -> None:
        if not condition:
            self._refusal = status
            raise _Refused

    def send_400_response(self, msg: str) -> None:
        """What uvicorn says of a request that its parser, or one of our callbacks, gave up."""
        self._refuse(self._refusal)

    def _too_slow(self) -> None:
        begun = self.cycle is not None and self.cycle.response_started
        if begun and not self.cycle.response_complete:
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        title = HTTPStatus(status).phrase
        body = json.dumps({"type": "about:blank", "title": title, "status": status})
        head = (
            f"HTTP/1.1 {status} {title}\r\n{_GUARDED}Content-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{body}".encode("ascii"))
        self.transport.close()


def _names_one_host(target: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a target in absolute form is for the host that `Host` says (RFC 9112 section 3.2.2)."""
    if target.startswith((b"/", b"*")):
        return True
    authority = target.partition(b"//")[2].partition(b"/")[0]
    return [value for name, value in headers if name == b"host"] == [authority]
