"""ATTACKS 69: metrics are closed unless an admin opens them, and name what is dropped and why (N9)."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.certificates import TestAuthority
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.sip_line import SipLine, request

DOMAIN, ALICE = "sip:vestibule.test", "sip:alice@vestibule.test"
PORT = 9464


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With metrics on loopback, and few messages a person."""
    folder = tmp_path_factory.mktemp("metrics") / "demo"
    env = {
        "VESTIBULE_METRICS_LISTEN": f"127.0.0.1:{PORT}",
        "VESTIBULE_MESSAGES_PER_PERSON": "10",
    }
    with Deployment(network.server, folder, env=env) as deployment:
        yield deployment


def scrape(deployment: Deployment, path: str = "/metrics", **headers: str) -> httpx.Response:
    """As Prometheus would, on the server itself."""
    plain = deployment.host.connect("127.0.0.1", PORT)
    context = ssl.create_default_context(cafile=str(deployment.authority))
    host = deployment.facts["host"]
    with context.wrap_socket(plain, server_hostname=host) as line:
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        ask = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        line.sendall(ask.encode())
        told = b""
        while data := line.recv(65536):
            told += data
    head, _, body = told.partition(b"\r\n\r\n")
    return httpx.Response(int(head.split(b" ")[1]), content=body)


def value(deployment: Deployment, name: str, **labels: str) -> float:
    """One metric as it is now; 0 if nobody has counted it yet."""
    wanted = ",".join(f'{key}="{text}"' for key, text in labels.items())
    found = re.search(
        rf"(?m)^vestibule_{name}\{{{re.escape(wanted)}\}} (\S+)$", scrape(deployment).text
    )
    return float(found[1]) if found else 0.0


def dropped(deployment: Deployment, reason: str, listener: str = "sip") -> float:
    return value(deployment, "edge_total", listener=listener, reason=reason)


def raw(host: Host, deployment: Deployment, octets: bytes, port: str = "sip_tls_port") -> None:
    """A connection that says something before any handshake, and is gone."""
    with host.connect(deployment.facts["host"], deployment.facts[port]) as plain:
        plain.sendall(octets)
        plain.shutdown(socket.SHUT_WR)
        plain.settimeout(10.0)
        while plain.recv(4096):
            pass


def tls(host: Host, deployment: Deployment, octets: bytes, port: str) -> None:
    """The same within TLS."""
    facts = deployment.facts
    context = ssl.create_default_context(cafile=str(deployment.authority))
    plain = host.connect(facts["host"], facts[port])
    with context.wrap_socket(plain, server_hostname=facts["host"]) as line:
        line.sendall(octets)
        line.settimeout(10.0)
        while line.recv(4096):
            pass


def test_they_are_not_reached_from_elsewhere(network: Network, deployment: Deployment) -> None:
    with pytest.raises(OSError):
        network.add_host().connect(deployment.facts["host"], PORT, 1.0)
    browser = httpx.Client(transport=HostTransport(network.add_host(), deployment.authority))
    assert "vestibule_" not in browser.get(f"{deployment.origin}/metrics").text


def test_the_port_serves_nothing_else(deployment: Deployment) -> None:
    for path in ("/", "/identity/sign-in", "/api/v1/openapi.json", "/metrics/"):
        assert scrape(deployment, path).status_code == 404
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "sip",
               "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    assert scrape(deployment, "/sip", **upgrade).status_code == 404


def test_what_is_dropped_is_named(network: Network, deployment: Deployment, tmp_path: Path) -> None:
    host = network.add_host()
    raw(host, deployment, b"REGISTER sip:vestibule.test SIP/2.0\r\n\r\n")
    raw(host, deployment, b"\x16\x03\x01\x02\x00\x01")
    tls(host, deployment, b"SSH-2.0-x\r\n", "sip_tls_port")
    tls(host, deployment, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "sip_tls_port")
    tls(host, deployment, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000, "https_port")
    tls(host, deployment, b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "https_port")
    stranger = TestAuthority().client("sip:alice@vestibule.test").write(tmp_path, "stranger")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        SipLine(host, deployment, stranger) as line,
    ):
        line.ask(request("OPTIONS", DOMAIN, ALICE))
    with SipLine(host, deployment) as line:
        broken = request("OPTIONS", DOMAIN, ALICE).replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE")
        assert line.ask(broken) == 400
        assert line.ask(request("OPTIONS", DOMAIN, ALICE)) == 401
    for reason in (
        "handshake_not_tls", "handshake_abandoned", "unknown_protocol", "protocol_not_served",
        "certificate_refused", "messages_refused",
    ):  # fmt: skip
        assert dropped(deployment, reason) >= 1, reason
    for reason in ("http_head_too_large", "http_refused"):
        assert dropped(deployment, reason, "web") == 1, reason
    assert value(deployment, "sip_responses_total", status="401") >= 1


def test_who_is_over_their_share_is_counted(network: Network, deployment: Deployment) -> None:
    host = network.add_host()
    with device_line(host, deployment, "alice") as line:
        assert line.ask(request("OPTIONS", DOMAIN, ALICE)) == 200
        for _ in range(60):
            line.send(request("OPTIONS", DOMAIN, ALICE))
        statuses = {line.final()[8:11] for _ in range(60)}
    assert statuses == {"200", "503"}
    assert dropped(deployment, "shed_person") > 0


def test_a_connection_too_many_is_counted(network: Network, deployment: Deployment) -> None:
    host, facts = network.add_host(), deployment.facts

    def knock() -> None:
        host.enter()
        for _ in range(1200):
            socket.create_connection((facts["host"], facts["sip_tls_port"]), 10.0).close()

    knocking = threading.Thread(target=knock)
    knocking.start()
    knocking.join(60)
    assert dropped(deployment, "refused_accept_rate") > 0


def test_refused_certificates_are_journalled_and_summed(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    host, facts, many = network.add_host(), deployment.facts, 60
    stranger = TestAuthority().client("sip:alice@vestibule.test").write(tmp_path, "stranger")
    context = ssl.create_default_context(cafile=str(deployment.authority))
    context.load_cert_chain(stranger)
    for _ in range(many):
        plain = host.connect(facts["host"], facts["sip_tls_port"])
        with (
            pytest.raises((ssl.SSLError, ConnectionError)),
            context.wrap_socket(plain, server_hostname=facts["host"]) as line,
        ):
            line.sendall(b"\r\n\r\n")
            line.recv(1)
    eventually(
        lambda: value(deployment, "journal_total", kind="certificate.refused") >= many,
        "they are noted",
    )

    def entries() -> list[str]:
        told = deployment.vestibule("journal", "export").splitlines()
        return [entry for entry in told if host.address in entry and "certificate.refused" in entry]

    eventually(lambda: len(entries()) >= 20, "the first ones are written")
    assert len(entries()) <= 21, "the rest is counted"
    assert "unknown-issuer" in entries()[0]


def test_there_are_none_by_default_and_a_token_is_asked_for_where_there_is_one(
    network: Network, tmp_path: Path
) -> None:
    host, folder = network.add_host(), tmp_path / "demo"
    with Deployment(host, folder) as usual:
        with pytest.raises(OSError):
            host.connect("127.0.0.1", PORT, 1.0)
        browser = httpx.Client(transport=HostTransport(host, usual.authority))
        assert "vestibule_" not in browser.get(f"{usual.origin}/metrics").text
        token = usual.vestibule("metrics", "token").split()[-1]
    assert token not in (folder / "metrics.token").read_text()
    env = {"VESTIBULE_METRICS_LISTEN": f"127.0.0.1:{PORT}"}
    with Deployment(host, folder, env=env) as deployment:
        assert scrape(deployment).status_code == 401
        assert scrape(deployment, Authorization="Bearer wrong").status_code == 401
        assert scrape(deployment, Authorization=f"Basic {token}").status_code == 401
        assert scrape(deployment, Authorization=f"Bearer {token}").status_code == 200
