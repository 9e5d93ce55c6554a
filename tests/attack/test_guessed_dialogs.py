"""ATTACKS 8: who knows Call-ID, tags and route of a dialog owns nothing of it."""

import secrets
from collections.abc import Iterator

import pytest

from tests.clients.calls import KEYED, SDP, connect, registered
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.participant import C3P, Participant
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import SipLine, header_of, status_of

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))
BODIES = {"BYE": ("", ""), "INVITE": (SDP, KEYED), "INFO": ("", ""), "REFER": ("", "")}


@pytest.fixture(scope="module")
def lines(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's, Bob's and Carol's devices."""
    with registered(town, house, "alice", "bob", "carol") as lines:
        yield lines


def as_sent_by(sender: str, message: str) -> str:
    """The same with the tags that it has, from somebody else and as a transaction of its own."""
    old = header_of(message, "From").split(">")[0].lstrip("<")
    own = message.replace("branch=z9hG4bK", f"branch=z9hG4bK{secrets.token_hex(4)}")
    return own.replace(f"From: <{old}>", f"From: <{sender}>")


@pytest.mark.parametrize("method", BODIES)
def test_a_call_is_its_two_peoples(lines: list[SipLine], method: str) -> None:
    alice, bob, carol = lines
    accepted = connect(alice, ALICE, bob, BOB)
    headers, body = BODIES[method]
    stolen = later(method, accepted, cseq=7, headers=headers, body=body)
    assert carol.ask(as_sent_by(CAROL, stolen)) == 403
    assert carol.ask(stolen) == 403, "nor under her name"
    routeless = "\n".join(row for row in stolen.split("\n") if not row.startswith("Route"))
    assert carol.ask(as_sent_by(CAROL, routeless)) in (404, 481)
    alice.send(later("BYE", accepted, cseq=2))
    received = bob.receive()
    assert received.startswith("BYE "), "the next that Bob hears is Alice's"
    bob.send(answer(received, 200))
    assert status_of(alice.final()) == 200


@pytest.mark.parametrize("method", ["BYE", "INFO", "INVITE"])
def test_a_seat_in_a_meeting_is_its_devices(
    town: Network, house: Deployment, lines: list[SipLine], method: str
) -> None:
    carol = lines[2]
    with Participant(town.server, house, "alice") as alice:
        joined = alice.join()
        stolen = later(method, joined, cseq=50, headers=C3P)
        assert carol.ask(as_sent_by(CAROL, stolen)) == 403
        assert carol.ask(stolen) == 403
        with device_line(town.server, house, "alice") as another_device:
            assert another_device.ask(stolen) == 403, "its own person's, but not by this connection"
        assert alice.watch() == 200, "she is still inside"
        assert status_of(alice.ask("BYE")) == 200


def test_a_roster_subscription_is_its_devices(
    town: Network, house: Deployment, lines: list[SipLine]
) -> None:
    carol = lines[2]
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        assert alice.watch() == 200
        notify = alice.next_of("NOTIFY")
        stolen = later("SUBSCRIBE", notify, headers="Event: conference\nExpires: 0")
        swapped = stolen.replace("From:", "X:").replace("To:", "From:").replace("X:", "To:")
        assert carol.ask(as_sent_by(CAROL, swapped)) == 403
        with Participant(town.server, house, "bob") as bob:
            bob.join()
            assert alice.hears_of(BOB), "she still watches"
