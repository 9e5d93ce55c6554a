"""ATTACKS 16, 23: a page of another origin, or of a name that was made to lead here, opens no SIP over WebSocket."""

from collections.abc import Iterator

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import HOST, ORIGIN, RunningEdge, read_to_end

REQUEST = b"GET /sip HTTP/1.1\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HOST_LINE = f"Host: {HOST}\r\n".encode()
SIP = b"Sec-WebSocket-Protocol: sip\r\n"


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority()) as running:
        yield running


def status(edge: RunningEdge, *headers: bytes, host: bytes = HOST_LINE) -> int:
    """What a handshake with these headers is answered with, when it isn't opened."""
    with edge.connect() as client:
        client.sendall(REQUEST + host + UPGRADE + b"".join(headers) + b"\r\n")
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


@pytest.mark.parametrize(
    "host",
    [b"evil.test", b"127.0.0.1", b"ours.test.evil.test", b"ours.test:444", b"ours.test, evil.test"],
)
def test_another_name_of_ours_is_misdirected(edge: RunningEdge, host: bytes) -> None:
    """An own page's Origin doesn't help, nor does none at all."""
    for origin in (b"", b"Origin: " + ORIGIN.encode() + b"\r\n"):
        assert status(edge, SIP, origin, host=b"Host: " + host + b"\r\n") == 421


@pytest.mark.parametrize("hosts", [b"", HOST_LINE * 2, HOST_LINE + b"Host: evil.test\r\n"])
def test_one_host_is_needed(edge: RunningEdge, hosts: bytes) -> None:
    assert status(edge, SIP, host=hosts) == 400


@pytest.mark.parametrize("origin", [b"", b"Origin: " + ORIGIN.encode() + b"\r\n"])
def test_our_origin_or_no_browser_is_let_in(edge: RunningEdge, origin: bytes) -> None:
    with edge.connect() as client:
        client.sendall(REQUEST + HOST_LINE + UPGRADE + SIP + origin + b"\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        assert edge.opened().transport == "wss"
    edge.counted("flows_closed")
    edge.edge.drain()
