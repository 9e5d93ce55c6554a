"""The http-01 challenge (RFC 8555 section 8.3): the one plain port there is, open only during an order.

It answers the tokens of that order, and nothing else: no page, no redirect, no name of ours.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11

_SECONDS = 5.0
_LONGEST_HEAD = 4096
_MOST_CONNECTIONS = 32


class Challenges:
    """Key authorizations by path. May be filled from another thread than the event loop's."""

    def __init__(self, host: str, port: int, *, seconds: float = _SECONDS) -> None:
        self._host = host
        self._seconds = seconds
        self._port = port
        self._answers: dict[str, str] = {}
        self._open = 0

    def answer(self, path: str, authorization: str) -> None:
        """Give this to whoever asks for that path."""
        self._answers[path] = authorization

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """The port is open within the block. Raises OSError if it can't be had."""
        server = await asyncio.start_server(
            self._serve, self._host, self._port, limit=_LONGEST_HEAD
        )
        try:
            yield
        finally:
            self._answers.clear()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST_CONNECTIONS:
                async with asyncio.timeout(self._seconds):
                    await self._exchange(reader, writer)
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            pass  # strangers: nothing is owed to them
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(_LONGEST_HEAD))
        if not isinstance(event, h11.Request):
            return
        asked = event.target.decode("latin-1") if event.method == b"GET" else ""
        authorization = self._answers.get(asked)
        body = (authorization or "").encode()
        head = h11.Response(
            status_code=404 if authorization is None else 200,
            headers=[
                ("Content-Type", "application/octet-stream"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ],
        )
        for part in (head, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(part) or b"")
        await writer.drain()
