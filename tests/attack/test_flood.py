"""ATTACKS 58, 59, 60: who floods from one address is turned away before the handshake; others are served (N9)."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Host, Network
from tests.clients.sip_line import request

ALICE, DOMAIN = "sip:alice@vestibule.test", "sip:vestibule.test"
_HONEST = 50
_BAD = 3000


class Flood:
    """Connections from one host, as fast as it can, each saying one bad thing and gone."""

    def __init__(self, host: Host, deployment: Deployment, said: bytes) -> None:
        self._host, self._said = host, said
        facts = deployment.facts
        self._target = (facts["host"], facts["sip_tls_port"])
        self._stop = threading.Event()
        self.made = 0

    def __enter__(self) -> "Flood":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        self._host.enter()
        while not self._stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self._target, 5.0) as line:
                self.made += 1
                line.sendall(self._said)


@pytest.fixture(
    params=[b"", b"OPTIONS sip:x SIP/2.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" + bytes(300)],
    ids=["nothing", "plaintext", "a broken hello"],
)
def flood(
    network: Network, deployment: Deployment, request: pytest.FixtureRequest
) -> Iterator[Flood]:
    with Flood(network.add_host(), deployment, request.param) as flood:
        yield flood


def test_a_member_elsewhere_is_served_all_the_while(
    network: Network, deployment: Deployment, flood: Flood
) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        answered = 0
        while answered < _HONEST or flood.made < _BAD:
            assert line.ask(request("OPTIONS", DOMAIN, ALICE)) == 200
            answered += 1
    with device_line(network.add_host(), deployment, "bob") as another:
        bob = deployment.user("bob").sip
        assert another.ask(request("OPTIONS", DOMAIN, bob)) == 200, "new people get in too"
