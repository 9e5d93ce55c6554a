"""ATTACKS 27: who may use the relay takes no more of it than a share, and others get theirs."""

import time
from collections.abc import Callable, Iterator

import pytest
from bench.turn_client import CHANNEL, Refused, TurnClient

from tests.attack.test_metrics import PORT, value
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.relay_crowd import Crowd

PER_PERSON, PER_ADDRESS = 5, 12
PER_SECOND = 10_000
"""Octets that one person may relay; half of it at once."""
MOST_OF_AN_ALLOCATION = 64
"""Permissions that one allocation may have, and channels."""
QUOTA_REACHED, INSUFFICIENT_CAPACITY = 486, 508

Attack = Callable[[TurnClient, int], None]


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo whose quotas are near, with metrics on loopback."""
    env = {
        "VESTIBULE_METRICS_LISTEN": f"127.0.0.1:{PORT}",
        "VESTIBULE_RELAY_KILOBITS_PER_PERSON": str(PER_SECOND * 8 // 1000),
        "VESTIBULE_RELAY_ALLOCATIONS_PER_PERSON": str(PER_PERSON),
        "VESTIBULE_RELAY_ALLOCATIONS_PER_ADDRESS": str(PER_ADDRESS),
    }
    folder = tmp_path_factory.mktemp("relay") / "demo"
    with Deployment(network.server, folder, env=env) as deployment:
        yield deployment


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_one_person_gets_so_many_allocations(crowd: Crowd, transport: str) -> None:
    alice, host = crowd.seat("alice"), crowd.host()
    held = [crowd.allocate(alice, host, transport) for _ in range(PER_PERSON)]
    for way in ("udp", "tcp"):
        assert crowd.refusal(alice, host, way) == QUOTA_REACHED
    assert crowd.refusal(alice, crowd.host(), transport) == QUOTA_REACHED
    alice.renew()
    assert crowd.refusal(alice, host, transport) == QUOTA_REACHED
    held[0].permit(("8.8.8.8", 53))  # what it holds is as good as before
    crowd.allocate(crowd.seat("bob"), crowd.host(), transport)


def test_one_address_gets_so_many_allocations_whoever_is_there(crowd: Crowd) -> None:
    alice, bob, carol = (crowd.seat(name) for name in ("alice", "bob", "carol"))
    office, elsewhere = crowd.host(), crowd.host()
    for number in range(PER_ADDRESS):
        who = (alice, bob, carol)[number // PER_PERSON]
        crowd.allocate(who, office, ("udp", "tcp")[number % 2])
    for transport in ("udp", "tcp"):
        assert crowd.refusal(carol, office, transport) == QUOTA_REACHED
        crowd.allocate(carol, elsewhere, transport)


def test_what_a_stream_held_is_free_when_it_ends(crowd: Crowd) -> None:
    alice, host = crowd.seat("alice"), crowd.host()
    held = [crowd.allocate(alice, host, "tcp") for _ in range(PER_PERSON)]
    assert crowd.refusal(alice, host, "tcp") == QUOTA_REACHED
    held[0].close()

    def gets_one() -> bool:
        try:
            crowd.allocate(alice, host, "tcp")
        except Refused as refused:
            assert refused.code == QUOTA_REACHED
            return False
        return True

    eventually(gets_one, "the quota to be given back", 20.0)


def permit(client: TurnClient, number: int) -> None:
    client.permit((f"8.8.{number}.8", 53))


def bind(client: TurnClient, number: int) -> None:
    client.bind_channel(("8.8.8.8", 1000 + number), CHANNEL + number)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("attack", [permit, bind])
def test_one_allocation_gets_so_many_peers(crowd: Crowd, attack: Attack, transport: str) -> None:
    alice, bob = crowd.seat("alice"), crowd.seat("bob")
    host = crowd.host()
    client = crowd.allocate(alice, host, transport)
    for number in range(MOST_OF_AN_ALLOCATION):
        attack(client, number)
    for number in range(MOST_OF_AN_ALLOCATION, 2 * MOST_OF_AN_ALLOCATION):
        with pytest.raises(Refused) as refused:
            attack(client, number)
        assert refused.value.code == INSUFFICIENT_CAPACITY
    attack(client, 0)  # what there is can be refreshed
    attack(crowd.allocate(bob, crowd.host(), transport), MOST_OF_AN_ALLOCATION)


def counted(deployment: Deployment) -> tuple[float, float]:
    """Packets that went on to peers, and packets that were over somebody's share."""
    kinds = "packets_to_peers", "packets_over_bandwidth"
    passed, over = (value(deployment, "relay_total", reason=kind) for kind in kinds)
    return passed, over


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_one_person_relays_so_much_a_second_whatever_they_open(
    crowd: Crowd, deployment: Deployment, transport: str
) -> None:
    alice, bob, carol = (crowd.seat(name) for name in ("alice", "bob", "carol"))
    host, elsewhere, size, many = crowd.host(), crowd.host(), 1000, 300
    peer = crowd.allocate(bob, elsewhere, "udp")
    clients = [crowd.allocate(alice, host, transport) for _ in range(2)]
    alice.renew()
    clients.append(crowd.allocate(alice, crowd.host(), transport))
    for client in clients:
        client.bind_channel(peer.relayed)
        peer.permit(client.relayed)
    passed_before, over_before = counted(deployment)
    begin = time.monotonic()
    for number in range(many):
        clients[number % 3].send(bytes(size))
    eventually(lambda: counted(deployment)[1] - over_before > many / 2, "packets to be over", 20.0)
    passed = counted(deployment)[0] - passed_before
    assert 0 < passed <= PER_SECOND / size * (0.5 + time.monotonic() - begin)
    one, other = (crowd.allocate(carol, elsewhere, "udp") for _ in range(2))
    one.bind_channel(other.relayed)
    other.bind_channel(one.relayed)
    one.send(b"carol's own")
    assert other.receive() == b"carol's own"
