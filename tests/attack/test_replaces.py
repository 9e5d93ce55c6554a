"""ATTACKS 14: in a call one's place is taken only by whom one has given it to, once (RFC 3891 section 8).

That it is soon too late, too, is in tests/unit/calls/test_attended_transfer.py: there time goes by hand.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from tests.clients.calls import KEYED, SDP, connect, next_message, registered
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest, device_line
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import SipLine, header_of, request, status_of

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))


def tag_of(message: str, name: str) -> str:
    return header_of(message, name).split("tag=")[1]


def place_of_caller(accepted: str) -> str:
    """The caller's place in the call that this answer made, as the called phone knows it."""
    tags = f"to-tag={tag_of(accepted, 'To')};from-tag={tag_of(accepted, 'From')}"
    return f"{header_of(accepted, 'Call-ID')};{tags}"


@dataclass
class Talk:
    """Alice's call with Bob and her call with Carol."""

    alice: SipLine
    bob: SipLine
    carol: SipLine
    with_bob: str
    with_carol: str
    place: str
    """Alice's, in the call with Carol."""
    counts: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    def refer(self, place: str = "", target: str = CAROL) -> int:
        """Alice sends Bob there; what she is answered."""
        headers = f"Refer-To: <{target}?Replaces={quote(place or self.place, safe='')}>"
        self.alice.send(later("REFER", self.with_bob, cseq=next(self.counts), headers=headers))
        return status_of(self.alice.receive())

    def gives_bob_her_place(self) -> None:
        """A REFER that Bob gets, and takes."""
        headers = f"Refer-To: <{CAROL}?Replaces={quote(self.place, safe='')}>"
        self.alice.send(later("REFER", self.with_bob, cseq=next(self.counts), headers=headers))
        received = self.bob.receive()
        assert received.startswith("REFER "), received
        self.bob.send(answer(received, 202))
        assert status_of(self.alice.final()) == 202

    def takes(self, line: SipLine, me: str, place: str = "", headers: str = "") -> int:
        """Somebody calls Carol to take that place; what they are answered."""
        return line.ask(replacing(me, CAROL, place or self.place, headers))

    def carol_hears_of_nothing(self) -> None:
        """The next that Carol's phone gets is what Alice sends it now."""
        next_message(self.alice, ALICE, self.carol, CAROL)

    def bob_takes_it(self) -> None:
        """Bob's call gets through to Carol's phone, which is busy there."""
        self.bob.send(replacing(BOB, CAROL, self.place))
        received = self.carol.receive()
        assert received.startswith("INVITE "), received
        assert header_of(received, "Replaces") == self.place
        self.carol.send(answer(received, 486))
        assert self.carol.receive().startswith("ACK ")
        assert status_of(self.bob.final()) == 486


def replacing(me: str, callee: str, place: str, headers: str = "") -> str:
    lines = f"{SDP}\nReplaces: {place}\n{headers}"
    return request("INVITE", callee, me, headers=lines, body=KEYED)


def registration(me: str, address: str) -> str:
    """A REGISTER of a phone that says it is there."""
    plain = request("REGISTER", "sip:vestibule.test", me, to=me)
    return plain.replace("<sip:test@192.0.2.1", f"<sip:test@{address}")


def registered_of(line: SipLine) -> str:
    """Where Alice's phones are, as the server says."""
    line.send(registration(ALICE, "192.0.2.1"))
    return line.final()


@pytest.fixture(scope="module")
def lines(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's, Bob's and Carol's devices."""
    with registered(town, house, "alice", "bob", "carol") as lines:
        yield lines


@pytest.fixture
def talk(lines: list[SipLine]) -> Talk:
    """Two calls."""
    alice, bob, carol = lines
    with_bob, with_carol = connect(alice, ALICE, bob, BOB), connect(alice, ALICE, carol, CAROL)
    return Talk(alice, bob, carol, with_bob, with_carol, place_of_caller(with_carol))


def test_who_was_given_a_place_takes_it_once(talk: Talk) -> None:
    talk.gives_bob_her_place()
    talk.bob_takes_it()
    assert talk.takes(talk.bob, BOB) == 403
    talk.carol_hears_of_nothing()


def test_it_leads_to_the_phone_that_has_the_call(
    town: Network, house: Deployment, talk: Talk
) -> None:
    with device_line(town.add_host(), house, "carol") as second:
        second.send(registration(CAROL, "192.0.2.2"))
        assert status_of(second.receive()) == 200
        talk.gives_bob_her_place()
        talk.bob_takes_it()
        second.send(registration(CAROL, "192.0.2.2"))
        assert status_of(second.receive()) == 200, "it hears of nothing else"


def test_nobody_takes_a_place_that_was_not_given(talk: Talk) -> None:
    for line, me in ((talk.bob, BOB), (talk.alice, ALICE), (talk.carol, CAROL)):
        assert talk.takes(line, me) == 403
    talk.carol_hears_of_nothing()


def test_nobody_takes_a_place_that_another_was_given(
    town: Network, house: Deployment, talk: Talk
) -> None:
    talk.gives_bob_her_place()
    with device_line(town.add_host(), house, "bob") as second:
        assert talk.takes(second, BOB) == 403
    for line, me in ((talk.alice, ALICE), (talk.carol, CAROL)):
        assert talk.takes(line, me) == 403
    talk.carol_hears_of_nothing()
    talk.bob_takes_it()


def test_guessed_tags_take_nothing(talk: Talk) -> None:
    talk.gives_bob_her_place()
    call_id, to, sender = talk.place.split(";")
    swapped = f"{call_id};to-tag={sender[9:]};from-tag={to[7:]}"
    for place in (
        f"{call_id};{to};from-tag=guess", f"{call_id};to-tag=guess;{sender}", f"guess;{to};{sender}",
        swapped, f"{talk.place};early-only", f"{talk.place};x=y", f"{talk.place}, {talk.place}",
        place_of_caller(talk.with_bob), "guess",
    ):  # fmt: skip
        assert talk.takes(talk.bob, BOB, place) == 403, place
    assert talk.takes(talk.bob, BOB, headers=f"Join: {talk.place}") == 403
    assert talk.takes(talk.bob, BOB, headers=f"Replaces: {talk.place}") == 400
    for place in (talk.place, swapped):
        assert talk.bob.ask(replacing(BOB, ALICE, place)) == 403
    talk.carol_hears_of_nothing()
    talk.bob_takes_it()


def test_a_call_that_has_ended_is_not_replaced(talk: Talk) -> None:
    talk.gives_bob_her_place()
    talk.alice.send(later("BYE", talk.with_carol, cseq=9))
    talk.carol.send(answer(talk.carol.receive(), 200))
    assert status_of(talk.alice.final()) == 200
    assert talk.takes(talk.bob, BOB) == 403
    assert talk.refer() == 403
    talk.carol_hears_of_nothing()


def test_a_call_whose_phone_is_gone_is_not_replaced(
    town: Network, house: Deployment, talk: Talk
) -> None:
    with device_line(town.add_host(), house, "alice") as other:
        assert other.ask(registration(ALICE, "192.0.2.2")) == 200
        with_bob = connect(other, ALICE, talk.bob, BOB)
        with_carol = connect(other, ALICE, talk.carol, CAROL)
        lost = Talk(other, talk.bob, talk.carol, with_bob, with_carol, place_of_caller(with_carol))
        lost.gives_bob_her_place()
        other.hang_up()
        eventually(lambda: "192.0.2.2" not in registered_of(talk.alice), "the connection's end")
        assert talk.takes(talk.bob, BOB, lost.place) == 403
    talk.carol_hears_of_nothing()


def test_who_is_in_no_call_gives_no_place_in_it(
    town: Network, house: Deployment, talk: Talk
) -> None:
    """Bob's other phone knows the tags, and would send Bob's first one."""
    with device_line(town.add_host(), house, "bob") as other:
        with_bob = connect(other, BOB, talk.bob, BOB)
        bobs = Talk(other, talk.bob, talk.carol, with_bob, talk.with_carol, talk.place)
        assert bobs.refer() == 403
        assert bobs.refer(target=ALICE) == 403
    next_message(talk.alice, ALICE, talk.bob, BOB)
    assert talk.takes(talk.bob, BOB) == 403
    talk.carol_hears_of_nothing()


def test_another_phone_of_the_same_person_gives_no_place(
    town: Network, house: Deployment, talk: Talk
) -> None:
    with device_line(town.add_host(), house, "alice") as other:
        with_bob = connect(other, ALICE, talk.bob, BOB)
        second = Talk(other, talk.bob, talk.carol, with_bob, talk.with_carol, talk.place)
        assert second.refer() == 403
    talk.carol_hears_of_nothing()
    next_message(talk.alice, ALICE, talk.bob, BOB)


def test_a_place_is_given_at_its_own_call_only(lines: list[SipLine], talk: Talk) -> None:
    _, bob, carol = lines
    others = place_of_caller(connect(bob, BOB, carol, CAROL))
    call_id, to, sender = talk.place.split(";")
    for place, target in (
        (others, CAROL),
        (talk.place, ALICE),
        (talk.place, BOB),
        (place_of_caller(talk.with_bob), BOB),
        (f"{call_id};to-tag={sender[9:]};from-tag={to[7:]}", ALICE),
        (f"{call_id};{to};from-tag=guess", CAROL),
        (f"{talk.place};early-only", CAROL),
        (f"{talk.place}\r\nX: y", CAROL),
        (f"{talk.place}, {talk.place}", CAROL),
    ):
        assert talk.refer(place, target) == 403
    more = f"{CAROL}?Join=x"
    headers = f"Refer-To: <{more}&Replaces={quote(talk.place)}>"
    assert talk.alice.ask(later("REFER", talk.with_bob, cseq=90, headers=headers)) == 403
    next_message(talk.alice, ALICE, talk.bob, BOB)
    assert talk.takes(talk.bob, BOB) == 403
    talk.carol_hears_of_nothing()


def test_whoever_takes_a_calls_name_has_it_forgotten_by_nobody(
    lines: list[SipLine], talk: Talk
) -> None:
    """Bob, who knows Call-ID and tags, makes a call of that name, and ends it."""
    alice, bob, _ = lines
    call_id, sender = header_of(talk.with_carol, "Call-ID"), tag_of(talk.with_carol, "From")
    invite = request("INVITE", ALICE, BOB, headers=SDP, body=KEYED, call_id=call_id)
    old = tag_of(invite, "From")
    bob.send(invite.replace(f"tag={old}", f"tag={sender}"))
    alice.send(
        answer(alice.receive(), 200, tag=tag_of(talk.with_carol, "To"), headers=SDP, body=KEYED)
    )
    accepted = bob.final()
    bob.send(later("ACK", accepted, cseq=1))
    assert alice.receive().startswith("ACK ")
    bob.send(later("BYE", accepted))
    alice.send(answer(alice.receive(), 200))
    assert status_of(bob.final()) == 200
    talk.gives_bob_her_place()
    talk.bob_takes_it()


@pytest.mark.parametrize("header", ["Replaces", "Join"])
def test_a_meeting_is_nobodys_place(
    town: Network, house: Deployment, lines: list[SipLine], header: str
) -> None:
    alice, _, carol = lines
    focus = house.facts["meeting"]["focus"]
    line = f"{header}: x;to-tag=1;from-tag=2"
    for uri in (focus, focus.replace(":focus:", ":audio-video:")):
        alice.send(request("INVITE", uri, ALICE, headers=f"{SDP}\n{line}", body=KEYED))
        refused = alice.final()
        assert refused.startswith("SIP/2.0 403 Calls can't be taken over\r\n"), refused
    with Guest(town.add_host(), house) as guest:
        seizing = guest.write("INVITE", focus, headers=f"{SDP}\n{line}", body=KEYED)
        assert guest.line.ask(seizing) == 403
        assert guest.line.ask(guest.write("INVITE", CAROL, headers=f"{SDP}\n{line}")) in (401, 403)
    next_message(alice, ALICE, carol, CAROL)
