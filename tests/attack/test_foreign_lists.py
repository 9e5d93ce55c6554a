"""CRLs of other authorities: had in time or nobody of theirs is let in (K5; ATTACKS 22, 51).

A real edge, the real fetcher, and a web server that withholds, lies and floods. Honest case first.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.certificates import DAY, Credential, TestAuthority, revocation_list
from tests.clients.deadline import eventually_async
from tests.list_server import ListServer, answer
from tests.running_edge import RunningEdge
from vestibule.edge.flows import Flows
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher, FetchLimits
from vestibule.pki.foreign_lists import ForeignLists

OURS = TestAuthority()


class Trusting:
    """An edge that trusts another authority too, and fetches its lists from `server`."""

    def __init__(self, folder: Path, server: ListServer, *networks: str) -> None:
        self.server = server
        self.theirs = TestAuthority("Their", points=server.base)
        self.edge = RunningEdge(OURS)
        self.folder = folder
        self.lists = ForeignLists(
            folder / "lists",
            wanted=self.edge.edge.wanted_crls,
            fetch=Fetcher(
                OutboundPolicy(networks), limits=FetchLimits(seconds=2.0, octets=100_000)
            ).fetch,
            on_change=self.trust,
            every=0.02,
        )
        self.trust()

    def trust(self) -> None:
        roots = OURS.root_pem + self.theirs.root_pem
        self.edge.edge.set_trust(roots, OURS.crls() + self.lists.lists_der())

    def publish(self, *revoked: Credential) -> None:
        self.server.publish_lists(self.theirs, *revoked)

    async def lets_in(self, peer: Credential) -> bool:
        context = self.edge.context(peer, self.folder)
        return await asyncio.to_thread(self.edge.lets_in, context)

    async def asked_for(self, path: str) -> None:
        await eventually_async(lambda: self.server.asked[path] > 0, path)


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer() as server:
        yield server


@pytest.fixture
async def trusting(tmp_path: Path, server: ListServer) -> AsyncIterator[Trusting]:
    trusting = Trusting(tmp_path, server, "127.0.0.1/32")
    trusting.lists.start()
    with trusting.edge:
        yield trusting
        await trusting.lists.close()


async def let_in_soon(trusting: Trusting, peer: Credential) -> None:
    """It is let in once the lists are there."""
    deadline = asyncio.get_running_loop().time() + 10
    while not await trusting.lets_in(peer):
        assert asyncio.get_running_loop().time() < deadline, "never let in"


async def test_a_peer_of_theirs_is_let_in_once_the_lists_are_had(trusting: Trusting) -> None:
    trusting.publish()
    peer = trusting.theirs.client("sip:partner.test")
    assert not await trusting.lets_in(peer)
    await let_in_soon(trusting, peer)
    assert trusting.server.asked == {"/issuer.crl": 1, "/root.crl": 1}


async def test_a_revoked_peer_of_theirs_is_not(trusting: Trusting) -> None:
    good, revoked = (trusting.theirs.client("sip:partner.test") for _ in range(2))
    trusting.publish(revoked)
    await trusting.lets_in(good)
    await let_in_soon(trusting, good)
    assert not await trusting.lets_in(revoked)


async def test_lists_outlive_a_restart(
    trusting: Trusting, server: ListServer, tmp_path: Path
) -> None:
    trusting.publish()
    peer = trusting.theirs.client("sip:partner.test")
    await let_in_soon(trusting, peer)
    await trusting.lists.close()
    server.answers.clear()
    again = ForeignLists(
        tmp_path / "lists",
        wanted=lambda: [],
        fetch=Fetcher(OutboundPolicy()).fetch,
        on_change=lambda: None,
    )
    again.start([f"{server.base}/issuer.crl", f"{server.base}/root.crl"])
    assert len(again.lists_der()) == 2
    await again.close()


BAD = {
    "withheld": answer(404, b""),
    "stalling": b"",
    "empty": answer(200, b""),
    "junk": answer(200, b"\x30\x82\xff\xff" + b"\0" * 100),
    "a web page": answer(200, b"<html>log in first</html>"),
    "giant": b"HTTP/1.1 200 OK\r\n\r\n" + b"\x30" * 200_000,
    "a redirect to nowhere": answer(302, b"", Location="http://127.0.0.1:1/"),
    "a redirect to itself": answer(302, b"", Location="/issuer.crl"),
    "a redirect to the metadata service": answer(302, b"", Location="http://169.254.169.254/"),
    "a redirect to a file": answer(302, b"", Location="file:///etc/passwd"),
}


@pytest.mark.parametrize("how", BAD)
async def test_without_a_good_list_nobody_of_theirs_is_let_in(trusting: Trusting, how: str) -> None:
    trusting.publish()
    trusting.server.answers["/issuer.crl"] = BAD[how]
    peer = trusting.theirs.client("sip:partner.test")
    assert not await trusting.lets_in(peer)
    await trusting.asked_for("/issuer.crl")
    await eventually_async(lambda: len(trusting.lists.lists_der()) == 1, "the root's list is had")
    assert not await trusting.lets_in(peer)
    assert await trusting.lets_in(OURS.client("sip:a@ours.test"))  # ours are not touched by it


async def test_a_list_two_redirects_away_is_not_had(trusting: Trusting) -> None:
    trusting.publish()
    server, peer = trusting.server, trusting.theirs.client("sip:partner.test")
    server.answers["/moved.crl"] = server.answers["/issuer.crl"]
    server.answers["/again"] = answer(302, b"", Location="/moved.crl")
    server.answers["/issuer.crl"] = answer(302, b"", Location="/again")
    assert not await trusting.lets_in(peer)
    await trusting.asked_for("/again")
    await eventually_async(lambda: len(trusting.lists.lists_der()) == 1, "the root's list is had")
    assert not await trusting.lets_in(peer)
    assert not server.asked["/moved.crl"]


async def test_a_list_signed_by_another_or_stale_lets_nobody_in(trusting: Trusting) -> None:
    other = TestAuthority("Their")
    peer = trusting.theirs.client("sip:partner.test")
    for unfit in (
        revocation_list(trusting.theirs.issuer, signer=other.issuer),
        revocation_list(trusting.theirs.issuer, ends=-DAY),
        revocation_list(trusting.theirs.issuer, number=None),
    ):
        trusting.publish()
        trusting.server.publish("/issuer.crl", unfit)
        assert not await trusting.lets_in(peer)
        await trusting.asked_for("/issuer.crl")
        assert not await trusting.lets_in(peer)


async def test_a_special_address_is_not_asked(tmp_path: Path, server: ListServer) -> None:
    trusting = Trusting(tmp_path, server)  # no network is listed
    trusting.publish()
    trusting.lists.start()
    with trusting.edge:
        peer = trusting.theirs.client("sip:partner.test")
        assert not await trusting.lets_in(peer)
        await trusting.lists.look()
        assert not await trusting.lets_in(peer)
        assert not server.asked
        await trusting.lists.close()


async def test_strangers_can_not_make_us_fetch(trusting: Trusting) -> None:
    stranger = TestAuthority("Stranger", points=trusting.server.base)
    assert not await trusting.lets_in(stranger.client("sip:partner.test"))
    unfit = trusting.theirs.issue(names=[])  # of theirs, but for no purpose
    assert not await trusting.lets_in(unfit)
    await trusting.lists.look()
    assert not trusting.server.asked


async def test_another_authority_never_speaks_for_our_people(trusting: Trusting) -> None:
    trusting.publish()
    forged = trusting.theirs.client("sip:alice@ours.test")
    flows = Flows(lambda certificate: certificate.issuer == OURS.issuer.certificate.subject)
    await let_in_soon(trusting, forged)
    assert flows.open(trusting.edge.opened()).certificate is None
    assert await trusting.lets_in(OURS.client("sip:alice@ours.test"))
    while (event := trusting.edge._next()).__class__.__name__ != "FlowOpened":
        pass
    assert flows.open(event).certificate is not None  # type: ignore[arg-type]
