"""ATTACKS 5: no header makes the server send to somewhere else, nor in circles."""

import select
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.calls import DOMAIN, KEYED, SDP, connect, next_message, registered, ring
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Host, Network
from tests.clients.sip_dialog import answer, later, values_of
from tests.clients.sip_line import SipLine, header_of, request, status_of

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))


@pytest.fixture(scope="module")
def lines(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's, Bob's and Carol's devices."""
    with registered(town, house, "alice", "bob", "carol") as lines:
        yield lines


@pytest.fixture(scope="module")
def victim(town: Network) -> Host:
    """Somebody who has no part in any of this."""
    return town.add_host()


@contextmanager
def untouched(host: Host) -> Iterator[int]:
    """A port of the host's; at the end, nobody has connected to it."""
    with host.listen(host.address) as listening:
        yield listening.getsockname()[1]
        came, _, _ = select.select([listening], [], [], 0)
        assert not came, "somebody was led here"


def test_a_route_elsewhere_is_refused(
    lines: list[SipLine], victim: Host, house: Deployment
) -> None:
    alice, bob, carol = lines
    with untouched(victim) as port:
        for route in (f"<sip:{victim.address}:{port};lr>", f"<sip:{victim.address}:{port}>"):
            message = request("MESSAGE", BOB, ALICE, headers=f"Route: {route}")
            assert alice.ask(message) == 403
        own = f"<sip:{house.facts['host']}:{house.facts['sip_tls_port']};lr>"
        both = request("MESSAGE", BOB, ALICE, headers=f"Route: {own}, {route}")
        assert alice.ask(both) == 403
        next_message(carol, CAROL, bob, BOB)


def test_answers_go_back_by_the_connection_whatever_via_says(
    lines: list[SipLine], victim: Host
) -> None:
    alice = lines[0]
    with untouched(victim) as port:
        message = request("OPTIONS", DOMAIN, ALICE)
        for there in (
            f"{victim.address}:{port}",
            f"192.0.2.1:5061;received={victim.address};rport={port};maddr={victim.address}",
        ):
            assert alice.ask(message.replace("192.0.2.1:5061;branch", f"{there};branch")) == 200


def test_calls_go_down_the_connection_whatever_contact_says(
    town: Network, house: Deployment, lines: list[SipLine], victim: Host
) -> None:
    bob = lines[1]
    with untouched(victim) as port, device_line(town.server, house, "carol") as device:
        register = request("REGISTER", DOMAIN, CAROL, to=CAROL)
        there = f"sip:x@{victim.address}:{port};transport=tls"
        assert device.ask(register.replace("sip:test@192.0.2.1:5061;transport=tls", there)) == 200
        bob.send(request("MESSAGE", CAROL, BOB))
        received = device.receive()
        assert received.startswith(f"MESSAGE {there} ")
        device.send(answer(received, 200))
        assert status_of(bob.final()) == 200
    lines[2].send(answer(lines[2].receive(), 200))  # Carol's other device was asked too


def test_a_later_request_takes_no_way_but_its_calls(lines: list[SipLine], victim: Host) -> None:
    alice, bob, _ = lines
    accepted = connect(alice, ALICE, bob, BOB)
    with untouched(victim) as port:
        there = f"sip:x@{victim.address}:{port};transport=tls"
        alice.send(later("INFO", accepted, uri=there))
        received = bob.receive()  # whatever target it names: the far end's connection
        bob.send(answer(received, 200))
        assert status_of(alice.final()) == 200
        more = later("INFO", accepted, cseq=3, headers=f"Route: <{there};lr>")
        assert alice.ask(more) == 403
    alice.send(later("BYE", accepted, cseq=4))
    bob.send(answer(bob.receive(), 200))
    assert status_of(alice.final()) == 200


def test_a_route_of_another_call_or_a_bent_one_leads_nowhere(lines: list[SipLine]) -> None:
    alice, bob, carol = lines
    accepted = connect(alice, ALICE, bob, BOB)
    token = values_of(accepted, "Record-Route")[0].split("sip:")[1].split("@")[0]
    other = later("INFO", accepted).replace(header_of(accepted, "Call-ID"), "another")
    assert alice.ask(other) == 481
    for bent in (("B" if token[0] == "A" else "A") + token[1:], token[:20], "A" * len(token)):
        assert alice.ask(later("INFO", accepted, cseq=3).replace(token, bent)) == 481
    next_message(carol, CAROL, bob, BOB)
    alice.send(later("BYE", accepted, cseq=4))
    bob.send(answer(bob.receive(), 200))
    assert status_of(alice.final()) == 200


def test_a_device_sends_no_caller_elsewhere(lines: list[SipLine], victim: Host) -> None:
    alice, bob, _ = lines
    with untouched(victim) as port:
        received = ring(alice, ALICE, bob, BOB)
        moved = answer(received, 302)
        there = f"<sip:x@{victim.address}:{port}>"
        bob.send(moved.replace(header_of(moved, "Contact"), there))
        refused = alice.final()
        assert status_of(refused) == 480
        assert victim.address not in refused
    assert bob.receive().startswith("ACK ")


def test_the_same_request_by_another_way_is_a_loop(
    town: Network, house: Deployment, lines: list[SipLine]
) -> None:
    alice, bob, _ = lines
    message = request("MESSAGE", BOB, ALICE)
    alice.send(message)
    received = bob.receive()
    with device_line(town.server, house, "alice") as way:
        assert way.ask(message.replace("branch=z9hG4bK", "branch=z9hG4bKagain")) == 482
    bob.send(answer(received, 200))
    assert status_of(alice.final()) == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [("Max-Breadth: 0", 440), ("Max-Breadth: -1", 400), ("Max-Breadth: 99999999999", 400)],
)
def test_forks_stay_within_max_breadth(lines: list[SipLine], header: str, status: int) -> None:
    invite = request("INVITE", BOB, ALICE, headers=f"{SDP}\n{header}", body=KEYED)
    assert lines[0].ask(invite) == status


def test_hops_are_counted(lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    alice.send(request("MESSAGE", BOB, ALICE).replace("Max-Forwards: 70", "Max-Forwards: 1"))
    received = bob.receive()
    assert header_of(received, "Max-Forwards") == "0"
    bob.send(answer(received, 200))
    assert status_of(alice.final()) == 200
    last = request("MESSAGE", BOB, ALICE).replace("Max-Forwards: 70", "Max-Forwards: 0")
    assert alice.ask(last) == 483


def test_the_listener_would_notice(victim: Host) -> None:
    """What the tests above rely on: a connection made to the port is seen at its end."""
    with pytest.raises(AssertionError, match="led here"), untouched(victim) as port:
        victim.connect(victim.address, port).close()
