"""ATTACKS 8, 9, 13, 14, 60, 70 on calls that the server bridges: two dialogs, a room and ports that strangers
must not touch, that lead nowhere else, carry nothing in the clear and leave nothing behind.
"""

import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.clients.calls import DOMAIN, SDP, connect, registered, ring
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment, User
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, in_dialog, later
from tests.clients.sip_line import SipLine, challenge_of, digest, header_of, request, status_of
from tests.clients.unlike_media import browser, phone, phone_answer
from vestibule.calls.bridges import MOST_OF_FLOW

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))
_PACKETS = 25


@pytest.fixture(scope="module")
def lines(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's, Bob's and Carol's devices."""
    with registered(town, house, "alice", "bob", "carol") as lines:
        yield lines


@dataclass(frozen=True, slots=True)
class Bridged:
    """A call of Alice's to Bob: what she was answered, and the INVITE that he accepted."""

    alice: SipLine
    bob: SipLine
    ok: str
    invite: str
    accepted: str

    def ask_alice_s(self, line: SipLine, method: str, *, cseq: int, body: str = "") -> int:
        """Somebody sends a request in the dialog that is Alice's; its answer."""
        headers = SDP if body else ""
        return line.ask(later(method, self.ok, cseq=cseq, headers=headers, body=body))

    def ask_bob_s(self, line: SipLine, method: str, *, cseq: int, body: str = "") -> int:
        """The same in Bob's."""
        return line.ask(self.of_bob(method, cseq=cseq, body=body))

    def of_bob(self, method: str, *, cseq: int, body: str = "") -> str:
        """A request of Bob's device in his dialog."""
        target = header_of(self.invite, "Contact").strip("<>")
        headers = SDP if body else ""
        message = request(method, target, "sip:x@x.invalid", headers=headers, body=body, cseq=cseq)
        ends = {"From": header_of(self.accepted, "To"), "To": header_of(self.accepted, "From")}
        turned = "\n".join(
            f"{name}: {value}"
            for name, value in (*ends.items(), ("Call-ID", header_of(self.invite, "Call-ID")))
        )
        return in_dialog(message, turned)

    def hang_up(self, *, cseq: int = 90) -> None:
        """Alice ends it, and Bob hears of that."""
        assert self.ask_alice_s(self.alice, "BYE", cseq=cseq) == 200
        self.bob.send(answer(expect(self.bob, "BYE"), 200))


def expect(line: SipLine, method: str) -> str:
    """The next message, which must be a request of that method."""
    received = line.receive()
    assert received.startswith(f"{method} "), received
    return received


def anew(caller: SipLine, callee: SipLine, offer: str = "") -> str:
    """Alice calls with that offer, Bob's device refuses it, and is called anew: that INVITE."""
    caller.send(request("INVITE", BOB, ALICE, headers=SDP, body=offer or browser()))
    first = expect(callee, "INVITE")
    callee.send(answer(first, 488))
    expect(callee, "ACK")
    invite = expect(callee, "INVITE")
    assert header_of(invite, "Call-ID") != header_of(first, "Call-ID")
    return invite


def bridge(
    caller: SipLine,
    callee: SipLine,
    offer: str = "",
    answered: Callable[[str], str] = phone_answer,
) -> Bridged:
    invite = anew(caller, callee, offer)
    accepted = answer(invite, 200, headers=SDP, body=answered(invite))
    callee.send(accepted)
    expect(callee, "ACK")
    ok = caller.final()
    assert status_of(ok) == 200, ok
    caller.send(later("ACK", ok, cseq=1))
    return Bridged(caller, callee, ok, invite, accepted)


# --- strangers (ATTACKS 8, 9) ---


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "REFER", "UPDATE"])
def test_a_stranger_is_heard_in_neither_dialog(lines: list[SipLine], method: str) -> None:
    alice, bob, carol = lines
    call = bridge(alice, bob)
    body = browser() if method == "INVITE" else ""
    for sender in (CAROL, ALICE, BOB):
        for message in (
            later(method, call.ok, cseq=5, headers=SDP if body else "", body=body),
            call.of_bob(method, cseq=5, body=body),
        ):
            assert carol.ask(as_from(sender, message)) in (403, 481)
    assert bob.ask(as_from(BOB, later(method, call.ok, cseq=5))) in (403, 481), "it isn't his"
    assert alice.ask(as_from(ALICE, call.of_bob(method, cseq=5))) in (403, 481), "nor hers"
    assert call.ask_alice_s(alice, "OPTIONS", cseq=6) == 200
    assert call.ask_bob_s(bob, "OPTIONS", cseq=6) == 200
    call.hang_up()


def as_from(sender: str, message: str) -> str:
    """The message with another sender, its tags as they are."""
    tag = header_of(message, "From").partition(";tag=")[2]
    rows = message.split("\n")
    at = next(number for number, row in enumerate(rows) if row.startswith("From:"))
    rows[at] = f"From: <{sender}>;tag={tag}"
    return "\n".join(rows)


def test_who_shares_a_connection_shares_no_dialog(
    town: Network, house: Deployment, lines: list[SipLine]
) -> None:
    alice, bob, _ = lines
    assert bob.ask(request("REGISTER", DOMAIN, BOB, to=BOB, headers="Expires: 0")) == 200
    with SipLine(town.add_host(), house) as shared:
        for name, aor in (("bob", BOB), ("carol", CAROL)):
            register = request("REGISTER", DOMAIN, aor, to=aor)
            assert ask_by_digest(shared, house.user(name), register) == 200
        call = bridge(alice, shared)
        for method in ("BYE", "INVITE", "OPTIONS"):
            body = phone() if method == "INVITE" else ""
            theirs = as_from(CAROL, call.of_bob(method, cseq=5, body=body))
            assert ask_by_digest(shared, house.user("carol"), theirs) == 403
        ours = as_from(BOB, call.of_bob("BYE", cseq=6))
        assert ask_by_digest(shared, house.user("bob"), ours) == 200
        alice.send(answer(expect(alice, "BYE"), 200))
    assert bob.ask(request("REGISTER", DOMAIN, BOB, to=BOB)) == 200


def ask_by_digest(line: SipLine, user: User, message: str) -> int:
    """The answer to a request that a device's secret proves."""
    method, uri, _ = message.split(" ", 2)
    line.send(message)
    challenge = challenge_of(line.final())
    proof = digest(
        challenge, method=method, uri=uri, username=user.name, password=user.device_secret
    )
    return line.ask(message.replace("\n", f"\n{proof}\n", 1).replace("branch=", "branch=z9hG4bK"))


def test_a_refusal_from_who_was_not_called_bridges_nothing(lines: list[SipLine]) -> None:
    alice, bob, carol = lines
    received = ring(alice, ALICE, bob, BOB)
    carol.send(answer(received, 488))
    assert carol.ask(request("OPTIONS", "sip:vestibule.test", CAROL)) == 200
    bob.send(answer(received, 200, headers=SDP, body=phone()))
    accepted = alice.final()
    assert "Vestibule-Media" not in accepted
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80" in accepted, "Bob's own keys, end to end"
    alice.send(later("ACK", accepted, cseq=1))
    expect(bob, "ACK")
    alice.send(later("BYE", accepted))
    bob.send(answer(bob.receive(), 200))
    assert status_of(alice.final()) == 200


def test_a_refusal_within_a_call_bridges_nothing(lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    accepted = connect(alice, ALICE, bob, BOB)
    alice.send(later("INVITE", accepted, headers=SDP, body=phone()))
    bob.send(answer(bob.receive(), 488))
    assert status_of(alice.final()) == 488
    expect(bob, "ACK")
    alice.send(later("BYE", accepted, cseq=3))
    bye = expect(bob, "BYE")
    bob.send(answer(bye, 200))
    assert status_of(alice.final()) == 200


# --- led elsewhere (ATTACKS 5, 13) ---


def test_the_second_call_goes_to_the_same_device_whatever_its_refusal_says(
    town: Network, lines: list[SipLine]
) -> None:
    alice, bob, _ = lines
    victim = town.add_host()
    with victim.listen(victim.address) as listening:
        port = listening.getsockname()[1]
        alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=browser()))
        refused = answer(
            bob.receive(), 488, headers=f"Record-Route: <sip:{victim.address}:{port};lr>"
        )
        there = f"<sip:x@{victim.address}:{port};transport=tls>"
        bob.send(refused.replace("<sip:test@192.0.2.1:5061;transport=tls>", there))
        expect(bob, "ACK")
        invite = bob.receive()
        assert invite.startswith("INVITE sip:test@192.0.2.1:5061"), invite
        bob.send(answer(invite, 486))
        assert status_of(alice.final()) == 486
        expect(bob, "ACK")
        assert not select.select([listening], [], [], 0)[0], "somebody was led here"


def test_media_goes_to_nobody_who_has_not_asked_for_it(town: Network, lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    victim, device = town.add_host(), lines[1].host
    with victim.udp() as unasked, device.udp() as own:
        unasked.bind((victim.address, 0))
        own.bind((device.address, 0))
        calls = [
            bridge(alice, bob, answered=partial(phone_answer, address=address, port=port))
            for address, port in (unasked.getsockname(), own.getsockname())
        ]
        for _ in range(_PACKETS):
            assert select.select([own], [], [], 10.0)[0], "the honest answer is sent nothing"
            own.recv(2048)
        assert not select.select([unasked], [], [], 0)[0], "a stranger was sent media"
        for call in calls:
            call.hang_up()


# --- in the clear (ATTACKS 70) ---

NO_KEYS = {
    "no key": lambda body: body.replace("a=crypto", "a=x"),
    "nothing": lambda _: "",
    "no cipher": lambda body: body.replace("AES_CM_128", "NULL"),
    "unencrypted": lambda body: body.replace("JSoj", "JSoj UNENCRYPTED_SRTP"),
    "a key for another offer": lambda body: body.replace("a=crypto:3", "a=crypto:8"),
    "a clear medium beside it": lambda body: body + "m=video 5000 RTP/AVP 31\n",
}


@pytest.mark.parametrize("change", NO_KEYS.values(), ids=list(NO_KEYS))
def test_an_answer_without_keys_ends_the_call(
    lines: list[SipLine], change: Callable[[str], str]
) -> None:
    alice, bob, _ = lines
    invite = anew(alice, bob)
    bob.send(answer(invite, 200, headers=SDP, body=change(phone_answer(invite))))
    expect(bob, "ACK")
    bye = expect(bob, "BYE")
    bob.send(answer(bye, 200))
    assert status_of(alice.final()) in (400, 488)


def test_a_later_offer_without_keys_changes_nothing(lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    call = bridge(alice, bob)
    plain = browser().replace("a=fingerprint", "a=x")
    assert call.ask_alice_s(alice, "INVITE", cseq=2, body=plain) == 488
    assert call.ask_alice_s(alice, "UPDATE", cseq=3, body=plain) == 488
    plain = phone().replace("a=crypto", "a=x")
    assert call.ask_bob_s(bob, "INVITE", cseq=2, body=plain) == 488
    assert call.ask_bob_s(bob, "UPDATE", cseq=3, body=plain) == 488
    beside = "m=video 5000 RTP/AVP 31\nc=IN IP4 192.0.2.1\n"
    assert call.ask_alice_s(alice, "INVITE", cseq=4, body=browser() + beside) == 488
    assert call.ask_bob_s(bob, "INVITE", cseq=4, body=phone(tag=3) + beside) == 488
    assert call.ask_alice_s(alice, "OPTIONS", cseq=5) == 200
    call.hang_up()


def test_every_call_has_keys_of_its_own(lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    seen: list[str] = []
    for _ in range(2):
        call = bridge(alice, bob)
        seen += [row for row in call.invite.split("\r\n") if row.startswith("a=crypto:")]
        seen += [row for row in call.ok.split("\r\n") if row.startswith("a=ice-pwd:")]
        call.hang_up()
    assert len(set(seen)) == len(seen) == 8


# --- too many, and what is left (ATTACKS 15, 60) ---


def test_one_connection_has_only_so_many_and_gets_them_back(lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    for _ in range(2):
        invites = [anew(alice, bob) for _ in range(MOST_OF_FLOW)]
        alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=browser()))
        bob.send(answer(bob.receive(), 488))
        assert status_of(alice.final()) == 488
        expect(bob, "ACK")
        for invite in invites:
            bob.send(answer(invite, 486))
            assert status_of(alice.final()) == 486
            expect(bob, "ACK")


def test_nothing_is_left_of_a_call(town: Network, house: Deployment, lines: list[SipLine]) -> None:
    alice, bob, _ = lines
    before = media_ports(house)
    bridge(alice, bob).hang_up()
    call = bridge(alice, bob)
    assert media_ports(house) > before
    assert call.ask_bob_s(bob, "BYE", cseq=2) == 200
    bye = expect(alice, "BYE")
    alice.send(answer(bye, 200))
    invite = anew(alice, bob)
    bob.send(answer(invite, 603))
    assert status_of(alice.final()) == 603
    expect(bob, "ACK")
    with registered(town, house, "carol") as (carol,):
        carol.send(request("INVITE", BOB, CAROL, headers=SDP, body=browser()))
        bob.send(answer(bob.receive(), 488))
        expect(bob, "ACK")
        invite = bob.receive()
        bob.send(answer(invite, 180))
        carol.receive()
    cancel = expect(bob, "CANCEL")
    bob.send(answer(cancel, 200))
    bob.send(answer(invite, 487))
    expect(bob, "ACK")
    eventually(lambda: media_ports(house) == before, "every port to be closed")


def media_ports(deployment: Deployment) -> int:
    """How many UDP sockets the server has in the range of media."""
    low, high = deployment.facts["media_ports"]
    pid = Path(deployment.facts["server_pid_file"]).read_text().strip()
    rows = Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
    ports = [int(row.split()[1].partition(":")[2], 16) for row in rows]
    return sum(low <= port <= high for port in ports)
