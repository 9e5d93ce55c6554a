"""One HTTP/1.1 request and its answer, whose head and body are bounded (RFC 9112, by h11)."""

import asyncio
from dataclasses import dataclass
from urllib.parse import SplitResult

import h11

_CHUNK = 65536
_LONGEST_HEAD = 16384


class BadAnswer(Exception):
    """It isn't HTTP, is cut off, or is more than was asked for."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to say: without a body a GET, with one a POST. `reads`: whose bodies are wanted."""

    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    reads: frozenset[int] = frozenset({200})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body only of a status whose body was wanted."""

    status: int
    location: str
    body: bytes


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    url: SplitResult,
    most: int,
    ask: Ask,
) -> Answer:
    """Ask what the URL names, for at most that many octets. Raises BadAnswer and OSError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    writer.write(connection.send(_request(url, ask)) or b"")
    if ask.body is not None:
        writer.write(connection.send(h11.Data(data=ask.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    try:
        head = await _head(connection, reader)
        headers = dict(head.headers)
        location = headers.get(b"location", b"").decode("latin-1")
        if head.status_code not in ask.reads:
            return Answer(head.status_code, location, b"")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise BadAnswer("the answer is compressed, which nobody asked for")
        if int(headers.get(b"content-length", b"0")) > most:
            raise BadAnswer(f"it is larger than {most} octets")
        return Answer(head.status_code, location, await _body(connection, reader, most))
    except h11.RemoteProtocolError as error:
        raise BadAnswer("the answer is not HTTP") from error


def _request(url: SplitResult, ask: Ask) -> h11.Request:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    headers = [("Host", host), ("User-Agent", "vestibule"), ("Connection", "close")]
    if ask.body is None:
        return h11.Request(method="GET", target=target, headers=[*headers, *ask.headers])
    length = ("Content-Length", str(len(ask.body)))
    return h11.Request(method="POST", target=target, headers=[*headers, length, *ask.headers])


async def _head(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    while True:
        event = await _next(connection, reader)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise BadAnswer("there is no answer")


async def _body(connection: h11.Connection, reader: asyncio.StreamReader, most: int) -> bytes:
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


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event
