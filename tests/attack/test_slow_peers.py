"""ATTACKS 58: half-open connections and slow-loris, on TLS, SIP, HTTP and WebSocket. Deadlines are short here."""

import asyncio
import itertools
import select
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from websockets.sync.client import connect as connect_websocket
from websockets.typing import Subprotocol

from tests.certificates import TestAuthority
from tests.running_edge import DEADLINE, HOST, RunningEdge, options, wait_until
from vestibule._native import FlowClosed
from vestibule.edge import proxied_http
from vestibule.edge.http_backend import HttpBackend

SHORT = 0.3


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def edge(authority: TestAuthority) -> Iterator[RunningEdge]:
    with RunningEdge(
        authority, handshake_seconds=SHORT, message_seconds=SHORT, unproven_seconds=2 * SHORT
    ) as running:
        yield running


@pytest.fixture
async def web(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningEdge]:
    """An edge with an application behind it, in which requests must come in time."""
    monkeypatch.setattr(proxied_http, "REQUEST_SECONDS", SHORT)
    app = FastAPI()

    @app.post("/")
    async def take(request: Request) -> int:
        return len(await request.body())

    backend = HttpBackend(app, tmp_path / "run")
    await backend.start()
    with RunningEdge(authority, http_backend=str(backend.path)) as running:
        yield running
    await backend.stop()


def drip(
    stream: socket.socket, octets: bytes, send: Callable[[bytes], object] | None = None
) -> None:
    """Send an octet every now and then until the server ends it."""
    give_up = time.monotonic() + DEADLINE
    for number in itertools.count():
        assert time.monotonic() < give_up, "never ended"
        try:
            (send or stream.sendall)(octets[number % len(octets) :][:1])
            if select.select([stream], [], [], SHORT / 10)[0] and not stream.recv(65536):
                return
        except (OSError, ssl.SSLError, ValueError):  # ValueError: a library has closed it for us
            return


def test_a_hello_in_drips_is_ended(edge: RunningEdge) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01" + bytes(500)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE) as plain:
        drip(plain, hello)
    edge.counted("handshake_timeout")


def test_silence_before_the_hello_is_ended(edge: RunningEdge) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE) as plain:
        assert plain.recv(10) == b""
    edge.counted("handshake_timeout")


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 500, b"OPTIONS"])
def test_a_first_line_or_head_in_drips_is_ended(edge: RunningEdge, head: bytes) -> None:
    with edge.connect() as client:
        drip(client, head + b"x" * 5000)
    edge.counted("first_bytes_timeout")


def test_a_message_in_drips_is_ended_even_of_somebody_proven(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options())
        flow = edge.opened().flow
        edge.message()
        edge.edge.prove_flow(flow)
        drip(client, b"OPTIONS sip:d.test SIP/2.0\r\nSubject: " + b"x" * 5000)
    assert edge.next(FlowClosed).reason == "message not finished in time"
    edge.counted("closed_incomplete")


_POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
_BODY = b"Content-Length: 5000\r\n\r\n"
_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "drips"),
    [
        (_POST + _BODY, b"x"),
        (_POST + _CHUNKS, b"1\r\nx\r\n"),
        (_POST + b"Content-Length: 1\r\n\r\nx" + _POST, b"X: x\r\n"),  # the second's head
    ],
    ids=["a body", "chunks", "a later head"],
)
async def test_a_request_in_drips_is_ended(web: RunningEdge, begun: bytes, drips: bytes) -> None:
    def attack() -> None:
        with web.connect() as client:
            client.sendall(begun)
            drip(client, drips)

    await asyncio.to_thread(attack)


def test_a_websocket_in_drips_is_ended(edge: RunningEdge) -> None:
    with connect_websocket(
        f"wss://{HOST}/sip",
        sock=socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE),
        ssl=edge.context(),
        server_hostname="127.0.0.1",
        subprotocols=[Subprotocol("sip")],
    ) as client:
        drip(client.socket, b"\x81\xfe\x10\x00mask" + b"x" * 5000)
        edge.opened()
        assert edge.next(FlowClosed).reason == "not proven in time"
    edge.counted("closed_unproven")


def test_who_never_proves_anything_is_ended_however_busy(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(b"\r\n\r\n")
        edge.opened()
        drip(client, b"x", lambda _: client.sendall(b"\r\n\r\n"))
        assert edge.next(FlowClosed).reason == "not proven in time"


def test_who_does_not_read_is_ended(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options())
        flow = edge.opened().flow
        edge.message()
        edge.edge.prove_flow(flow)
        ended: list[str] = []

        def has_ended() -> bool:
            edge.edge.send(flow, bytes(65536))
            events = edge.edge.drain()
            ended.extend(event.reason for event in events if isinstance(event, FlowClosed))
            return bool(ended)

        wait_until(has_ended, "the flow ends")
    assert ended == ["peer doesn't read"]
    edge.counted("closed_not_reading")


def test_connect_and_reset_leaves_nothing_behind(edge: RunningEdge) -> None:
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    wait_until(lambda: edge.edge.counters()["connections_open"] == 0, "all are gone")
    counters = edge.edge.counters()
    gone = counters["handshake_abandoned"] + counters["refused_accept_rate"]
    assert gone > 0
    assert edge.quiet()
