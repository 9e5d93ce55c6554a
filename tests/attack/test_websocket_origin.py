"""A page of another origin can't open SIP over WebSocket with a visitor's connection."""

from collections.abc import Iterator

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import ORIGIN, RunningEdge, read_to_end

HANDSHAKE = (
    b"GET /sip HTTP/1.1\r\nHost: ours.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SIP = b"Sec-WebSocket-Protocol: sip\r\n"


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority()) as running:
        yield running


def status(edge: RunningEdge, *headers: bytes) -> int:
    """What a handshake with these headers is answered with, when it isn't opened."""
    with edge.connect() as client:
        client.sendall(HANDSHAKE + b"".join(headers) + b"\r\n")
        answer = read_to_end(client)
    assert edge.quiet()
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.test",
        b"https://ours.test.evil.test",
        b"https://evil.test/https://ours.test",
        b"https://ours.test:8443",
        b"https://ours.test/",
        b"https://OURS.test",
        b"http://ours.test",
        b"https://sub.ours.test",
        b"null",
        b"",
        b"https://ours.test https://evil.test",
    ],
)
def test_another_origin_is_forbidden(edge: RunningEdge, origin: bytes) -> None:
    assert status(edge, SIP, b"Origin: " + origin + b"\r\n") == 403


def test_two_origins_are_forbidden(edge: RunningEdge) -> None:
    ours = b"Origin: " + ORIGIN.encode() + b"\r\n"
    assert status(edge, SIP, ours, b"Origin: https://evil.test\r\n") == 403


def test_another_subprotocol_is_refused(edge: RunningEdge) -> None:
    ours = b"Origin: " + ORIGIN.encode() + b"\r\n"
    assert status(edge, ours) == 400
    assert status(edge, ours, b"Sec-WebSocket-Protocol: xmpp, sips\r\n") == 400


@pytest.mark.parametrize("origin", [b"", b"Origin: " + ORIGIN.encode() + b"\r\n"])
def test_our_origin_or_no_browser_is_let_in(edge: RunningEdge, origin: bytes) -> None:
    with edge.connect() as client:
        client.sendall(HANDSHAKE + SIP + origin + b"\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        assert edge.opened().transport == "wss"
    edge.counted("flows_closed")
    edge.edge.drain()
