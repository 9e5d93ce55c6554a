"""The one plain port, and authorities that lie (K1, K4, K9; ATTACKS 22). The honest ones: test_acme_pebble.py."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import CLIENT, DAY, SERVER, Credential, Shape, TestAuthority, key_usage
from tests.clients.pebble import free_port
from tests.list_server import ListServer, answer
from tests.public_names import NAME, RenewedEdge
from vestibule.pki.acme.challenge import Challenges
from vestibule.pki.acme.public_certificate import PublicCertificate, UnfitCertificate

PATH = "/.well-known/acme-challenge/token"
LISTS = ListServer()
TLS = TestAuthority("Directory", points=LISTS.base)


# --- the port of http-01 ---


class OpenPort:
    def __init__(self) -> None:
        self.port = free_port()
        self.challenges = Challenges("127.0.0.1", self.port, seconds=0.5)
        self.challenges.answer(PATH, "token.thumbprint")

    async def send(self, request: bytes) -> bytes:
        """What comes back until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def opened() -> AsyncIterator[OpenPort]:
    port = OpenPort()
    async with port.challenges.listening():
        yield port


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()


async def test_the_port_tells_the_token_and_nothing_else(opened: OpenPort) -> None:
    told = await opened.send(get(PATH))
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.endswith(b"\r\n\r\ntoken.thumbprint")
    for path in ("/", "/identity", f"{PATH}/", f"{PATH}?x", PATH.upper(), f"/x/..{PATH}", "/pki"):
        refused = await opened.send(get(path))
        assert refused.startswith(b"HTTP/1.1 404 "), path
        assert refused.endswith(b"\r\n\r\n"), path
        assert b"server" not in refused.lower()
        assert b"location" not in refused.lower()
    for method in ("POST", "HEAD", "OPTIONS", "DELETE"):
        assert (await opened.send(get(PATH, method))).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "request_octets",
    [
        b"OPTIONS sip:example.org SIP/2.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
        b"GET " + b"/" * 8192 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a",  # and then nothing
        b"",
    ],
    ids=["SIP", "TLS", "long target", "long head", "half a head", "nothing"],
)
async def test_what_is_no_request_gets_no_answer(opened: OpenPort, request_octets: bytes) -> None:
    assert await opened.send(request_octets) == b""
    assert (await opened.send(get(PATH))).startswith(b"HTTP/1.1 200 ")


async def test_many_idle_connections_end_by_themselves(opened: OpenPort) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", opened.port) for _ in range(60)]
    async with asyncio.timeout(10):
        for reader, writer in idle:
            assert await reader.read() == b""
            writer.close()
    assert (await opened.send(get(PATH))).startswith(b"HTTP/1.1 200 ")


async def test_outside_of_an_order_the_port_is_shut(opened: OpenPort) -> None:
    other = OpenPort()
    with pytest.raises(ConnectionRefusedError):
        await other.send(get(PATH))
    async with other.challenges.listening():
        assert (await other.send(get(PATH))).startswith(b"HTTP/1.1 200 ")
    with pytest.raises(ConnectionRefusedError):
        await other.send(get(PATH))
    async with other.challenges.listening():  # the next order's port knows nothing of the last
        assert (await other.send(get(PATH))).startswith(b"HTTP/1.1 404 ")


# --- a directory that lies ---


@pytest.fixture(scope="module", autouse=True)
def lists() -> Iterator[None]:
    """What the directory's authority has revoked: nobody."""
    LISTS.publish_lists(TLS)
    with LISTS:
        yield


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[ListServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS.server().write(tmp_path, "directory"))
    with ListServer(context) as server:
        yield server


async def failures(folder: Path, url: str, **changes: object) -> list[str | None]:
    """Why an order failed; what is in use must be as before."""
    edge = RenewedEdge(folder, url, TLS.root_pem, free_port(), **changes)  # type: ignore[arg-type]
    with edge.edge:
        before = await edge.shown()
        await edge.renewal.look()
        assert await edge.shown() == before
        assert edge.certificate.held() is None
        return edge.failures


def json_answer(value: object) -> bytes:
    return answer(200, json.dumps(value).encode(), Content_Type="application/json")


async def test_a_directory_inside_our_network_is_not_asked(
    tmp_path: Path, directory: ListServer
) -> None:
    directory.answers["/dir"] = json_answer({})
    said = await failures(tmp_path, f"{directory.base}/dir", networks=())
    assert said == ["authority not reached"]
    assert not directory.asked


async def test_a_directory_of_a_stranger_is_not_believed(
    tmp_path: Path, directory: ListServer
) -> None:
    directory.answers["/dir"] = json_answer({})
    edge = RenewedEdge(tmp_path, f"{directory.base}/dir", b"", free_port())
    with edge.edge:
        await edge.renewal.look()
        assert edge.failures == ["authority not reached"]
    assert not directory.asked


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(500, b"no"), "authority refused"),
        (answer(200, b"<html>"), "authority refused"),
        (json_answer([1]), "authority not understood"),
        (json_answer({"newNonce": 7}), "authority not understood"),
        (json_answer({"newNonce": "ftp://x/"}), "authority not understood"),
        (answer(200, b"x" * 100_001), "authority not reached"),
        (answer(200, b"{}", Content_Encoding="gzip"), "authority not reached"),
        (answer(302, b"", Location="http://127.0.0.1:1/dir"), "authority not reached"),
        (answer(302, b"", Location="https://169.254.169.254/"), "authority not reached"),
        (answer(302, b"", Location="/dir"), "authority not reached"),  # round and round
        (b"", "authority not reached"),  # it never answers
    ],
)
async def test_a_directory_that_misbehaves_changes_nothing(
    tmp_path: Path, directory: ListServer, reply: bytes, said: str
) -> None:
    directory.answers["/dir"] = reply
    assert await failures(tmp_path, f"{directory.base}/dir") == [said]


async def test_requests_in_the_clear_are_not_sent(tmp_path: Path, directory: ListServer) -> None:
    with ListServer() as plain:
        url = f"{plain.base}/nonce"
        directory.answers["/dir"] = json_answer({"newNonce": url, "newAccount": url})
        assert await failures(tmp_path, f"{directory.base}/dir") == ["authority not reached"]
        assert not plain.asked


# --- what an authority gives ---


SIGNS = key_usage(signs=True)
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = TestAuthority("Public")
NAMES = [x509.DNSName(NAME)]


def given(**changes: object) -> Credential:
    shape = {"usage": SIGNS, "key": KEY} | changes
    return PUBLIC.issue(purposes=[SERVER], names=NAMES, shape=Shape(**shape))  # type: ignore[arg-type]


UNFIT = {
    "for another key": given(key=None),
    "for other names": PUBLIC.issue(
        purposes=[SERVER],
        names=[x509.DNSName("other.test")],
        shape=Shape(usage=SIGNS, key=KEY),
    ),
    "not for servers": PUBLIC.issue(
        purposes=[CLIENT], names=NAMES, shape=Shape(usage=SIGNS, key=KEY)
    ),
    "names no CRL": given(points=()),
    "not in force": given(ends=-timedelta(seconds=1)),
}


@pytest.mark.parametrize("why", UNFIT)
def test_an_unfit_certificate_is_not_kept(tmp_path: Path, why: str) -> None:
    certificate = PublicCertificate(tmp_path / "public", [NAME])
    good = given()
    certificate.keep(KEY, good.chain_pem)
    with pytest.raises(UnfitCertificate, match=why):
        certificate.keep(KEY, UNFIT[why].chain_pem)
    held = certificate.in_use()
    assert held is not None
    assert held.certificate == good.certificate


def test_what_is_on_disk_is_examined_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    PublicCertificate(folder, [NAME]).keep(KEY, given().chain_pem)
    assert PublicCertificate(folder, [NAME]).in_use() is not None
    assert PublicCertificate(folder, [NAME, "more.test"]).in_use() is None
    (folder / "public.pem").write_bytes(b"junk")
    assert PublicCertificate(folder, [NAME]).in_use() is None


def test_a_certificate_without_a_crl_needs_the_admins_word(tmp_path: Path) -> None:
    certificate = PublicCertificate(tmp_path / "public", [NAME], without_crl=True)
    certificate.keep(KEY, given(points=(), ends=6 * DAY).chain_pem)
    assert certificate.in_use() is not None
    assert PublicCertificate(tmp_path / "public", [NAME]).in_use() is None
