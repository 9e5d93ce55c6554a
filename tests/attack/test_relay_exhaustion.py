"""ATTACKS 27: who may use the relay takes no more of it than a share, and others get theirs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest
from bench.turn_client import CHANNEL, Refused, TurnClient

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.clients.participant import Participant, entry_in

PER_PERSON, PER_ADDRESS = 5, 12
MOST_OF_AN_ALLOCATION = 64
"""Permissions that one allocation may have, and channels."""
QUOTA_REACHED, INSUFFICIENT_CAPACITY = 486, 508

Attack = Callable[[TurnClient, int], None]


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo whose quotas are near."""
    env = {
        "VESTIBULE_RELAY_ALLOCATIONS_PER_PERSON": str(PER_PERSON),
        "VESTIBULE_RELAY_ALLOCATIONS_PER_ADDRESS": str(PER_ADDRESS),
    }
    folder = tmp_path_factory.mktemp("relay") / "demo"
    with Deployment(network.server, folder, env=env) as deployment:
        yield deployment


class Seat:
    """Somebody in the meeting, with credentials for the relay."""

    def __init__(self, participant: Participant, deployment: Deployment) -> None:
        self._participant, self._deployment = participant, deployment
        self.renew()

    def renew(self) -> None:
        """Ask for one more credential and use that from now on."""
        granted = self._participant.add_media(f"{{{uuid4()}}}")
        self._credential = (
            entry_in(granted, "relay-username"), entry_in(granted, "relay-password"),
        )  # fmt: skip

    def client(self, host: Host, transport: str) -> TurnClient:
        """One more of its clients, at a host."""
        server = self._deployment.host.address, self._deployment.facts["turn_port"]
        if transport == "tcp":
            return TurnClient(host.connect(*server), *self._credential)
        udp = host.udp()
        udp.connect(server)
        return TurnClient(udp, *self._credential)


class Crowd:
    """Who is in the meeting now, and all that they opened."""

    def __init__(self, network: Network, deployment: Deployment, kept: ExitStack) -> None:
        self._network, self._deployment, self._kept = network, deployment, kept

    def seat(self, name: str) -> Seat:
        """Somebody comes to the meeting."""
        participant = Participant(self._network.server, self._deployment, name)
        self._kept.enter_context(participant).join()
        return Seat(participant, self._deployment)

    def host(self) -> Host:
        """A host that nobody has been at."""
        return self._network.add_host()

    def allocate(self, seat: Seat, host: Host, transport: str) -> TurnClient:
        """One more relayed address. Raises Refused."""
        client = seat.client(host, transport)
        self._kept.callback(client.close)
        client.allocate()
        return client

    def refusal(self, seat: Seat, host: Host, transport: str) -> int:
        """How one more relayed address is refused."""
        with pytest.raises(Refused) as refused:
            self.allocate(seat, host, transport)
        return refused.value.code


@pytest.fixture
def crowd(network: Network, deployment: Deployment) -> Iterator[Crowd]:
    """Nobody yet."""
    with ExitStack() as kept:
        yield Crowd(network, deployment, kept)


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
