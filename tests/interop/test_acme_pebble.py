"""Public certificates from Let's Encrypt's own test server (K1, K4, K9, K10): real orders, real http-01."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clients.deadline import eventually
from tests.clients.namespaces import stopping
from tests.clients.pebble import BLOCKED, Pebble, free_port
from tests.public_names import NAME, RenewedEdge
from tests.running_edge import options
from vestibule.pki.certificates import names_of
from vestibule.pki.witness import CertificateAct

_COMMAND = str(Path(sys.executable).parent / "vestibule")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with Pebble(tmp_path_factory.mktemp("acme") / "pebble") as pebble:
        yield pebble


def renewed_edge(folder: Path, pebble: Pebble, **changes: object) -> RenewedEdge:
    port = changes.pop("challenge_port", pebble.challenge_port)
    assert isinstance(port, int)
    return RenewedEdge(folder, pebble.directory, pebble.tls.root_pem, port, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def edge(tmp_path: Path, pebble: Pebble) -> AsyncIterator[RenewedEdge]:
    renewed = renewed_edge(tmp_path, pebble)
    with renewed.edge:
        yield renewed


async def test_an_order_from_nothing_to_a_trusted_connection(
    edge: RenewedEdge, pebble: Pebble
) -> None:
    await edge.renewal.look()
    assert edge.failures == []
    shown = await edge.shown()
    assert names_of(shown) == {NAME}
    assert [event.act for event in edge.told] == [CertificateAct.ISSUED]
    assert edge.told[0].serial == f"{shown.serial_number:x}"
    await asyncio.to_thread(reaches, edge, pebble)
    for file in edge.folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(edge.folder.stat().st_mode) == 0o700
    await edge.renewal.look()  # nothing is due
    assert len(edge.told) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", pebble.challenge_port), 5)


def reaches(edge: RenewedEdge, pebble: Pebble) -> None:
    context = ssl.create_default_context(cadata=pebble.root_pem)
    with (
        socket.create_connection(("127.0.0.1", edge.edge.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as line,
    ):
        line.sendall(b"\r\n\r\n")
        assert line.recv(2) == b"\r\n"


async def test_a_renewal_drops_no_connection(edge: RenewedEdge) -> None:
    await edge.renewal.look()
    before = await edge.shown()
    plain = socket.create_connection(("127.0.0.1", edge.edge.port), timeout=10)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with await asyncio.to_thread(context.wrap_socket, plain) as line:
        line.sendall(options("before"))
        edge.edge.opened()
        assert edge.edge.message().call_id == "before"
        edge.pass_by(61 * DAY)  # a third of ninety days is left
        await edge.renewal.look()
        after = await edge.shown()
        line.sendall(options("after"))
        assert edge.edge.message().call_id == "after"
    assert after.serial_number != before.serial_number
    assert after.public_key() != before.public_key()
    assert [event.act for event in edge.told] == [CertificateAct.ISSUED, CertificateAct.RENEWED]


async def test_the_authority_may_wish_for_an_early_renewal(
    edge: RenewedEdge, pebble: Pebble
) -> None:
    await edge.renewal.look()
    held = edge.certificate.in_use()
    assert held is not None
    await edge.renewal.look()
    assert len(edge.told) == 1
    past = [(datetime.now(UTC) - span).isoformat() for span in (2 * DAY, DAY)]
    wish = json.dumps({"suggestedWindow": {"start": past[0], "end": past[1]}})
    await asyncio.to_thread(pebble.wish_renewal, held.chain, wish)
    edge.pass_by(timedelta(hours=7))  # it is asked four times a day
    await edge.renewal.look()
    assert [event.act for event in edge.told] == [CertificateAct.ISSUED, CertificateAct.RENEWED]


async def test_a_wish_that_is_no_wish_changes_nothing(edge: RenewedEdge, pebble: Pebble) -> None:
    await edge.renewal.look()
    held = edge.certificate.in_use()
    assert held is not None
    await asyncio.to_thread(pebble.wish_renewal, held.chain, '{"suggestedWindow": 7}')
    await edge.renewal.look()
    assert len(edge.told) == 1
    edge.pass_by(61 * DAY)
    await edge.renewal.look()
    assert len(edge.told) == 2


async def test_an_authority_that_puts_renewal_off_to_the_end_is_not_obeyed(
    edge: RenewedEdge, pebble: Pebble
) -> None:
    await edge.renewal.look()
    held = edge.certificate.in_use()
    assert held is not None
    late = (datetime.now(UTC) + 200 * DAY).isoformat()
    wish = json.dumps({"suggestedWindow": {"start": late, "end": late}})
    await asyncio.to_thread(pebble.wish_renewal, held.chain, wish)
    edge.pass_by(61 * DAY)
    await edge.renewal.look()
    assert len(edge.told) == 1  # as it likes
    edge.pass_by(15 * DAY)
    await edge.renewal.look()
    assert len(edge.told) == 2


async def test_a_refused_order_leaves_what_is_in_use(tmp_path: Path, pebble: Pebble) -> None:
    edge = renewed_edge(tmp_path, pebble, names=(NAME, BLOCKED))
    with edge.edge:
        before = await edge.shown()
        await edge.renewal.look()
        await edge.renewal.look()  # too soon for another try
        assert edge.failures == ["authority refused"]
        edge.pass_by(timedelta(minutes=5))
        await edge.renewal.look()
        edge.pass_by(timedelta(minutes=5))  # the second wait is longer
        await edge.renewal.look()
        assert edge.failures == ["authority refused"] * 2
        assert await edge.shown() == before


async def test_a_name_that_leads_elsewhere_is_not_certified(tmp_path: Path, pebble: Pebble) -> None:
    edge = renewed_edge(tmp_path, pebble, challenge_port=free_port())
    with edge.edge:
        await edge.renewal.look()
        assert edge.failures == ["name not validated"]
        assert edge.certificate.held() is None


async def test_a_port_that_is_taken_is_said(tmp_path: Path, pebble: Pebble) -> None:
    edge = renewed_edge(tmp_path, pebble)
    with edge.edge, socket.create_server(("127.0.0.1", pebble.challenge_port)):
        await edge.renewal.look()
        assert edge.failures == ["port or folder not to be had"]


async def test_a_certificate_that_names_no_crl_is_not_used(tmp_path: Path, pebble: Pebble) -> None:
    edge = renewed_edge(tmp_path, pebble, without_crl=False)
    with edge.edge:
        before = await edge.shown()
        await edge.renewal.look()
        assert edge.failures == ["certificate unfit"]
        assert await edge.shown() == before


async def test_what_has_ended_is_no_longer_shown(tmp_path: Path, pebble: Pebble) -> None:
    edge = renewed_edge(tmp_path, pebble)
    with edge.edge:
        await edge.renewal.look()
        assert names_of(await edge.shown()) == {NAME}
        edge.pass_by(91 * DAY)
        with socket.create_server(("127.0.0.1", pebble.challenge_port)):
            await edge.renewal.look()
        assert await edge.shown() == edge.edge.identity.certificate


# --- the whole server ---


class Installation:
    """`vestibule serve` on loopback, its certificate from Pebble once that can be reached."""

    def __init__(self, folder: Path, directory: str, pebble: Pebble) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "serve.log"
        self._env = os.environ | {
            "VESTIBULE_BIND": "127.0.0.1",
            "VESTIBULE_HTTPS_PORT": str(self.port),
            "VESTIBULE_SIP_TLS_PORT": str(free_port()),
            "VESTIBULE_TURN_PORTS": f"[{free_port()}]",
            "VESTIBULE_OUTBOUND_ALLOWED": "127.0.0.1/32",
            "VESTIBULE_TRUSTED_AUTHORITIES": str(pebble.authorities),
            "VESTIBULE_ACME_DIRECTORY": directory,
            "VESTIBULE_ACME_TERMS_AGREED": "true",
            "VESTIBULE_ACME_WITHOUT_CRL": "true",
            "VESTIBULE_ACME_CHALLENGE_PORT": str(pebble.challenge_port),
        }
        self.types("init", "--host", NAME, "--domain", "vestibule.test")

    def directory_is(self, directory: str) -> None:
        self._env["VESTIBULE_ACME_DIRECTORY"] = directory

    def types(self, *arguments: str) -> str:
        result = subprocess.run(
            [_COMMAND, *arguments], cwd=self.folder, env=self._env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    def serves(self) -> "subprocess.Popen[bytes]":
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [_COMMAND, "serve"], cwd=self.folder, env=self._env, stdout=log, stderr=log
            )

    def reached_by(self, root_pem: str) -> bool:
        context = ssl.create_default_context(cadata=root_pem)
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=NAME),
            ):
                return True
        except (OSError, ssl.SSLError):
            return False

    def stops(self, server: "subprocess.Popen[bytes]") -> None:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_a_server_serves_before_and_after_its_authority_can_be_reached(
    tmp_path: Path, pebble: Pebble
) -> None:
    installation = Installation(tmp_path, f"https://127.0.0.1:{free_port()}/dir", pebble)
    own = (tmp_path / "vestibule-data" / "pki" / "authority.pem").read_text()
    with stopping(installation.serves()) as server:
        eventually(lambda: installation.reached_by(own), "its own certificate", 60.0)
        eventually(
            lambda: "pki.public_certificate_failed" in installation.log.read_text(), "the log line"
        )
        said = installation.log.read_text()
        assert "authority not reached" in said
        assert "of our own authority" in said
        installation.stops(server)
    installation.directory_is(pebble.directory)
    with stopping(installation.serves()) as server:
        eventually(lambda: installation.reached_by(pebble.root_pem), "the public one", 60.0)
        installation.stops(server)
    listed = installation.types("cert", "list")
    assert re.search(rf"{NAME} \(public, of .*Pebble.*\).*good", listed), listed
    noted = installation.types("journal", "export", "--kind", "certificate")
    assert "authority not reached" in noted
    assert listed.splitlines()[1].split()[0] in noted  # the serial of the public one
