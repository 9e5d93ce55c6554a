"""ATTACKS 14: REFER, NOTIFY, Replaces and Join from outside a call take no call over."""

from collections.abc import Iterator

import pytest

from tests.clients.calls import KEYED, SDP, connect, next_message, registered
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


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("REFER", "Refer-To: <sip:thief@192.0.2.9>"),
        ("NOTIFY", "Event: refer\nSubscription-State: terminated"),
        ("NOTIFY", "Event: check-sync"),
        ("UPDATE", ""), ("INFO", ""), ("BYE", ""), ("PRACK", "RAck: 1 1 INVITE"), ("FOO", ""),
    ],
)  # fmt: skip
def test_out_of_nowhere_it_reaches_nobody(lines: list[SipLine], method: str, headers: str) -> None:
    alice, bob, carol = lines
    assert carol.ask(request(method, BOB, CAROL, headers=headers)) in (405, 481)
    next_message(alice, ALICE, bob, BOB)


@pytest.mark.parametrize("header", ["Replaces", "replaces", "Join"])
def test_a_call_that_takes_the_place_of_another_is_refused(
    lines: list[SipLine], header: str
) -> None:
    alice, bob, carol = lines
    accepted = connect(alice, ALICE, bob, BOB)
    call_id, to = header_of(accepted, "Call-ID"), header_of(accepted, "To").split("tag=")[1]
    tags = f"to-tag={to};from-tag={header_of(accepted, 'From').split('tag=')[1]}"
    for require in ("", "Require: replaces\n"):
        seizing = f"{SDP}\n{require}{header}: {call_id};{tags}"
        assert carol.ask(request("INVITE", BOB, CAROL, headers=seizing, body=KEYED)) == 403
    alice.send(later("REFER", accepted, headers="Refer-To: <sip:carol@vestibule.test>"))
    received = bob.receive()
    assert received.startswith("REFER "), "within the call it is between the two"
    bob.send(answer(received, 603))
    assert status_of(alice.final()) == 603
    alice.send(later("BYE", accepted, cseq=3))
    bob.send(answer(bob.receive(), 200))
    assert status_of(alice.final()) == 200
