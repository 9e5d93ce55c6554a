"""ATTACKS 9: CANCEL, ACK and responses count on the connection of their transaction only."""

from collections.abc import Iterator

import pytest

from tests.clients.calls import DOMAIN, KEYED, SDP, registered, ring
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import SipLine, header_of, request, status_of

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))


@pytest.fixture(scope="module")
def lines(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's, Bob's and Carol's devices."""
    with registered(town, house, "alice", "bob", "carol") as lines:
        yield lines


def hang_up(alice: SipLine, accepted: str, bob: SipLine) -> None:
    """Alice ends the call; nothing else comes to Bob before."""
    alice.send(later("BYE", accepted))
    received = bob.receive()
    assert received.startswith("BYE "), received
    bob.send(answer(received, 200))
    assert status_of(alice.final()) == 200


def test_anothers_cancel_ends_no_call(lines: list[SipLine]) -> None:
    alice, bob, carol = lines
    received = ring(alice, ALICE, bob, BOB)
    own, asked = header_of(received, "Via"), received.split("Via: ")[2].split("\r\n")[0]
    for via in (own, asked):
        cancel = answer(received, 100).split("\n")
        cancel[0] = f"CANCEL {BOB} SIP/2.0"
        text = "\n".join(
            row for row in cancel if not row.startswith(("Via", "Record-Route", "Contact"))
        )
        text = text.replace("1 INVITE", "1 CANCEL").replace("From:", f"Via: {via}\nFrom:")
        assert carol.ask(text) == 481
    bob.send(answer(received, 200, headers=SDP, body=KEYED))
    accepted = alice.final()
    assert status_of(accepted) == 200
    alice.send(later("ACK", accepted, cseq=1))
    assert bob.receive().startswith("ACK ")
    hang_up(alice, accepted, bob)


@pytest.mark.parametrize("status", [200, 180, 486, 603])
def test_anothers_response_answers_no_call(lines: list[SipLine], status: int) -> None:
    alice, bob, carol = lines
    received = ring(alice, ALICE, bob, BOB)
    body = {"headers": SDP, "body": KEYED} if status == 200 else {}
    carol.send(answer(received, status, **body))
    assert carol.ask(request("OPTIONS", DOMAIN, CAROL)) == 200, "what was before has been read"
    bob.send(answer(received, 404))
    while (heard := status_of(alice.receive())) == 100:
        pass
    assert heard == 404, "Bob's own answer is the first"
    assert bob.receive().startswith("ACK ")


def test_anothers_ack_acknowledges_nothing(lines: list[SipLine]) -> None:
    alice, bob, carol = lines
    received = ring(alice, ALICE, bob, BOB)
    bob.send(answer(received, 200, headers=SDP, body=KEYED))
    accepted = alice.final()
    forged = later("ACK", accepted, cseq=1)
    carol.send(forged.replace("Max-Forwards", "X-From: carol\nMax-Forwards"))
    assert carol.ask(request("OPTIONS", DOMAIN, CAROL)) == 200, "it has been read"
    alice.send(later("ACK", accepted, cseq=1))
    received = bob.receive()
    assert received.startswith("ACK ")
    assert "carol" not in received
    hang_up(alice, accepted, bob)
