"""Bytes over TLS to a web server: the native verifier decides, asyncio moves the records."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from vestibule._native import TlsLine, TlsRefused

_CHUNK = 65536


class Trust(Protocol):
    """Whom a fetcher believes."""

    def line(self, host: str, *, lists_only: bool) -> TlsLine:
        """The TLS of one connection to that host; `lists_only` as of `OutboundTls`.

        Raises TlsRefused if it can't be a host's name.
        """

    def look(self) -> Awaitable[None]:
        """Fetch the revocation lists that a server was refused for the lack of."""


class TlsStream:
    """What `exchange` reads and writes, over a connected pair of streams."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: TlsLine
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._line = line
        self._early = b""

    async def handshake(self) -> None:
        """Up to a server that has proven who it is. Raises TlsRefused, OSError."""
        await self.drain()
        while self._line.is_handshaking:
            if not (data := await self._reader.read(_CHUNK)):
                raise TlsRefused("the connection ended", "")
            self._early += await self._take(data)

    async def read(self, most: int) -> bytes:
        """Some text; nothing at the end. Raises TlsRefused, OSError."""
        text, self._early = self._early, b""
        while not text:
            if not (data := await self._reader.read(most)):
                return b""
            text = await self._take(data)
        return text

    def write(self, data: bytes) -> None:
        """Say this at the next `drain`."""
        self._line.send(data)

    async def drain(self) -> None:
        """Send what waits. Raises OSError."""
        self._writer.write(self._line.outgoing())
        await self._writer.drain()

    async def _take(self, data: bytes) -> bytes:
        try:
            return self._line.receive(data)
        finally:
            await self.drain()  # a refusal, too, is told
