"""ATTACKS 21: passwords are tried on many accounts, or from many addresses; the owner still gets in."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, query_of, sign_in, tokens
from vestibule.identity.sign_in_limits import ACCOUNT, ADDRESS, ADDRESS_AND_ACCOUNT
from vestibule.portal.sign_in_flow import DEVICE_COOKIE

_KNOWN = ("bob", "carol")  # "alice" is an example on the page itself
_MOST = 3 * ADDRESS.burst  # far fewer than all addresses together may try
_GUESSERS = ACCOUNT.burst // ADDRESS_AND_ACCOUNT.burst

Opened = Callable[[], httpx.Client]


@pytest.fixture
def from_elsewhere(network: Network, deployment: Deployment) -> Iterator[Opened]:
    """Opens browsers, each at an address of its own."""
    opened: list[httpx.Client] = []

    def open_one() -> httpx.Client:
        transport = HostTransport(network.add_host(), deployment.authority)
        opened.append(httpx.Client(transport=transport, base_url=deployment.origin))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def told(answer: httpx.Response, name: str) -> str:
    """What a page says to whoever gave that name: without it, what is new each time, and the time left."""
    hidden = re.sub(r'(?:value|nonce|data-options)="[^"]*"', "", answer.text.replace(name, ""))
    return re.sub(r"\d+", "", hidden)


def test_many_accounts_are_not_tried_from_one_address(
    deployment: Deployment, from_elsewhere: Opened
) -> None:
    sprayer, ask = from_elsewhere(), Ask(deployment.origin)
    names = [*_KNOWN, *(f"person{number}" for number in range(_MOST))]
    answers: dict[str, httpx.Response] = {}
    for name in names:  # each once: no account's own limit is reached
        answers[name] = sign_in(sprayer, ask, name, "Winter2026!")
        if answers[name].status_code == 429:
            break
    *tried, last = answers.values()
    assert {answer.status_code for answer in tried} == {403}
    assert len(tried) >= ADDRESS.burst, "a house behind one address is not locked out at once"
    assert last.status_code == 429, "so many were tried, and more could be"
    assert int(last.headers["Retry-After"]) > 0
    pages = [told(answers[name], name) for name in (*_KNOWN, "person0", "person1")]
    assert pages == pages[:1] * 4

    right = sign_in(sprayer, ask, "carol", deployment.user("carol").password)
    wrong = sign_in(sprayer, ask, "nobody", "Winter2026!")
    assert (right.status_code, wrong.status_code) == (429, 429), "nor does a right guess tell"
    assert told(right, "carol") == told(wrong, "nobody")
    tokens(from_elsewhere(), deployment)


def test_one_account_is_not_tried_from_many_addresses_but_its_owner_gets_in(
    deployment: Deployment, from_elsewhere: Opened
) -> None:
    at_home, ask, bob = from_elsewhere(), Ask(deployment.origin), deployment.user("bob")
    tokens(at_home, deployment, "bob")

    def guessed() -> list[int]:
        guesser = from_elsewhere()
        times = range(ADDRESS_AND_ACCOUNT.burst)
        return [sign_in(guesser, ask, "bob", f"guess {number}").status_code for number in times]

    for _ in range(_GUESSERS - 1):
        assert set(guessed()) == {403}
    late = guessed() + guessed()
    assert set(late) == {403, 429}
    assert late.count(403) < 2 * ADDRESS_AND_ACCOUNT.burst - 3
    assert sign_in(from_elsewhere(), ask, "bob", bob.password).status_code == 429
    known = from_elsewhere()  # the same browser somewhere else, signed out
    known.cookies.set(DEVICE_COOKIE, at_home.cookies[DEVICE_COOKIE])
    assert "code" in query_of(sign_in(known, ask, "bob", bob.password))
