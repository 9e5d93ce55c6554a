"""ATTACKS 72: what must not be guessed can't be told from what was given before."""

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest

from tests.clients.calls import KEYED, SDP, registered
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import tokens
from tests.clients.participant import Participant, entry_in, token_in
from tests.clients.sip_dialog import answer, values_of
from tests.clients.sip_line import SipLine, challenge_of, header_of, request

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
ENDPOINT = "{{{number:08d}-5555-5555-5555-555555555555}}"
_MANY = 24


@pytest.fixture(scope="module")
def pair(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Alice's and Bob's devices."""
    with registered(town, house, "alice", "bob") as lines:
        yield lines


def assert_unguessable(given: list[str], *, octets: int) -> None:
    """All different, and no two that follow each other alike at more places than chance allows.

    Of so many hexadecimal digits one in 16 is the same in the next one; that half of them are, never.
    """
    assert len(set(given)) == len(given)
    assert all(len(one) >= octets for one in given), given[0]
    for before, after in pairwise(given):
        same = sum(a == b for a, b in zip(before, after, strict=False))
        assert same < len(before) / 2, (before, after)


def test_nonces(town: Network, house: Deployment) -> None:
    with SipLine(town.server, house) as line:

        def nonce() -> str:
            line.send(request("OPTIONS", "sip:vestibule.test", ALICE))
            return challenge_of(line.final()).split('nonce="')[1].split('"')[0]

        given = [nonce() for _ in range(_MANY)]
    assert_unguessable([one.split(".", 1)[1] for one in given], octets=32)


def test_tags_and_branches(pair: list[SipLine]) -> None:
    alice, bob = pair
    tags, branches, routes = [], [], []
    for _ in range(_MANY):
        alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED))
        received = bob.receive()
        branches.append(values_of(received, "Via")[0].split("branch=z9hG4bK")[1])
        routes.append(values_of(received, "Record-Route")[0].split("sip:")[1].split("@")[0])
        bob.send(answer(received, 486))
        assert bob.receive().startswith("ACK ")
        alice.final()
        alice.send(request("REGISTER", "sip:vestibule.test", ALICE, to=ALICE))
        tags.append(header_of(alice.final(), "To").split("tag=")[1])
    assert_unguessable(tags, octets=16)
    assert_unguessable(branches, octets=16)
    assert_unguessable(routes, octets=32)


def test_tokens_and_relay_passwords(town: Network, house: Deployment) -> None:
    shown, passwords, names = [], [], []
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        for number in range(_MANY):
            granted = alice.add_media(ENDPOINT.format(number=number))
            shown.append(token_in(granted))
            passwords.append(entry_in(granted, "relay-password"))
            names.append(entry_in(granted, "relay-username"))
    assert_unguessable(shown, octets=22)
    assert_unguessable(passwords, octets=22)
    assert len(set(names)) == len(names)


def test_meetings_and_their_keys(town: Network, house: Deployment) -> None:
    transport = HostTransport(town.server, house.authority)
    with httpx.Client(transport=transport, base_url=house.origin) as browser:
        browser.headers.update(with_token(tokens(browser, house)["access_token"]))
        given = [
            browser.post("/api/v1/meetings", json={"subject": ""}).json() for _ in range(_MANY)
        ]
        for meeting in given:
            assert browser.delete(f"/api/v1/meetings/{meeting['id']}").status_code == 204
    assert_unguessable([meeting["id"] for meeting in given], octets=22)
    assert_unguessable([meeting["conference_key"] for meeting in given], octets=22)
