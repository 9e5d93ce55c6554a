"""ATTACKS 40, 41: whoever is removed or demoted keeps nothing, and whoever is inside is listed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.clients.calls import SDP
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest
from tests.clients.namespaces import Network
from tests.clients.participant import C3P, Participant, token_in
from tests.clients.phone import Phone
from tests.clients.sip_dialog import later
from tests.clients.sip_line import request, status_of

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
ENDPOINT = "{22222222-2222-2222-2222-222222222222}"
_PACKETS = 25  # half a second of speech
SUCCESS, DENIED = 'code="success"', 'reason="accessDenied"'


@pytest.fixture
def alice(town: Network, house: Deployment) -> Iterator[Participant]:
    """The organizer, inside and watching the roster."""
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        assert alice.watch() == 200
        yield alice
        assert status_of(alice.ask("BYE")) == 200


@pytest.fixture
def bob(town: Network, house: Deployment) -> Iterator[Participant]:
    """A member, inside."""
    with Participant(town.server, house, "bob") as bob:
        bob.join()
        yield bob


def test_who_comes_in_is_listed_before_it_can_ask_for_media(
    alice: Participant, town: Network, house: Deployment
) -> None:
    with Guest(town.add_host(), house) as guest:
        assert status_of(guest.knock()) == 183
        alice.hears_of(guest.me, "pending")
        assert SUCCESS in alice.admit(guest.me)
        assert status_of(guest.line.final()) == 200
        alice.hears_of(guest.me, ">connected<")


def test_who_is_removed_is_told_and_keeps_nothing(alice: Participant, bob: Participant) -> None:
    token = token_in(bob.add_media(ENDPOINT))
    assert bob.watch() == 200
    assert SUCCESS in alice.remove(BOB)
    alice.hears_of(BOB, 'state="deleted"')
    last = bob.next_of("NOTIFY")
    while "Subscription-State: terminated" not in last:
        last = bob.next_of("NOTIFY")
    bob.next_of("BYE")
    shown = f"{SDP}\nConference-Token: {token}"
    late = request("INVITE", bob.media, BOB, headers=shown, body="v=0\n")
    assert status_of(bob.final(late)) == 403
    assert status_of(bob.command("<deleteConference/>")) == 481
    assert bob.watch() == 403
    renewal = later("SUBSCRIBE", last, headers="Event: conference")
    renewal = renewal.replace("From:", "X:").replace("To:", "From:").replace("X:", "To:")
    assert status_of(bob.final(renewal)) == 481


def test_nothing_more_is_told_to_who_was_removed(
    alice: Participant, bob: Participant, town: Network, house: Deployment
) -> None:
    assert bob.watch() == 200
    assert SUCCESS in alice.remove(BOB)
    bob.next_of("BYE")
    with Participant(town.server, house, "carol") as carol:
        carol.join()
        alice.hears_of("carol@")
    bob.line.send(request("OPTIONS", "sip:vestibule.test", BOB))
    while not (received := bob.line.receive()).startswith("SIP/2.0 200"):
        assert "carol@" not in received


def test_who_is_demoted_acts_no_more(
    alice: Participant, bob: Participant, town: Network, house: Deployment
) -> None:
    with Guest(town.add_host(), house) as guest:
        assert status_of(guest.knock()) == 183
        assert SUCCESS in alice.make(BOB, "presenter")
        assert bob.watch() == 200
        bob.hears_of(guest.me, "pending")
        assert SUCCESS in alice.make(BOB, "attendee")
        assert guest.me not in bob.hears_of("conference-description"), "the lobby is gone from it"
        for late in (bob.admit(guest.me), bob.remove(ALICE), bob.make(BOB, "presenter")):
            assert DENIED in late
        assert DENIED in bob.command("<deleteConference/>")


def test_the_organizer_keeps_role_and_seat_whatever_a_presenter_wants(
    alice: Participant, bob: Participant
) -> None:
    assert SUCCESS in alice.make(BOB, "presenter")
    assert DENIED in bob.remove(ALICE)
    assert DENIED in bob.make(ALICE, "attendee")
    assert 'code="failure"' in bob.make(BOB, "organizer")


def test_a_command_in_anothers_name_is_its_senders(alice: Participant, bob: Participant) -> None:
    assert SUCCESS in alice.make(BOB, "attendee")
    usurping = (
        '<request xmlns="urn:ietf:params:xml:ns:cccp" C3PVersion="1" requestId="1" '
        f'to="{bob.focus}" from="{ALICE}"><deleteConference/></request>'
    )
    assert DENIED in bob.ask("INFO", headers=C3P, body=usurping)
    assert status_of(alice.command("<x/>")) == 200, "the meeting goes on"


@contextmanager
def hearing(town: Network, house: Deployment) -> Iterator[tuple[Phone, Phone]]:
    """Bob's phone and Carol's in the meeting, where both hear the room."""
    with ExitStack() as opened:
        bob, carol = (
            opened.enter_context(Phone(town.add_host(), house, name)) for name in ("bob", "carol")
        )
        for phone in (bob, carol):
            phone.join()
            phone.hears(_PACKETS)
        yield bob, carol


def test_nothing_is_heard_after_the_removal(
    alice: Participant, town: Network, house: Deployment
) -> None:
    """The removed phone's port is silent while another that came by the same way goes on hearing the room."""
    with hearing(town, house) as (removed, staying):
        assert SUCCESS in alice.remove(BOB)
        assert removed.line.receive().startswith("BYE ")
        staying.hears(_PACKETS)  # what was on its way to the other has come by now
        removed.forget()
        staying.hears(_PACKETS)
        assert not removed.has_heard()


def test_asking_for_media_again_leaves_none_behind(
    alice: Participant, town: Network, house: Deployment
) -> None:
    """Media that its seat knows nothing of any more would escape mute, removal, and a consent taken back."""
    with hearing(town, house) as (asking, staying):
        token_in(asking.add_media(ENDPOINT))
        staying.hears(_PACKETS)
        asking.forget()
        staying.hears(_PACKETS)
        assert not asking.has_heard()
        assert SUCCESS in alice.remove(BOB)
