"""ATTACKS 15: whatever a client asks for ends by itself, at the latest with its connection."""

import re

import pytest

from tests.clients.calls import DOMAIN, registered
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.participant import Participant
from tests.clients.sip_dialog import values_of
from tests.clients.sip_line import header_of, request, status_of
from vestibule.conferencing.watchers import PACKAGE
from vestibule.registrar.registrar import LONGEST

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"


@pytest.mark.parametrize("asked", ["4294967295", "9999999999", "86400"])
def test_a_registration_lasts_an_hour_at_most(town: Network, house: Deployment, asked: str) -> None:
    with device_line(town.server, house, "alice") as line:
        line.send(request("REGISTER", DOMAIN, ALICE, to=ALICE, headers=f"Expires: {asked}"))
        found = re.search(r"expires=(\d+)", header_of(line.final(), "Contact"))
        assert found
        assert 0 < int(found[1]) <= LONGEST


@pytest.mark.parametrize("asked", ["4294967295", "86400"])
def test_a_subscription_lasts_an_hour_at_most(town: Network, house: Deployment, asked: str) -> None:
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        headers = f"Event: conference\nExpires: {asked}"
        alice.line.send(request("SUBSCRIBE", alice.focus, ALICE, headers=headers))
        granted = alice.line.final()
        assert status_of(granted) == 200
        assert 0 < int(header_of(granted, "Expires")) <= PACKAGE.maximum


def test_times_that_are_no_times_are_refused(town: Network, house: Deployment) -> None:
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        for expires, status in (("-1", 400), ("1" * 40, 400), ("soon", 400), ("1", 423)):
            headers = f"Event: conference\nExpires: {expires}"
            message = request("SUBSCRIBE", alice.focus, ALICE, headers=headers)
            assert alice.line.ask(message) == status
        long = request("REGISTER", DOMAIN, ALICE, to=ALICE, headers=f"Expires: {'1' * 40}")
        assert alice.line.ask(long) == 400


def test_a_registration_ends_with_its_connection(town: Network, house: Deployment) -> None:
    with registered(town, house, "bob"), device_line(town.server, house, "bob") as another:

        def contacts() -> list[str]:
            fetching = request("REGISTER", DOMAIN, BOB, to=BOB)
            another.send(re.sub(r"(?m)^Contact: .*\n", "", fetching))
            return values_of(another.final(), "Contact")

        assert len(contacts()) == 1
    with device_line(town.server, house, "bob") as another:
        eventually(lambda: not contacts(), "the device to be forgotten")


def test_a_seat_ends_with_its_connection(town: Network, house: Deployment) -> None:
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        assert alice.watch() == 200
        with Participant(town.add_host(), house, "bob") as bob:
            bob.join()
            alice.hears_of(BOB, "connected")
        alice.hears_of(BOB, 'state="deleted"')
