"""The floor of TLS, from outside (E1, E6, E7; ATTACKS 70): versions, suites, groups, and whose order counts."""

import os
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import DEADLINE, RunningEdge

AEAD = {
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Of TLS 1.2, with an ECDSA certificate such as ours are."""
X25519, HYBRID = 0x001D, 0x11EC


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority()) as running:
        yield running


def negotiated(edge: RunningEdge, context: ssl.SSLContext) -> tuple[str, str] | None:
    """Version and suite; None if the handshake failed."""
    try:
        with edge.connect(context) as stream:
            suite = stream.cipher()
            return (stream.version() or "", suite[0] if suite else "")
    except (ssl.SSLError, ConnectionError):
        return None


def test_a_modern_peer_gets_tls_1_3_with_256_bits(edge: RunningEdge) -> None:
    assert negotiated(edge, edge.context()) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


def test_tls_1_2_has_only_aead_suites_with_forward_secrecy(edge: RunningEdge) -> None:
    every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    every.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    names = [one["name"] for one in every.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert len(names) > 50
    accepted = set()
    for name in names:
        context = edge.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{name}:@SECLEVEL=0")
        if found := negotiated(edge, context):
            assert found == ("TLSv1.2", name)
            accepted.add(name)
    assert accepted == AEAD


@pytest.mark.parametrize(
    ("offer", "chosen"),
    [
        (
            ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256",
             "ECDHE-ECDSA-AES256-GCM-SHA384"],
            "ECDHE-ECDSA-AES256-GCM-SHA384",
        ),
        (
            ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
    ],
)  # fmt: skip
def test_our_order_counts_not_the_peers(edge: RunningEdge, offer: list[str], chosen: str) -> None:
    context = edge.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(offer))
    assert negotiated(edge, context) == ("TLSv1.2", chosen)


def test_our_order_counts_in_tls_1_3_too(edge: RunningEdge) -> None:
    offer = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    said = subprocess.run(
        ["openssl", "s_client", "-brief", "-ciphersuites", offer, "-tls1_3",
         "-connect", f"127.0.0.1:{edge.port}"],
        input=b"", capture_output=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert b"Ciphersuite: TLS_AES_256_GCM_SHA384" in said.stderr


def test_a_peer_that_prefers_the_hybrid_group_gets_it(edge: RunningEdge) -> None:
    """Of groups rustls takes the peer's first; ours are all of one floor, so nothing is lost by it."""
    x25519 = os.urandom(32)
    shares = [(HYBRID, bytes(1184) + x25519), (X25519, x25519)]  # zeros are a key, if a foolish one
    with socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE) as plain:
        plain.sendall(hello(shares))
        kind, _, length = struct.unpack("!BHH", exactly(plain, 5))
        answer = exactly(plain, length)
    assert kind == 22
    share_of_ours = struct.pack("!HHHH", 0x0033, 4 + 1088 + 32, HYBRID, 1088 + 32)
    assert share_of_ours in answer


def exactly(stream: socket.socket, many: int) -> bytes:
    out = b""
    while len(out) < many:
        data = stream.recv(many - len(out))
        assert data, out
        out += data
    return out


def hello(shares: list[tuple[int, bytes]]) -> bytes:
    """A ClientHello of TLS 1.3 in its record (RFC 8446 section 4.1.2)."""
    groups = b"".join(struct.pack("!H", group) for group, _ in shares)
    keys = b"".join(struct.pack("!H", group) + vector(key) for group, key in shares)
    extensions = b"".join(
        struct.pack("!H", kind) + vector(value)
        for kind, value in {
            0x002B: b"\x02\x03\x04",  # supported_versions: 1.3
            0x000A: vector(groups),
            0x000D: vector(struct.pack("!HH", 0x0403, 0x0503)),  # ECDSA with P-256, P-384
            0x0033: vector(keys),
        }.items()
    )
    body = b"\x03\x03" + os.urandom(32) + b"\x20" + os.urandom(32)
    body += vector(struct.pack("!HH", 0x1302, 0x1301)) + b"\x01\x00" + vector(extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + vector(message)


def vector(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value
