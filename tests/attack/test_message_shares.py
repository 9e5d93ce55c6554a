"""ATTACKS 60 (N9): what one person or one address may send over all of its connections, before Python hears of it."""

import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import RunningEdge, options, wait_until
from vestibule._native import FlowOpened, SipMessage

RATE = 10.0
BURST = int(2 * RATE)
_LINES, _EACH = 8, 20


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def edge(authority: TestAuthority) -> Iterator[RunningEdge]:
    with RunningEdge(authority) as running:
        yield running


def lines(edge: RunningEdge, stack: ExitStack, many: int) -> list[tuple[int, ssl.SSLSocket]]:
    """Connections that have spoken, with their flows."""
    opened = []
    for _ in range(many):
        line = stack.enter_context(edge.connect())
        line.sendall(options("first"))
        opened.append((edge.opened().flow, line))
        edge.message()
    return opened


def answers(line: ssl.SSLSocket, many: int) -> list[str]:
    """Whole responses, all of them without a body."""
    told = b""
    while told.count(b"\r\n\r\n") < many:
        told += line.recv(65536)
    return told.decode().split("\r\n\r\n")[:many]


def heard(edge: RunningEdge) -> int:
    """How many messages Python has been told of meanwhile."""
    return sum(isinstance(event, SipMessage) for event in edge.edge.drain())


def shed(edge: RunningEdge, what: str) -> int:
    return edge.edge.counters()[f"shed_{what}"]


def test_many_lines_of_one_person_have_one_share(edge: RunningEdge) -> None:
    with ExitStack() as stack:
        talkers = lines(edge, stack, _LINES)
        for flow, _ in talkers:
            edge.edge.share_flow(flow, "person", "sip:alice@d.test", RATE)
        for _, line in talkers:
            line.sendall(b"".join(options(str(number)) for number in range(_EACH)))
        wait_until(lambda: shed(edge, "person") >= _LINES * _EACH / 3, "some are turned away")
        # A burst, another on credit, and what has come back meanwhile.
        assert heard(edge) <= 2 * BURST + 10 * RATE
        refused = edge.edge.counters_by_listener()["sip+web"]["shed_person"]
        assert refused == shed(edge, "person")


def test_what_is_over_hears_when_to_come_back(edge: RunningEdge) -> None:
    with ExitStack() as stack:
        flow, line = lines(edge, stack, 1)[0]
        edge.edge.share_flow(flow, "person", "sip:alice@d.test", RATE)
        line.sendall(b"".join(options(str(number)) for number in range(2 * BURST + 1)))
        first, *_ = answers(line, 1)
    assert first.startswith("SIP/2.0 503 ")
    assert re.search(r"(?m)^Retry-After: 2\r?$", first)
    assert re.search(r"(?m)^To: .*;tag=[0-9a-f]{16}\r?$", first)


def test_others_are_served_all_the_while(edge: RunningEdge) -> None:
    with ExitStack() as stack:
        *talkers, (other, quiet) = lines(edge, stack, _LINES + 1)
        for flow, _ in talkers:
            edge.edge.share_flow(flow, "person", "sip:alice@d.test", RATE)
        edge.edge.share_flow(other, "person", "sip:bob@d.test", RATE)
        for _, line in talkers:
            line.sendall(b"".join(options(str(number)) for number in range(_EACH)))
        wait_until(lambda: shed(edge, "person") > 0, "some are turned away")
        quiet.sendall(options("bob"))
        told: list[str] = []

        def bob_is_heard() -> bool:
            told.extend(e.call_id for e in edge.edge.drain() if isinstance(e, SipMessage))
            return "bob" in told

        wait_until(bob_is_heard, "bob is heard")


def test_connecting_anew_gives_no_new_share(edge: RunningEdge) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            flow, line = lines(edge, stack, 1)[0]
            edge.edge.share_flow(flow, "person", "sip:alice@d.test", RATE)
            line.sendall(b"".join(options(str(number)) for number in range(BURST)))
            wait_until(lambda: edge.edge.counters()["messages_received"] > 0, "it is read")
            edge.edge.close_flow(flow, "enough")
        wait_until(lambda: edge.edge.counters()["connections_open"] == 0, "it is gone")
        edge.edge.drain()
    with ExitStack() as stack:
        flow, line = lines(edge, stack, 1)[0]
        edge.edge.share_flow(flow, "person", "sip:alice@d.test", RATE)
        line.sendall(b"".join(options(str(number)) for number in range(2 * BURST)))
        assert answers(line, 1)[0].startswith("SIP/2.0 503 ")


def test_an_address_without_proof_has_one_share(authority: TestAuthority) -> None:
    with (
        RunningEdge(authority, unproven_messages_per_second=RATE) as edge,
        ExitStack() as stack,
    ):
        talkers = [stack.enter_context(edge.connect()) for _ in range(_LINES)]
        for line in talkers:
            line.sendall(b"".join(options(str(number)) for number in range(_EACH)))
        wait_until(lambda: shed(edge, "address") >= _LINES * _EACH / 3, "some are turned away")
        events = edge.edge.drain()
        assert sum(isinstance(event, SipMessage) for event in events) <= 2 * BURST + 10 * RATE
        opened = next(event for event in events if isinstance(event, FlowOpened))
        before = shed(edge, "address")
        # Whoever is proven is not held back by strangers at the same address.
        edge.edge.share_flow(opened.flow, "person", "sip:alice@d.test", 1000.0)
        # Whoever was heard first need not have spoken first.
        proven = next(line for line in talkers if line.getsockname()[1] == opened.peer_port)
        proven.sendall(options("proven"))
        told: list[str] = []

        def it_is_heard() -> bool:
            told.extend(e.call_id for e in edge.edge.drain() if isinstance(e, SipMessage))
            return "proven" in told

        wait_until(it_is_heard, "the proven one is heard")
        assert before > 0


def test_kinds_and_rates_that_make_no_sense_are_refused(edge: RunningEdge) -> None:
    with pytest.raises(ValueError, match="kind"):
        edge.edge.share_flow(1, "stranger", "x", RATE)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="messages_per_second"):
        edge.edge.share_flow(1, "person", "x", 0.0)
