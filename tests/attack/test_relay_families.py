"""ATTACKS 27: wishes for a second address that clash get none; who has no IPv6 says so (RFC 8656 section 7.2)."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from bench.turn_client import (
    ADDITIONAL_ADDRESS_FAMILY,
    EVEN_PORT,
    IPV4,
    IPV6,
    REQUESTED_ADDRESS_FAMILY,
    Attributes,
)

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.relay_crowd import Crowd

BOTH = {ADDITIONAL_ADDRESS_FAMILY: IPV6}
CLASHES: dict[str, Attributes] = {
    "beside IPv4, IPv4": {ADDITIONAL_ADDRESS_FAMILY: IPV4},
    "with a family of its own": BOTH | {REQUESTED_ADDRESS_FAMILY: IPV4},
    "with the next port kept": BOTH | {EVEN_PORT: b"\x80"},
    "too short": {ADDITIONAL_ADDRESS_FAMILY: b"\x02"},
}


@pytest.fixture
def crowd(town: Network, house: Deployment) -> Iterator[Crowd]:
    """Nobody yet."""
    with ExitStack() as kept:
        yield Crowd(town, house, kept)


def test_what_clashes_is_a_bad_request(crowd: Crowd) -> None:
    alice, host = crowd.seat("alice"), crowd.host()
    for what, wishes in CLASHES.items():
        assert crowd.refusal(alice, host, "udp", wishes) == 400, what


def test_without_ipv6_there_is_one_address_and_a_reason(crowd: Crowd, house: Deployment) -> None:
    alice = crowd.allocate(crowd.seat("alice"), crowd.host(), "udp", BOTH)
    assert alice.relayed[0] == house.host.address
    assert alice.also_relayed == ("", 0)
    assert alice.address_error == 440
