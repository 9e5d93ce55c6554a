"""Bad connections at a rate, as a process of its own: `python -m bench.bad_connections PORT AUTHORITY RATE ADDRESSES`.

It says a line when it begins, and goes on until it is ended.
"""

import asyncio
import contextlib
import os
import random
import resource
import signal
import ssl
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench.load import Target

_HOST = "127.0.0.1"
_HALF_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
_REGISTER = (
    "REGISTER sip:vestibule.test SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK{number:x}\r\n"
    "From: <sip:alice@vestibule.test>;tag=1\r\nTo: <sip:alice@vestibule.test>\r\n"
    "Call-ID: {number:x}\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
    "Contact: <sip:alice@192.0.2.1>\r\nContent-Length: 0\r\n\r\n"
)


class Attacker:
    """Bad connections at a rate, whatever becomes of those before; kinds take turns."""

    def __init__(self, target: Target, rate: int, addresses: int) -> None:
        self._target, self._rate = target, rate
        self._tls = target.tls()
        self._sources = [_loopback() for _ in range(addresses)] if addresses else None

    async def run(self) -> None:
        """Until cancelled."""
        kinds = (self._nothing, self._garbage, self._half_hello, self._after_hello, self._unproven)
        began, made = time.monotonic(), 0
        tasks: set[asyncio.Task[None]] = set()
        while True:
            due = int((time.monotonic() - began) * self._rate)
            for number in range(made, due):
                task = asyncio.create_task(self._one(kinds[number % len(kinds)], number))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            made = due
            await asyncio.sleep(0.005)

    async def _one(
        self, kind: Callable[[str, int], Coroutine[Any, Any, None]], number: int
    ) -> None:
        source = random.choice(self._sources) if self._sources else _loopback()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError, asyncio.IncompleteReadError):
            await asyncio.wait_for(kind(source, number), 15.0)

    async def _connect(
        self, source: str, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            self._target.host, self._target.port, ssl=tls, local_addr=(source, 0)
        )

    async def _nothing(self, source: str, number: int) -> None:
        _, writer = await self._connect(source)
        writer.close()

    async def _garbage(self, source: str, number: int) -> None:
        reader, writer = await self._connect(source)
        writer.write(b"OPTIONS sip:vestibule.test SIP/2.0\r\n\r\n")
        await reader.read()
        writer.close()

    async def _half_hello(self, source: str, number: int) -> None:
        reader, writer = await self._connect(source)
        writer.write(_HALF_HELLO)
        await reader.read()
        writer.close()

    async def _after_hello(self, source: str, number: int) -> None:
        reader, writer = await self._connect(source, self._tls)
        writer.write(b"OPTIONS sip:vestibule.test SIP/2.0\r\nnonsense\r\n\r\n")
        await reader.read()
        writer.close()

    async def _unproven(self, source: str, number: int) -> None:
        reader, writer = await self._connect(source, self._tls)
        writer.write(_REGISTER.format(number=number).encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.close()


def _loopback() -> str:
    """Any address of 127.0.0.0/8 but those that good people come from."""
    return f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def main(port: str, authority: str, rate: str, addresses: str) -> None:
    """Flood. No `addresses`: a new one of 127.0.0.0/8 for each connection."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    attacker = Attacker(Target(_HOST, int(port), Path(authority)), int(rate), int(addresses))
    print("flooding", flush=True)
    asyncio.run(attacker.run())


if __name__ == "__main__":
    main(*sys.argv[1:])
