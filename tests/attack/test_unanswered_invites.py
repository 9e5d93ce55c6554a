"""ATTACKS 61: what is never answered or acknowledged holds memory for a moment, and of a few only."""

from tests.clients.calls import KEYED, SDP, next_message, registered
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import answer, in_dialog
from tests.clients.sip_line import SipLine, header_of, request, status_of

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))
_MOST_OPEN = 500


def test_nothing_is_kept_of_who_has_proven_nothing(town: Network, house: Deployment) -> None:
    """A transaction that were kept until its ACK would answer the same INVITE only once."""
    invite = request("INVITE", BOB, ALICE, headers=SDP, body=KEYED)
    with SipLine(town.server, house) as line:
        assert [line.ask(invite) for _ in range(3)] == [401, 401, 401]


def test_one_connection_keeps_a_few_hundred_calls_waiting(town: Network, house: Deployment) -> None:
    with (
        registered(town, house, "bob", "carol") as (bob, carol),
        device_line(town.add_host(), house, "alice") as attacker,
    ):
        waiting = []
        for _ in range(_MOST_OPEN):
            attacker.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED))
            waiting.append(bob.receive())  # and it rings, unanswered
        more = request("INVITE", BOB, ALICE, headers=SDP, body=KEYED)
        attacker.send(more)
        refused = attacker.final()
        assert status_of(refused) == 503
        assert int(header_of(refused, "Retry-After")) > 0
        next_message(carol, CAROL, bob, BOB)
        bob.send(answer(waiting[0], 486))
        assert bob.receive().startswith("ACK ")
        ended = attacker.final()
        assert status_of(ended) == 486
        attacker.send(in_dialog(request("ACK", BOB, ALICE), ended))
        attacker.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED))
        assert bob.receive().startswith("INVITE "), "there is room for one again"


def test_what_waited_ends_with_its_connection(town: Network, house: Deployment) -> None:
    with registered(town, house, "bob") as (bob,):
        with device_line(town.server, house, "alice") as attacker:
            attacker.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED))
            ringing = bob.receive()
            bob.send(answer(ringing, 180))
            while status_of(attacker.receive()) != 180:
                pass
        assert bob.receive().startswith("CANCEL ")
