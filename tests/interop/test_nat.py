"""Two ends of a call, each behind a NAT of its own, meet by our relay and by nothing else (E8, N1, N8).

The NATs are real ones (`tests/clients/nat.py`), and what passes them is counted: that they hear each other without a
datagram from the other's network is what proves the relay.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import pytest
from aiortc import RTCIceServer

from tests.clients.aiortc_media import Microphone
from tests.clients.aiortc_peer import CallPeer
from tests.clients.audio import RATE, likeness, melody
from tests.clients.calls import DOMAIN, SDP
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.nat import Nat
from tests.clients.participant import Participant, entry_in
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import request, status_of

_TUNE_SECONDS = 6.0
_SOUND_SECONDS = 3.0
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class End:
    """Somebody behind a NAT, with a device that is registered, and media of aiortc's."""

    nat: Nat
    who: Participant
    peer: CallPeer

    def call(self, other: "End") -> None:
        """INVITE through the server; the descriptions hold keys and candidates, which nobody in between reads."""
        offer = self.peer.offer().replace("\r\n", "\n")
        self.who.line.send(request("INVITE", other.who.me, self.who.me, headers=SDP, body=offer))
        invite = other.who.line.receive()
        assert invite.startswith("INVITE "), invite
        described = other.peer.answer(invite.partition("\r\n\r\n")[2]).replace("\r\n", "\n")
        other.who.line.send(answer(invite, 200, headers=SDP, body=described))
        accepted = self.who.line.final()
        assert status_of(accepted) == 200, accepted
        self.who.line.send(later("ACK", accepted, cseq=1))
        self.peer.accept(accepted.partition("\r\n\r\n")[2])

    def hears(self, seed: int) -> float:
        """How much of that melody it has heard, once some seconds have come."""
        enough = int(_SOUND_SECONDS * RATE)
        slot = self.peer.slots["0"]
        eventually(lambda: len(slot.heard()) > enough, f"sound ({self.peer.state})", 30.0)
        return likeness(melody(seed, _TUNE_SECONDS), slot.heard())


class Ends:
    """Opens ends, and closes them."""

    def __init__(self, network: Network, deployment: Deployment, kept: ExitStack) -> None:
        self._network, self._deployment, self._kept = network, deployment, kept

    def open(
        self, name: str, seed: int, uri: str = "relay-uri", *, only_tcp: tuple[str, ...] = ()
    ) -> End:
        """`uri`: which of the ways to the relay it takes. `only_tcp`: names of the only ports that it can reach."""
        ports = [self._deployment.facts[port] for port in only_tcp]
        nat = self._kept.enter_context(Nat(self._network, next(_numbers), ports))
        who = self._kept.enter_context(Participant(nat.host, self._deployment, name))
        who.join()
        granted = who.add_media(str(uuid4()))
        registered = who.line.ask(request("REGISTER", DOMAIN, who.me, to=who.me))
        assert registered == 200
        words = (entry_in(granted, entry) for entry in (uri, "relay-username", "relay-password"))
        stun = f"stun:{self._deployment.host.address}:{self._deployment.facts['turn_port']}"
        servers = [RTCIceServer(stun), RTCIceServer(*words)]
        microphone = Microphone(melody(seed, _TUNE_SECONDS))
        peer = self._kept.enter_context(CallPeer(nat.host, microphone, servers))
        return End(nat, who, peer)


@pytest.fixture
def ends(town: Network, house: Deployment) -> Iterator[Ends]:
    """Nobody yet."""
    with ExitStack() as kept:
        yield Ends(town, house, kept)


def test_two_behind_symmetric_nats_meet_by_the_relay(ends: Ends) -> None:
    alice, bob = ends.open("alice", 1), ends.open("bob", 2)
    alice.call(bob)
    assert bob.hears(1) > 0.9
    assert alice.hears(2) > 0.9
    for end in (alice, bob):
        passed = end.nat.packets()
        assert passed["to_others"] > 0, "the direct way was tried"
        assert passed["from_others"] == 0, "and doesn't lead there"
        assert passed["from_server"] > 100
        assert passed["to_server"] > 100
    assert sum(end.nat.packets()["strangers"] for end in (alice, bob)) > 0


def test_who_has_only_the_port_of_the_web_meets_others_by_the_relay(
    ends: Ends, house: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.authority))
    alice = ends.open("alice", 1)
    bob = ends.open("bob", 2, "relay-tls-uri", only_tcp=("https_port", "sip_tls_port"))
    alice.call(bob)
    assert bob.hears(1) > 0.9
    assert alice.hears(2) > 0.9
    passed = bob.nat.packets()
    assert passed["refused"] > 0, "UDP is tried and not let out"
    assert sum(passed[way] for way in ("to_server", "from_server", "to_others", "from_others")) == 0
    assert alice.nat.packets()["from_others"] == 0
