"""ATTACKS 6: nobody registers for, takes over, or unregisters another; and nobody is ten thousand devices."""

import pytest

from tests.clients.calls import DOMAIN, next_message, registered
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_dialog import values_of
from tests.clients.sip_line import request, status_of
from vestibule.registrar.bindings import MOST_CONTACTS

ALICE, BOB, CAROL = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "carol"))
USUAL = "<sip:test@192.0.2.1:5061;transport=tls>"


def register(sender: str, contact: str, *, to: str | None = None, headers: str = "") -> str:
    """A REGISTER with these contacts."""
    message = request("REGISTER", DOMAIN, sender, to=to or sender, headers=headers)
    return message.replace(f"Contact: {USUAL}", f"Contact: {contact}")


def test_another_is_neither_joined_nor_removed(town: Network, house: Deployment) -> None:
    with (
        registered(town, house, "bob", "carol") as (bob, carol),
        device_line(town.server, house, "alice") as thief,
    ):
        for attempt in (
            register(ALICE, "<sip:thief@192.0.2.9>", to=BOB),
            register(BOB, "<sip:thief@192.0.2.9>", to=BOB),
            register(ALICE, "*", to=BOB, headers="Expires: 0"),
            register(ALICE, f"{USUAL};expires=0", to=BOB),
            register(ALICE, USUAL, to="sip:BOB@vestibule.test"),
        ):
            assert thief.ask(attempt) == 403, attempt
        next_message(carol, CAROL, bob, BOB)


def test_anothers_contact_brings_none_of_its_calls(town: Network, house: Deployment) -> None:
    with (
        registered(town, house, "bob", "carol") as (bob, carol),
        device_line(town.server, house, "alice") as thief,
    ):
        assert thief.ask(register(ALICE, f'{USUAL}, <{BOB}>;+sip.instance="<urn:x:bob>"')) == 200
        next_message(carol, CAROL, bob, BOB)
        assert thief.ask(register(ALICE, "*", headers="Expires: 0")) == 200
        next_message(carol, CAROL, bob, BOB)


def test_one_person_has_a_few_contacts(town: Network, house: Deployment) -> None:
    with device_line(town.server, house, "alice") as line:
        one_by_one = [
            line.ask(register(ALICE, f"<sip:phone{number}@192.0.2.1>"))
            for number in range(MOST_CONTACTS + 1)
        ]
        assert one_by_one == [200] * MOST_CONTACTS + [403]
        line.send(register(ALICE, "").replace("Contact: \n", ""))
        assert len(values_of(line.final(), "Contact")) == MOST_CONTACTS
        assert line.ask(register(ALICE, "*", headers="Expires: 0")) == 200
        at_once = ", ".join(f"<sip:phone{number}@192.0.2.1>" for number in range(MOST_CONTACTS + 1))
        assert line.ask(register(ALICE, at_once)) == 403
        assert line.ask(register(ALICE, ", ".join([USUAL] * 100))) == 400


@pytest.mark.parametrize(
    ("contact", "headers"),
    [("*", ""), ("*", "Expires: 60"), (f"*, {USUAL}", "Expires: 0"), ("<nonsense", "")],
)
def test_a_wildcard_that_is_not_one_changes_nothing(
    town: Network, house: Deployment, contact: str, headers: str
) -> None:
    with device_line(town.server, house, "alice") as line:
        assert line.ask(register(ALICE, USUAL)) == 200
        assert line.ask(register(ALICE, contact, headers=headers)) in (400, 416)
        line.send(register(ALICE, "").replace("Contact: \n", ""))
        answered = line.final()
        assert status_of(answered) == 200
        assert len(values_of(answered, "Contact")) == 1


def test_an_earlier_registration_does_not_undo_a_later_one(
    town: Network, house: Deployment
) -> None:
    with device_line(town.server, house, "alice") as line:
        for number, expires, status in ((5, 600, 200), (4, 0, 500), (5, 0, 500), (6, 0, 200)):
            message = request(
                "REGISTER", DOMAIN, ALICE, to=ALICE, headers=f"Expires: {expires}", cseq=number,
                call_id="order",
            )  # fmt: skip
            assert line.ask(message) == status
