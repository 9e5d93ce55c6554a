"""The outbound fetcher against servers that lie, stall, redirect and flood (ATTACKS 22, 50, 51)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.certificates import TestAuthority
from tests.list_server import ListServer, answer
from tests.running_edge import RunningEdge
from vestibule.edge.outbound_trust import OutboundTrust
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher, FetchLimits, FetchRefused

LOOPBACK = OutboundPolicy(["127.0.0.1/32"])


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer() as server:
        yield server


def fetcher(*, octets: int = 1000, seconds: float = 5.0) -> Fetcher:
    return Fetcher(LOOPBACK, limits=FetchLimits(seconds=seconds, octets=octets))


async def refusal(url: str, by: Fetcher | None = None) -> str:
    with pytest.raises(FetchRefused) as refused:
        await (by or fetcher()).fetch(url)
    return str(refused.value)


async def test_what_is_there_comes_back(server: ListServer) -> None:
    server.publish("/a.crl?x=1", b"list")
    assert await fetcher().fetch(f"{server.base}/a.crl?x=1") == b"list"


async def test_an_answer_without_a_length_ends_with_the_connection(server: ListServer) -> None:
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
    assert await fetcher().fetch(f"{server.base}/a") == b"until the end"
    server.answers["/b"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    assert await fetcher().fetch(f"{server.base}/b") == b"abc"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(404, b""), "404"),
        (answer(500, b""), "500"),
        (b"SIP/2.0 200 OK\r\n\r\n", "not HTTP"),
        (b"220 mail ready\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "larger than 1000"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, "larger than 1000"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not HTTP"),
        (answer(200, b"x", Content_Encoding="gzip"), "compressed"),
    ],
)
async def test_a_bad_answer_is_refused(server: ListServer, reply: bytes, said: str) -> None:
    server.answers["/a"] = reply
    assert said in await refusal(f"{server.base}/a")


async def test_one_redirect_is_followed_and_no_second(server: ListServer) -> None:
    server.publish("/end", b"list")
    server.answers["/once"] = answer(302, b"", Location="/end")
    server.answers["/twice"] = answer(302, b"", Location="/once")
    assert await fetcher().fetch(f"{server.base}/once") == b"list"
    assert "redirects" in await refusal(f"{server.base}/twice")


@pytest.mark.parametrize(
    "location",
    ["", "file:///etc/passwd", "ftp://127.0.0.1/", "http://127.0.0.2/", "http://[::1]/",
     "http://169.254.169.254/latest/meta-data/", "http://user@127.0.0.1/", "http://0x7f.1:99999/"],
)  # fmt: skip
async def test_a_redirect_is_judged_like_the_first_url(server: ListServer, location: str) -> None:
    server.answers["/a"] = answer(302, b"", Location=location)
    await refusal(f"{server.base}/a")


async def test_a_server_that_stalls_is_left(server: ListServer) -> None:
    server.answers["/a"] = b""
    assert "seconds" in await refusal(f"{server.base}/a", fetcher(seconds=0.2))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
     "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
     "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fe80::1]/",
     "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"],
)  # fmt: skip
async def test_special_addresses_are_never_connected_to(url: str) -> None:
    said = await refusal(url, Fetcher(OutboundPolicy()))
    assert said == "its address is not a public one" or said.startswith("no connection")


@pytest.mark.parametrize(
    "url",
    ["", "ldap://crl.test/cn=x", "file:///etc/passwd", "gopher://a/", "http://", "http:///a",
     "http://user:pass@crl.test/", "http://crl.test/\r\nX: y", "http://crl.test/ a",
     "http://crl.test:99999/", "http://[::1", "http://" + "a" * 3000],
)  # fmt: skip
async def test_what_is_no_url_of_ours_is_not_followed(url: str) -> None:
    await refusal(url)


async def test_a_name_is_looked_up_once_and_that_address_connected_to(server: ListServer) -> None:
    server.publish("/a", b"list")
    asked: list[str] = []

    async def rebinding(host: str, _: int) -> Iterable[str]:
        """Public at first sight, ourselves at the second."""
        asked.append(host)
        return ["127.0.0.1"] if len(asked) > 1 else ["192.168.0.1", "127.0.0.1"]

    by = Fetcher(LOOPBACK, resolve=rebinding)
    assert await by.fetch(f"http://crl.test:{server.port}/a") == b"list"
    assert asked == ["crl.test"]  # the address that was judged is the one that was connected to

    async def internal(*_: object) -> Iterable[str]:
        return ["192.168.0.1", "::1"]

    said = await refusal("http://crl.test/a", Fetcher(OutboundPolicy(), resolve=internal))
    assert said == "its address is not a public one"


def believing(folder: Path, authority: TestAuthority) -> OutboundTrust:
    return OutboundTrust(folder / "lists", LOOPBACK, authorities_pem=authority.root_pem)


async def test_https_is_verified_by_authority_and_name(server: ListServer, tmp_path: Path) -> None:
    ours = TestAuthority(points=server.base)
    server.publish_lists(ours)
    with RunningEdge(ours, http_backend="/nonexistent") as edge:
        url = f"https://127.0.0.1:{edge.port}/a"
        assert await refusal(url) == "no https without a trust"
        stranger = believing(tmp_path / "other", TestAuthority("Other"))
        assert "UnknownIssuer" in await refusal(url, Fetcher(LOOPBACK, tls=stranger))
        trust = believing(tmp_path, ours)
        said = await refusal(url, Fetcher(LOOPBACK, tls=trust))
        assert "TLS" not in said  # there is nobody behind the edge

        async def here(*_: object) -> Iterable[str]:
            return ["127.0.0.1"]

        other = f"https://other.test:{edge.port}/a"
        said = await refusal(other, Fetcher(LOOPBACK, tls=trust, resolve=here))
        assert "TLS" in said
        assert "other.test" in said or "NotValidForName" in said


async def test_a_form_goes_over_https_and_is_not_redirected(server: ListServer) -> None:
    with pytest.raises(FetchRefused, match="https only"):
        await fetcher().post_form(f"{server.base}/token", {"secret": "x"})
    assert not server.asked
