"""ATTACKS 59, 60: one address holds so many connections, and comes back so often; all before any handshake."""

import contextlib
import ssl
from collections.abc import Iterator

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import RunningEdge, wait_until

MOST = 20
"""Of one address at once; as many may be opened in ten seconds."""


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(TestAuthority(), max_connections_per_address=MOST) as running:
        yield running


def connected(edge: RunningEdge) -> ssl.SSLSocket | None:
    """One more connection, up to the end of its handshake; None if it was turned away."""
    with contextlib.suppress(OSError):
        return edge.connect()
    return None


def test_one_address_holds_so_many_at_once(edge: RunningEdge) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(MOST):
            held.enter_context(edge.connect())

        def is_full() -> bool:
            """Seen only once there is time for one more: until then it came too often."""
            more = connected(edge)
            assert more is None
            return edge.edge.counters()["refused_address_limit"] > 0

        wait_until(is_full, "turned away for holding too many")
        assert edge.edge.counters()["connections_open"] == MOST
        assert edge.edge.counters()["handshake_failed"] == 0, "it cost no handshake"


def test_one_address_comes_back_only_so_often(edge: RunningEdge) -> None:
    turned_away = 0
    for _ in range(2 * MOST):
        one = connected(edge)
        turned_away += one is None
        if one is not None:
            one.close()
    assert turned_away > 0
    wait_until(lambda: edge.edge.counters()["connections_open"] == 0, "all gone")
    counters = edge.edge.counters()
    assert counters["refused_accept_rate"] > 0
    assert counters["handshake_failed"] == 0

    def is_served() -> bool:
        with contextlib.suppress(OSError), edge.connect() as one:
            one.sendall(b"\r\n\r\n")
            return one.recv(2) == b"\r\n"
        return False

    wait_until(is_served, "served again after a while")
