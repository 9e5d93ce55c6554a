"""ATTACKS 76, 78: edge and application read a request alike, nobody lends itself an address, HTTP/2 is not spoken."""

import json
import secrets
import ssl

import httpx
import pytest

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, sign_in
from tests.clients.raw_https import RawHttps, statuses

SMUGGLED = "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
_N = len(SMUGGLED)
_CHUNKED = "Transfer-Encoding: chunked"

TWO_READINGS = {
    "two lengths": f"Content-Length: 0\r\nContent-Length: {_N}",
    "a list of lengths": f"Content-Length: 0, {_N}",
    "a length with a sign": "Content-Length: +0",
    "a negative length": "Content-Length: -1",
    "a hexadecimal length": "Content-Length: 0x0",
    "length and chunks": f"Content-Length: {_N}\r\n{_CHUNKED}",
    "chunks and length": f"{_CHUNKED}\r\nContent-Length: {_N}",
    "chunks within something": "Transfer-Encoding: chunked, identity",
    "almost chunks": f"Content-Length: {_N}\r\nTransfer-Encoding: xchunked",
    "a blank before the colon": "Content-Length : 0",
    "a folded header": "Content-Length: 0\r\n X: 1",
    "a NUL": "X: a\0b",
    "a bare CR": f"X: a\rContent-Length: {_N}",
    "no colon": "Content-Length 0",
}


def post(host: str, headers: str, *, target: str = "/healthz") -> bytes:
    """A request with those headers, and one that a second reading would find behind it."""
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n"
    return (head + SMUGGLED.format(host=host)).encode()


def test_sound_requests_in_a_row_are_each_answered(town: Network, house: Deployment) -> None:
    with RawHttps(town.server, house) as line:
        sound = post(line.name, "Content-Length: 0")
        assert statuses(line.to_the_end(sound)) == [405, 200]
    with RawHttps(town.server, house) as line:
        chunked = post(line.name, _CHUNKED).replace(b"\r\n\r\nGET", b"\r\n\r\n0\r\n\r\nGET")
        assert statuses(line.to_the_end(chunked)) == [405, 200]


@pytest.mark.parametrize("headers", TWO_READINGS.values(), ids=TWO_READINGS)
def test_the_second_reading_is_nobodys(town: Network, house: Deployment, headers: str) -> None:
    with RawHttps(town.server, house) as line:
        assert statuses(line.to_the_end(post(line.name, headers))) == [400]


@pytest.mark.parametrize("headers", TWO_READINGS.values(), ids=TWO_READINGS)
def test_nor_on_a_connection_that_is_kept(town: Network, house: Deployment, headers: str) -> None:
    """The edge has looked at the first head only: the application is as strict."""
    with RawHttps(town.server, house) as line:
        line.socket.sendall(f"GET /healthz HTTP/1.1\r\nHost: {line.name}\r\n\r\n".encode())
        assert b'{"status":"ok"}' in line.until(b"}")
        assert statuses(line.to_the_end(post(line.name, headers))) == [400]


@pytest.mark.parametrize("target", ["https://evil.test/", "https://{host}@evil.test/", "https:///"])
def test_a_target_for_another_host_is_refused(
    town: Network, house: Deployment, target: str
) -> None:
    with RawHttps(town.server, house) as line:
        whole = post(line.name, "Content-Length: 0", target=target.format(host=line.name))
        assert statuses(line.to_the_end(whole)) == [400]


@pytest.mark.parametrize(
    "preface",
    [
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\x01\xbb",
        b"\x16\x03\x01\0\x01\0",
    ],
    ids=["PROXY 1", "PROXY 2", "TLS again"],
)
def test_a_clients_own_proxy_header_opens_nothing(
    town: Network, house: Deployment, preface: bytes
) -> None:
    with RawHttps(town.server, house) as line:
        request = SMUGGLED.format(host=line.name).encode()
        assert 200 not in statuses(line.to_the_end(preface + request))


def test_nobody_lends_itself_an_address(town: Network, house: Deployment) -> None:
    host, name = town.add_host(), f"nobody-{secrets.token_hex(4)}"
    lent = "203.0.113.66"
    headers = {
        "X-Forwarded-For": lent, "X-Real-IP": lent, "Forwarded": f"for={lent};host=evil.test",
        "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1",
    }  # fmt: skip
    transport = HostTransport(host, house.authority)
    with httpx.Client(transport=transport, base_url=house.origin, headers=headers) as browser:
        assert sign_in(browser, Ask(house.origin), name, "wrong").status_code == 403
        metadata = browser.get("/identity/.well-known/openid-configuration")
        assert "evil.test" not in metadata.text

    def refused() -> list[dict[str, object]]:
        lines = house.vestibule("journal", "export", "--kind", "sign-in.refused").splitlines()
        return [
            entry
            for line in lines
            if (entry := json.loads(line))["address"] in (lent, host.address)
        ]

    assert [entry["address"] for entry in eventually(refused, "the entry")] == [host.address]


# --- HTTP/2 ---


def test_no_handshake_agrees_on_http_2(town: Network, house: Deployment) -> None:
    with RawHttps(town.server, house, alpn=("h2", "http/1.1")) as line:
        assert line.socket.selected_alpn_protocol() in (None, "http/1.1")
    try:
        with RawHttps(town.server, house, alpn=("h2",)) as line:
            assert line.socket.selected_alpn_protocol() is None
    except ssl.SSLError:
        pass  # no protocol in common: as good


def test_http_2_without_asking_is_refused_at_its_first_line(
    town: Network, house: Deployment
) -> None:
    settings = b"\0\0\0\x04\0\0\0\0\0"
    with RawHttps(town.server, house) as line:
        heard = line.to_the_end(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings * 100)
        assert statuses(heard) == [505]


def test_no_connection_is_upgraded_to_http_2(town: Network, house: Deployment) -> None:
    with RawHttps(town.server, house) as line:
        upgrade = (
            f"GET /healthz HTTP/1.1\r\nHost: {line.name}\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        assert statuses(line.to_the_end(upgrade.encode())) in ([200], [400])
