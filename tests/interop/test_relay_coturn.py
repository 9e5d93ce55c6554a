"""coturn's client `turnutils_uclient` relays through our relay, and only with a credential."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import RunningEdge
from vestibule._native import Relay

UCLIENT = shutil.which("turnutils_uclient")

pytestmark = pytest.mark.skipif(UCLIENT is None, reason="no turnutils_uclient (coturn)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of the client told."""

    exit_status: int
    text: str

    def number(self, pattern: str) -> int:
        """The last number that follows the pattern."""
        return int(re.findall(pattern + r"(\d+)", self.text)[-1])


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay(
        bind=["127.0.0.1"],
        ports=[0],
        advertise=["127.0.0.1"],
        realm="vestibule.test",
        allowed_peers=["127.0.0.1/32"],
    )
    relay.add_credential("ann", "right", 600.0)
    yield relay
    relay.close()


@pytest.fixture
def echo() -> Iterator[int]:
    """A peer that sends back what it gets; gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))

        def serve() -> None:
            while data_and_sender := peer.recvfrom(65536):
                data, sender = data_and_sender
                if data == b"end":
                    return
                peer.sendto(data, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        yield peer.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", peer.getsockname())
        thread.join()


def arguments(relay: Relay, *more: str, password: str = "right") -> list[str]:
    # -c: no second allocation on a reserved port, which we don't offer.
    assert UCLIENT is not None
    credential = ["-u", "ann", "-w", password]
    return [UCLIENT, "-c", *credential, "-p", str(relay.ports[0]), *more, "127.0.0.1"]


def run(command: list[str]) -> Outcome:
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return Outcome(finished.returncode, finished.stdout + finished.stderr)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, what
        tick.wait(0.02)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param([], id="channels"),
        pytest.param(["-s"], id="send indications"),
        pytest.param(["-D", "-l", "1171"], id="padded channel data, odd and large"),
        pytest.param(["-m", "3"], id="several clients"),
    ],
)
def test_relays_to_a_peer_and_back_without_loss(relay: Relay, echo: int, way: list[str]) -> None:
    outcome = run(arguments(relay, "-e", "127.0.0.1", "-r", str(echo), "-n", "50", "-z", "5", *way))
    assert outcome.exit_status == 0, outcome.text
    sent = outcome.number("tot_send_msgs=")
    assert sent >= 50
    assert outcome.number("tot_recv_msgs=") == sent
    assert outcome.number("Total lost packets ") == 0
    counters = relay.counters()
    assert counters["packets_to_peers"] >= sent
    assert counters["packets_to_clients"] >= sent


def test_relays_between_two_clients(relay: Relay) -> None:
    outcome = run(arguments(relay, "-y", "-n", "50", "-z", "5"))
    assert outcome.exit_status == 0, outcome.text
    assert outcome.number("tot_recv_msgs=") == outcome.number("tot_send_msgs=") == 100
    assert outcome.number("Total lost packets ") == 0


def test_relays_over_tls_on_the_port_of_the_web(relay: Relay, echo: int) -> None:
    with RunningEdge(TestAuthority(), relay=relay) as running:
        over_tls = ["-t", "-S", "-p", str(running.port)]  # the last -p counts
        more = ["-e", "127.0.0.1", "-r", str(echo), "-n", "50", "-z", "5", "-m", "2"]
        outcome = run(arguments(relay, *over_tls, *more))
        assert outcome.exit_status == 0, outcome.text
        sent = outcome.number("tot_send_msgs=")
        assert sent >= 50
        assert outcome.number("tot_recv_msgs=") == sent
        assert running.edge.counters()["relay_streams"] >= 2
        counters = relay.counters()
        assert counters["packets_to_clients"] >= sent
        # With their connections the clients' allocations have ended.
        wait_until(
            lambda: relay.counters()["allocations_ended"] == counters["allocations_made"],
            "allocations end",
        )


def test_refuses_a_wrong_password(relay: Relay, echo: int) -> None:
    outcome = run(arguments(relay, "-e", "127.0.0.1", "-r", str(echo), password="wrong"))
    assert outcome.exit_status != 0
    assert relay.counters()["allocations_made"] == 0


@pytest.mark.parametrize("end", ["expired", "removed"])
def test_refuses_a_credential_that_is_over(relay: Relay, echo: int, end: str) -> None:
    command = arguments(relay, "-e", "127.0.0.1", "-r", str(echo), "-n", "2")
    assert run(command).exit_status == 0
    made = relay.counters()["allocations_made"]
    if end == "expired":
        relay.add_credential("ann", "right", 0.0)
    else:
        relay.remove_credential("ann")
    assert run(command).exit_status != 0
    assert relay.counters()["allocations_made"] == made


def test_removing_a_credential_ends_what_it_relays(relay: Relay, echo: int) -> None:
    command = arguments(relay, "-e", "127.0.0.1", "-r", str(echo), "-n", "5000", "-z", "20")
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as client:
        try:
            wait_until(lambda: relay.counters()["packets_to_clients"] > 10, "data flows")
            relay.remove_credential("ann")
            made = relay.counters()["allocations_made"]
            wait_until(lambda: relay.counters()["allocations_ended"] == made, "allocations end")
            passed = relay.counters()["packets_to_peers"]
            assert client.poll() is None, "the client sends on in vain"
            relay.close()
            assert relay.counters()["packets_to_peers"] == passed
        finally:
            client.kill()


def test_refuses_loopback_peers_by_default(echo: int) -> None:
    relay = Relay(bind=["127.0.0.1"], ports=[0], advertise=["127.0.0.1"], realm="vestibule.test")
    try:
        relay.add_credential("ann", "right", 600.0)
        run(arguments(relay, "-e", "127.0.0.1", "-r", str(echo), "-n", "5"))
        counters = relay.counters()
    finally:
        relay.close()
    assert counters["allocations_made"] > 0
    assert counters["peers_forbidden"] > 0
    assert counters["packets_to_peers"] == 0
