"""ATTACKS 74: whatever fails, or names another, ends nobody's session but the sender's own."""

from collections.abc import Iterator

import pytest

from tests.clients.calls import SDP
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.participant import C3P, Participant, token_in
from tests.clients.sip_line import request, status_of

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
ENDPOINT = "{33333333-3333-3333-3333-333333333333}"
OWN = "{44444444-4444-4444-4444-444444444444}"


@pytest.fixture
def pair(town: Network, house: Deployment) -> Iterator[tuple[Participant, Participant]]:
    """Alice and Bob in the meeting."""
    with (
        Participant(town.server, house, "alice") as alice,
        Participant(town.server, house, "bob") as bob,
    ):
        alice.join()
        bob.join()
        yield alice, bob


def offer_with(token: str) -> str:
    """Headers of an INVITE that shows a token."""
    return f"{SDP}\nConference-Token: {token}"


def is_inside(someone: Participant) -> bool:
    """Whether the focus still answers in the dialog."""
    return 'reason="requestNotSupported"' in someone.command("<x/>")


def test_a_bad_token_that_names_another_ends_its_senders_try(
    pair: tuple[Participant, Participant],
) -> None:
    alice, bob = pair
    token = token_in(alice.add_media(ENDPOINT))
    token_in(bob.add_media(OWN))
    for shown in (token, token[:-1], token + "A", f"{token},{token}", ENDPOINT, "\N{SNOWMAN}"):
        invite = request("INVITE", bob.media, BOB, headers=offer_with(shown), body="v=0\n")
        assert bob.line.ask(invite) in (400, 403)
    good = request("INVITE", alice.media, ALICE, headers=offer_with(token), body="v=0\n")
    assert alice.line.ask(good) in (400, 488), "her token is as good as before; the offer is not"
    assert is_inside(alice)
    assert is_inside(bob)


def test_an_endpoint_id_is_its_first_owners(pair: tuple[Participant, Participant]) -> None:
    alice, bob = pair
    token = token_in(alice.add_media(ENDPOINT))
    assert 'reason="endpointInUse"' in bob.add_media(ENDPOINT)
    good = request("INVITE", alice.media, ALICE, headers=offer_with(token), body="v=0\n")
    assert alice.line.ask(good) in (400, 488)
    assert is_inside(alice)


def test_a_request_that_fails_inside_ends_nothing_of_anybodys(
    pair: tuple[Participant, Participant],
) -> None:
    alice, bob = pair
    for body in ("<", "<request/>", "<!DOCTYPE x><request/>", "<a>" * 500, "\N{SNOWMAN}"):
        assert status_of(bob.ask("INFO", headers=C3P, body=body)) == 400
    assert status_of(bob.ask("FOO")) == 405
    assert is_inside(bob)
    assert is_inside(alice)


def test_a_broken_stream_ends_its_own_connection_only(
    pair: tuple[Participant, Participant],
) -> None:
    alice, bob = pair
    bob.line.send(b"INVITE sip:alice@vestibule.test SIP/2.0\r\nX: \0\r\n\r\n")
    with pytest.raises(ConnectionError):
        while bob.line.receive():
            pass
    assert is_inside(alice)
