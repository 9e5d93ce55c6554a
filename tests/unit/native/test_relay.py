"""The relay's Python class, over real sockets on loopback."""

import secrets
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.clients.deadline import eventually
from vestibule._native import Relay

COOKIE = 0x2112A442
BINDING, ALLOCATE = 0x0001, 0x0003
ERROR_CODE, REALM, NONCE, XOR_MAPPED_ADDRESS, REQUESTED_TRANSPORT = 0x09, 0x14, 0x15, 0x20, 0x19


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay(bind=["127.0.0.1"], ports=[0], advertise=["127.0.0.1"], realm="vestibule.test")
    yield relay
    relay.close()


@pytest.fixture
def client(relay: Relay) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", relay.ports[0]))
        yield client


def exchange(client: socket.socket, method: int, attributes: bytes = b"") -> dict[int, bytes]:
    """Send a request and give the attributes of its answer, and its type as 0."""
    transaction = secrets.token_bytes(12)
    client.send(struct.pack("!HHI", method, len(attributes), COOKIE) + transaction + attributes)
    answer = client.recv(2048)
    assert answer[4:20] == struct.pack("!I", COOKIE) + transaction
    found = {0: answer[:2]}
    rest = answer[20:]
    while rest:
        kind, length = struct.unpack("!HH", rest[:4])
        found[kind] = rest[4 : 4 + length]
        rest = rest[4 + (length + 3) // 4 * 4 :]
    return found


def test_tells_clients_their_address(relay: Relay, client: socket.socket) -> None:
    answer = exchange(client, BINDING)
    port = int.from_bytes(answer[XOR_MAPPED_ADDRESS][2:4]) ^ COOKIE >> 16
    host = int.from_bytes(answer[XOR_MAPPED_ADDRESS][4:]) ^ COOKIE
    assert (socket.inet_ntoa(host.to_bytes(4)), port) == client.getsockname()
    assert relay.ports[0] != 0


def test_challenges_strangers(relay: Relay, client: socket.socket) -> None:
    transport = struct.pack("!HHI", REQUESTED_TRANSPORT, 4, 17 << 24)
    answer = exchange(client, ALLOCATE, transport)
    assert answer[ERROR_CODE][2:4] == bytes([4, 1])
    assert answer[REALM] == b"vestibule.test"
    assert answer[NONCE].startswith(b"obMatJos2")


def test_counts(relay: Relay, client: socket.socket) -> None:
    before = relay.counters()
    assert before["bindings_answered"] == 0
    for _ in range(3):
        exchange(client, BINDING)
    # The thread publishes its counts after it has answered, so they may still be on their way.
    eventually(lambda: relay.counters()["bindings_answered"] == 3, "three bindings counted")
    relay.close()
    assert relay.counters()["bindings_answered"] == 3


def test_closing_frees_the_port_and_may_be_repeated(relay: Relay) -> None:
    relay.add_credential("ann", "secret", 60.0)
    relay.close()
    relay.close()
    relay.remove_credential("ann")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", relay.ports[0]))


def test_says_what_cannot_be(relay: Relay) -> None:
    with pytest.raises(OSError, match="in use"):
        Relay(bind=["127.0.0.1"], ports=relay.ports, advertise=["127.0.0.1"], realm="r")
    for wrong in (
        {"bind": ["nowhere"]},
        {"advertise": ["::1"]},
        {"port_low": 2, "port_high": 1},
        {"allowed_peers": ["10.0.0.0/33"]},
    ):
        settings = {"bind": ["127.0.0.1"], "ports": [0], "advertise": ["127.0.0.1"], "realm": "r"}
        with pytest.raises(ValueError, match=r"."):
            Relay(**(settings | wrong))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        relay.add_credential("ann", "secret", -1.0)
