"""One HTTP/1.1 request and its answer, whose head and body are bounded (RFC 9112, by h11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult

import h11

_CHUNK = 65536
_LONGEST_HEAD = 16384


class Readable(Protocol):
    """Where octets come from; as `asyncio.StreamReader`."""

    async def read(self, most: int, /) -> bytes:
        """Some octets; none at the end."""


class Writable(Protocol):
    """Where octets go; as `asyncio.StreamWriter`."""

    def write(self, data: bytes, /) -> None:
        """Send these in time."""

    async def drain(self) -> None:
        """Wait until they are on their way."""


class BadAnswer(Exception):
    """It isn't HTTP, is cut off, or is more than was asked for."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked: a method, with more headers than every request has, and a body."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reads: frozenset[int] | None = frozenset({200})
    """The statuses whose body is wanted; None: all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: names of headers in lower case, the body only if it was wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Where a redirect leads; empty if it says nothing."""
        return self.headers.get("location", "")


GET = Call()


async def exchange(
    reader: Readable,
    writer: Writable,
    url: SplitResult,
    most: int,
    call: Call = GET,
) -> Answer:
    """Ask for what the URL names, at most that many octets of it. Raises BadAnswer and OSError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    writer.write(connection.send(_request(url, call)) or b"")
    if call.body:
        writer.write(connection.send(h11.Data(data=call.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    try:
        head = await _head(connection, reader)
        headers = dict(head.headers)
        plain = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        if call.reads is not None and head.status_code not in call.reads:
            return Answer(head.status_code, plain, b"")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise BadAnswer("the answer is compressed, which nobody asked for")
        announced = int(headers.get(b"content-length", b"0"))
        if announced > most and call.method != "HEAD":  # which tells how long a GET's would be
            raise BadAnswer(f"it is larger than {most} octets")
        return Answer(head.status_code, plain, await _body(connection, reader, most))
    except h11.RemoteProtocolError as error:
        raise BadAnswer("the answer is not HTTP") from error


def _request(url: SplitResult, call: Call) -> h11.Request:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    headers = [("Host", host), ("User-Agent", "vestibule"), ("Connection", "close"), *call.headers]
    if call.body:
        headers.append(("Content-Length", str(len(call.body))))
    return h11.Request(method=call.method, target=target, headers=headers)


async def _head(connection: h11.Connection, reader: Readable) -> h11.Response:
    while True:
        event = await _next(connection, reader)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise BadAnswer("there is no answer")


async def _body(connection: h11.Connection, reader: Readable, most: int) -> bytes:
    body = bytearray()
    while True:
        event = await _next(connection, reader)
        if isinstance(event, h11.EndOfMessage):
            return bytes(body)
        if not isinstance(event, h11.Data):
            raise BadAnswer("the answer is cut off")
        body += event.data
        if len(body) > most:
            raise BadAnswer(f"it is larger than {most} octets")


async def _next(connection: h11.Connection, reader: Readable) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event
