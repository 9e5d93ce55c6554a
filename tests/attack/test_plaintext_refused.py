"""No plaintext: a TLS port answers nothing that isn't TLS, and nothing older than TLS 1.2."""

import socket
import ssl
import struct
from collections.abc import Iterator

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import DEADLINE, RunningEdge, options, read_to_end

ALERT = 21


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority(), handshake_seconds=1.0) as running:
        yield running


@pytest.mark.parametrize(
    "spoken",
    [
        options(),
        b"REGISTER sip:example.org SIP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"GET /sip HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + options(),
        b"\r\n\r\n",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
    ],
)
def test_plaintext_is_dropped_without_an_answer(edge: RunningEdge, spoken: bytes) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE) as plain:
        plain.sendall(spoken)
        answer = read_to_end(plain)
    assert answer == b"" or is_one_alert(answer), answer
    assert edge.quiet()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(edge: RunningEdge, version: ssl.TLSVersion) -> None:
    context = edge.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.connect(context)
    assert edge.quiet()


def is_one_alert(answer: bytes) -> bool:
    """A TLS record of type alert, level fatal."""
    kind, _, length = struct.unpack("!BHH", answer[:5])
    return kind == ALERT and length == 2 and len(answer) == 7 and answer[5] == 2
