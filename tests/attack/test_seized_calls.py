"""ATTACKS 14: REFER, NOTIFY, Replaces and Join from outside a call take no call over."""

from collections.abc import Iterator

import pytest

from tests.clients.calls import KEYED, SDP, connect, next_message, registered
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, later, values_of
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


def test_a_call_is_not_transferred_by_a_stranger(lines: list[SipLine]) -> None:
    alice, bob, carol = lines
    accepted = connect(alice, ALICE, bob, BOB)
    stolen = later("REFER", accepted, cseq=7, headers=f"Refer-To: <{CAROL}>")
    old = header_of(stolen, "From").split(">")[0].lstrip("<")
    assert carol.ask(stolen.replace(f"From: <{old}>", f"From: <{CAROL}>")) == 403
    ends(alice, bob, accepted)


@pytest.mark.parametrize("header", ["Replaces", "Join"])
def test_who_is_in_one_call_takes_no_other_of_the_same_person(
    lines: list[SipLine], header: str
) -> None:
    alice, bob, carol = lines
    theirs, mine = connect(alice, ALICE, bob, BOB), connect(carol, CAROL, bob, BOB)
    tags = [header_of(theirs, name).split("tag=")[1] for name in ("To", "From")]
    place = f"{header_of(theirs, 'Call-ID')};to-tag={tags[0]};from-tag={tags[1]}"
    for to in (header_of(mine, "To"), f"<{BOB}>;tag=another"):
        seizing = later("INVITE", mine, headers=f"{SDP}\n{header}: {place}", body=KEYED)
        assert carol.ask(seizing.replace(f"To: {header_of(mine, 'To')}", f"To: {to}")) == 403
    ends(carol, bob, mine)
    ends(alice, bob, theirs)


@pytest.mark.parametrize(
    "target",
    ["<sip:thief@192.0.2.9>", "<sip:carol@evil.example>", "<https://evil.example/>",
     "<sip:carol@vestibule.test;method=BYE>", "<sip:carol@vestibule.test?Replaces=x>"],
)  # fmt: skip
def test_a_transfer_leads_to_no_other_place(lines: list[SipLine], target: str) -> None:
    alice, bob, _ = lines
    accepted = connect(alice, ALICE, bob, BOB)
    assert alice.ask(later("REFER", accepted, headers=f"Refer-To: {target}")) in (403, 416)
    ends(alice, bob, accepted)


@pytest.mark.parametrize("name", ["Referred-By", "referred-by", "b"])
def test_a_transfer_is_in_nobody_elses_name(lines: list[SipLine], name: str) -> None:
    alice, bob, carol = lines
    accepted = connect(alice, ALICE, bob, BOB)
    forged = f"{name}: <sip:admin@vestibule.test>"
    alice.send(later("REFER", accepted, headers=f"Refer-To: <{CAROL}>\n{forged}"))
    received = bob.receive()
    bob.send(answer(received, 603))
    assert values_of(received, "Referred-By") == [f"<{ALICE}>"]
    assert "admin@" not in received
    assert status_of(alice.final()) == 603
    ends(alice, bob, accepted, cseq=3)
    bob.send(request("INVITE", CAROL, BOB, headers=f"{SDP}\n{forged}", body=KEYED))
    received = carol.receive()
    carol.send(answer(received, 603))
    assert carol.receive().startswith("ACK ")
    assert "admin@" not in received
    assert status_of(bob.final()) == 603


def ends(caller: SipLine, callee: SipLine, accepted: str, cseq: int = 9) -> None:
    """The next that the callee hears of is that the caller hangs up."""
    caller.send(later("BYE", accepted, cseq=cseq))
    received = callee.receive()
    assert received.startswith("BYE "), received
    assert header_of(received, "Call-ID") == header_of(accepted, "Call-ID")
    callee.send(answer(received, 200))
    assert status_of(caller.final()) == 200
