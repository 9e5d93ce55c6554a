"""ATTACKS 3: each message has one reading; what could have two is refused, and its connection ends."""

from collections.abc import Iterator

import pytest

from tests.clients.calls import DOMAIN, next_message, registered
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import SipLine, request, status_of

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
SMUGGLED = request("MESSAGE", BOB, ALICE).replace("\n", "\r\n").encode()
LENGTH = b"Content-Length: 0\r\n"
_N = str(len(SMUGGLED)).encode()

TWO_READINGS = {
    "two lengths": b"Content-Length: " + _N + b"\r\nContent-Length: 0\r\n",
    "the same twice": LENGTH + LENGTH,
    "its compact form too": LENGTH + b"l: " + _N + b"\r\n",
    "a blank before the colon": LENGTH + b"Content-Length\t: " + _N + b"\r\n",
    "a folded length": b"Content-Length: 0\r\n " + _N + b"\r\n",
    "a list of lengths": b"Content-Length: 0, " + _N + b"\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a length with a sign": b"Content-Length: +0\r\n",
    "no length": b"",
    "a NUL": b"X: a\0b\r\n" + LENGTH,
    "a bare CR": b"X: a\rContent-Length: " + _N + b"\r\n" + LENGTH,
    "a bare LF": b"X: a\nContent-Length: " + _N + b"\r\n" + LENGTH,
    "an overlong form of a slash": b"X: \xc0\xaf\r\n" + LENGTH,
    "half a surrogate": b"X: \xed\xa0\x80\r\n" + LENGTH,
}


def outer(lines: bytes) -> bytes:
    """An OPTIONS whose length is said by these lines."""
    good = request("OPTIONS", DOMAIN, ALICE).replace("\n", "\r\n").encode()
    return good.replace(LENGTH, lines)


@pytest.fixture(scope="module")
def pair(town: Network, house: Deployment) -> Iterator[list[SipLine]]:
    """Bob's and Carol's devices."""
    with registered(town, house, "bob", "carol") as lines:
        yield lines


def rest_of(line: SipLine) -> list[int]:
    """The status of every answer until the server closes."""
    statuses = []
    try:
        while True:
            statuses.append(status_of(line.receive()))
    except ConnectionError:
        return statuses


def test_sound_messages_in_a_row_are_each_answered(town: Network, house: Deployment) -> None:
    with device_line(town.server, house, "alice") as line:
        line.send(outer(LENGTH) + outer(b"l:0\r\n") + outer(LENGTH))
        assert [status_of(line.final()) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("lines", TWO_READINGS.values(), ids=TWO_READINGS)
def test_the_second_reading_is_nobodys(
    town: Network, house: Deployment, pair: list[SipLine], lines: bytes
) -> None:
    with device_line(town.server, house, "alice") as attacker:
        attacker.send(outer(lines) + SMUGGLED)
        assert rest_of(attacker) == [400]
    bob, carol = pair
    next_message(carol, house.user("carol").sip, bob, BOB)


def test_a_body_longer_than_said_is_no_message(town: Network, house: Deployment) -> None:
    with device_line(town.server, house, "alice") as line:
        line.send(outer(b"Content-Length: 2\r\n") + b"abcdef\r\n\r\n" + SMUGGLED)
        assert rest_of(line) == [200]
