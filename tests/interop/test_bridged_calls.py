"""A browser (aiortc, SIP over WebSocket) and a SIP phone (baresip, SDES) talk through a room of two (E11, C18)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.aiortc_media import Microphone
from tests.clients.aiortc_peer import CallPeer
from tests.clients.audio import RATE, likeness, melody
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import header_of, request, status_of
from tests.clients.socket_line import SocketLine
from tests.interop.test_baresip_calls import comes_through, phone
from tests.interop.test_linphone import linphone

SDP = "Content-Type: application/sdp"
_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Web:
    """Alice's browser."""

    host: Host
    line: SocketLine
    me: str

    def next_of(self, method: str) -> str:
        """The next request of that method."""
        while not (received := self.line.receive()).startswith(f"{method} "):
            pass
        return received


@pytest.fixture(scope="module")
def bob(
    town: Network, house: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Baresip]:
    folder = tmp_path_factory.mktemp("bridged") / "bob"
    with phone(town, house, "bob", folder, 2) as baresip:
        baresip.wait_registered()
        yield baresip


@pytest.fixture
def web(town: Network, house: Deployment) -> Iterator[Web]:
    host, me = town.add_host(), house.user("alice").sip
    with ExitStack() as opened:
        line = opened.enter_context(SocketLine(host, house, "alice"))
        assert line.ask(request("REGISTER", "sip:vestibule.test", me, to=me)) == 200
        yield Web(host, line, me)


def listens(peer: CallPeer, seed: int) -> float:
    """How much of that melody the browser hears for so long, from now."""
    (slot,) = peer.slots.values()
    before = len(slot.heard())
    enough = before + int(_SECONDS * RATE)
    eventually(lambda: len(slot.heard()) > enough, "sound to come", 30.0)
    return likeness(melody(seed, 60.0), slot.heard()[before:])


def test_a_browser_calls_a_phone(web: Web, bob: Baresip, house: Deployment) -> None:
    with CallPeer(web.host, Microphone(melody(1, 20.0))) as peer:
        offer = peer.offer().replace("\r\n", "\n")
        callee = house.user("bob").sip
        web.line.send(request("INVITE", callee, web.me, headers=SDP, body=offer))
        accepted = web.line.final()
        assert status_of(accepted) == 200, accepted
        assert header_of(accepted, "Vestibule-Media") == "bridged"
        web.line.send(later("ACK", accepted, cseq=1))
        peer.accept(accepted.partition("\r\n\r\n")[2])
        eventually(lambda: listens(peer, 2) > 0.7, "the phone in the browser", 40.0)
        comes_through(bob, 1)
        web.line.send(later("BYE", accepted))
        assert status_of(web.line.final()) == 200
        bob.wait_event("CALL_CLOSED")


def test_a_phone_calls_a_browser(web: Web, bob: Baresip) -> None:
    with CallPeer(web.host, Microphone(melody(1, 20.0))) as peer:
        bob.dial(web.me)
        by_sdes = web.next_of("INVITE")
        assert "a=crypto:" in by_sdes
        web.line.send(answer(by_sdes, 488))
        invite = web.next_of("INVITE")
        assert header_of(invite, "Vestibule-Media") == "bridged"
        web.line.send(answer(invite, 180))
        body = peer.answer(invite.partition("\r\n\r\n")[2]).replace("\r\n", "\n")
        web.line.send(answer(invite, 200, headers=SDP, body=body))
        web.next_of("ACK")
        bob.wait_event("CALL_ESTABLISHED")
        eventually(lambda: listens(peer, 2) > 0.7, "the phone in the browser", 40.0)
        comes_through(bob, 1)
        for command in ("hold", "resume"):
            bob.command(command)
            bob.wait_answer()
        eventually(lambda: listens(peer, 2) > 0.7, "the phone in the browser", 40.0)
        bob.command("hangup")
        web.line.send(answer(web.next_of("BYE"), 200))


def test_a_browser_calls_linphone(town: Network, house: Deployment, tmp_path: Path) -> None:
    host, me = town.add_host(), house.user("bob").sip
    with (
        linphone(town, house, tmp_path / "alice", "srtp", "") as alice,
        SocketLine(host, house, "bob") as line,
        CallPeer(host, Microphone(melody(2, 20.0))) as peer,
    ):
        alice.wait_registered()
        offer = peer.offer().replace("\r\n", "\n")
        line.send(request("INVITE", house.user("alice").sip, me, headers=SDP, body=offer))
        accepted = line.final()
        assert status_of(accepted) == 200, accepted
        line.send(later("ACK", accepted, cseq=1))
        peer.accept(accepted.partition("\r\n\r\n")[2])
        eventually(lambda: listens(peer, 1) > 0.7, "the phone in the browser", 40.0)
        assert likeness(melody(2, 20.0), alice.recorded(_SECONDS)) > 0.7
