"""coturn's client `turnutils_uclient` relays through our relay, and only with a credential.

`-c` means no second allocation beside the first; without it the client asks for a pair of ports, the second one by
EVEN-PORT's token.
"""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from bench.turn_client import ADDITIONAL_ADDRESS_FAMILY, CHANNEL, IPV6

from tests.certificates import TestAuthority
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.participant import Participant, entry_in
from tests.clients.relay_authentication import ask
from tests.clients.relay_crowd import Seat
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

    def assert_nothing_lost(self, at_least: int) -> None:
        """All that was sent came back."""
        assert self.exit_status == 0, self.text
        sent = self.number("tot_send_msgs=")
        assert sent >= at_least
        assert self.number("tot_recv_msgs=") == sent
        assert self.number("Total lost packets ") == 0

    def relayed(self) -> set[tuple[str, int]]:
        """The relayed addresses it got. Told with `-v` only."""
        told = re.findall(r"relay addr: (\S+):(\d+)", self.text)
        return {(address, int(port)) for address, port in told}


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay(
        bind=["127.0.0.1"],
        ports=[0, 0, 0, 0],
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
    """Of a client with one allocation."""
    return ["-c", *paired(relay, *more, password=password)]


def paired(relay: Relay, *more: str, password: str = "right") -> list[str]:
    """Of a client with a pair of allocations."""
    credential = ["-u", "ann", "-w", password]
    return [*credential, "-p", str(relay.ports[0]), *more, "127.0.0.1"]


def run(arguments: list[str]) -> Outcome:
    assert UCLIENT is not None
    command = [UCLIENT, *arguments]
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
    outcome.assert_nothing_lost(50)
    counters = relay.counters()
    assert counters["packets_to_peers"] >= 50
    assert counters["packets_to_clients"] >= 50


def test_relays_between_two_clients(relay: Relay) -> None:
    outcome = run(arguments(relay, "-y", "-n", "50", "-z", "5"))
    assert outcome.exit_status == 0, outcome.text
    assert outcome.number("tot_recv_msgs=") == outcome.number("tot_send_msgs=") == 100
    assert outcome.number("Total lost packets ") == 0


@pytest.fixture
def plain_tcp(relay: Relay) -> Iterator[None]:
    """The relay's ports are served by TCP too, as the server does."""
    with RunningEdge(TestAuthority()) as running:
        for port in relay.ports:
            assert running.edge.listen_for_relay("127.0.0.1", port, relay) == port
        yield


@pytest.mark.usefixtures("plain_tcp")
@pytest.mark.parametrize("way", [pytest.param([], id="udp"), pytest.param(["-t"], id="tcp")])
def test_relays_at_each_of_its_ports(relay: Relay, echo: int, way: list[str]) -> None:
    def relays_at(port: int) -> Outcome:
        # The last -p counts.
        more = ["-p", str(port), "-e", "127.0.0.1", "-r", str(echo), "-n", "5", "-z", "5", *way]
        return run(arguments(relay, *more))

    with ThreadPoolExecutor() as at_once:
        for outcome in at_once.map(relays_at, relay.ports):
            outcome.assert_nothing_lost(5)


@pytest.mark.usefixtures("plain_tcp")
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(["-s"], id="send indications"),
        pytest.param(["-l", "1171", "-m", "3"], id="channel data, odd and large"),
    ],
)
def test_relays_over_plain_tcp(relay: Relay, echo: int, way: list[str]) -> None:
    peer = ["-e", "127.0.0.1", "-r", str(echo)]
    run(arguments(relay, "-t", *peer, "-n", "50", "-z", "5", *way)).assert_nothing_lost(50)
    made = relay.counters()["allocations_made"]
    # With their connections the clients' allocations have ended.
    wait_until(lambda: relay.counters()["allocations_ended"] == made, "allocations end")


@pytest.mark.usefixtures("plain_tcp")
@pytest.mark.parametrize("way", [pytest.param([], id="udp"), pytest.param(["-t"], id="tcp")])
def test_relays_by_pairs_of_ports(relay: Relay, way: list[str]) -> None:
    outcome = run(paired(relay, "-v", "-y", "-n", "20", "-z", "5", *way))
    outcome.assert_nothing_lost(80)
    relayed = outcome.relayed()
    pairs = {at for at in relayed if at[1] % 2 == 0 and (at[0], at[1] + 1) in relayed}
    assert len(pairs) >= 2, relayed


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
    assert UCLIENT is not None
    more = ["-e", "127.0.0.1", "-r", str(echo), "-n", "5000", "-z", "20"]
    command = [UCLIENT, *arguments(relay, *more)]
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
        # The client may be gone before the relay has counted what it told it.
        wait_until(lambda: relay.counters()["peers_forbidden"] > 0, "a peer to be forbidden")
        counters = relay.counters()
    finally:
        relay.close()
    assert counters["allocations_made"] > 0
    assert counters["packets_to_peers"] == 0


V6 = "fd5b:2f0a:7c11::1"


@pytest.fixture(scope="module")
def dual_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo whose relay has an IPv6 address beside the IPv4 one."""
    with Network() as network:
        network.server.add_address(f"{V6}/64")
        env = {
            "VESTIBULE_RELAY_ADDRESS_V6": V6,
            "VESTIBULE_RELAY_PEERS": f"{network.server.address}/32,{V6}/128",
        }
        folder = tmp_path_factory.mktemp("dual") / "demo"
        with Deployment(network.server, folder, env=env) as deployment:
            yield deployment


def test_relays_by_ipv6(dual_stack: Deployment) -> None:
    """Asked at either address of the server, by UDP and TCP."""
    server = dual_stack.host
    with Participant(server, dual_stack, "alice") as alice:
        alice.join()
        granted = alice.add_media("{00000001-5555-5555-5555-555555555555}")
        username, password = (entry_in(granted, f"relay-{it}") for it in ("username", "password"))
        proof = ["-u", username, "-w", password]
        more = ["-p", str(dual_stack.facts["turn_port"]), "-v", "-x", "-y", "-n", "10", "-z", "5"]

        def relays(way: list[str]) -> Outcome:
            assert UCLIENT is not None
            done = server.run([UCLIENT, *proof, *more, *way])
            return Outcome(done.returncode, done.stdout + done.stderr)

        with ThreadPoolExecutor() as at_once:
            for outcome in at_once.map(relays, ([server.address], [V6], ["-t", V6])):
                outcome.assert_nothing_lost(40)
                assert {host for host, _ in outcome.relayed()} == {V6}


@pytest.mark.parametrize("way", [pytest.param([], id="udp"), pytest.param(["-t"], id="tcp")])
def test_relays_by_credentials_asked_for_over_sip(dual_stack: Deployment, way: list[str]) -> None:
    server = dual_stack.host
    with device_line(server, dual_stack, "alice") as line:
        given = ask(line, dual_stack.user("alice").sip)
    proof = ["-u", given.username, "-w", given.password]
    port = str(given.tcp_port if way else given.udp_port)
    more = ["-p", port, "-y", "-c", "-n", "10", "-z", "5", *way, given.host]
    assert UCLIENT is not None
    done = server.run([UCLIENT, *proof, *more])
    Outcome(done.returncode, done.stdout + done.stderr).assert_nothing_lost(20)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_one_allocation_is_reached_at_both_addresses(
    dual_stack: Deployment, transport: str
) -> None:
    """ADDITIONAL-ADDRESS-FAMILY, which `turnutils_uclient` can't ask for, message by message."""
    server = dual_stack.host
    with ExitStack() as kept:
        ends = []
        for name in ("alice", "bob"):
            participant = kept.enter_context(Participant(server, dual_stack, name))
            participant.join()
            seat = Seat(participant, dual_stack)
            ends.append(seat.client(server, transport))
            kept.callback(ends[-1].close)
            ends[-1].allocate({ADDITIONAL_ADDRESS_FAMILY: IPV6})
            assert ends[-1].relayed[0] == server.address
            assert ends[-1].also_relayed[0] == V6
        for one, other in (ends, ends[::-1]):
            one.bind_channel(other.relayed, CHANNEL)
            one.bind_channel(other.also_relayed, CHANNEL + 1)
        for channel, text in ((CHANNEL, b"by IPv4"), (CHANNEL + 1, b"by IPv6")):
            for one, other in (ends, ends[::-1]):
                one.send(text, channel)
                assert other.receive() == text
