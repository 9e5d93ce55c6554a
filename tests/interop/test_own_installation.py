"""An installation as an admin makes one: init, people, a phone, serve, revoke, stop (K1, K4, K5, K9, I14)."""

import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network, stopping

_COMMAND = Path(sys.executable).parent / "vestibule"


MEDIA = set(range(50000, 60000))
"""Ports of calls and rooms."""


class Admin:
    """Somebody who types commands on the server's host, in a folder of the installation's own."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder = host, folder

    def types(self, *arguments: str) -> str:
        """A command that must succeed; what it printed."""
        result = subprocess.run(
            [_COMMAND, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def serves(self) -> "subprocess.Popen[bytes]":
        """`vestibule serve`, on the host."""
        config = str(self.folder / "vestibule.toml")
        return self.host.popen(
            [str(_COMMAND), "serve", "--config", config], log=self.folder / "serve.log"
        )

    def is_up(self) -> bool:
        """Whether the web port is open."""
        try:
            self.host.connect(self.host.address, 443, 1.0).close()
        except OSError:
            return False
        return True


@pytest.fixture
def network() -> Iterator[Network]:
    """Hosts of the test's own."""
    with Network() as network:
        yield network


@pytest.fixture
def admin(network: Network, tmp_path: Path) -> Admin:
    """An admin whose installation is made and has one person more."""
    admin = Admin(network.server, tmp_path)
    admin.types("init", "--host", network.server.address, "--domain", "example.org")
    admin.types("user", "add", "dora", "--display-name", "Dora Doe")
    return admin


def test_from_init_to_a_revoked_phone(admin: Admin, network: Network, tmp_path: Path) -> None:
    admin.types("device", "enroll", "dora", "desk", "--out", str(tmp_path / "desk.pem"))
    with stopping(admin.serves()) as server:
        eventually(admin.is_up, "the server to listen", 60.0)
        relay = {3478, 3479, 3480, 3481}
        assert open_ports(network.server, server.pid, "-ltnpH") == {443, 5061} | relay
        assert open_ports(network.server, server.pid, "-lunpH") - MEDIA == relay
        authority = tmp_path / "vestibule-data" / "pki" / "authority.pem"
        outbound = f"sip:{network.server.address}:5061"
        with Baresip(
            network.add_host(), tmp_path / "phone", address="sip:dora@example.org",
            outbound=outbound, authority=authority, certificate=tmp_path / "desk.pem",
        ) as phone:  # fmt: skip
            phone.wait_registered()
        with connected(network.server, authority, tmp_path / "desk.pem") as flow:
            assert is_alive(flow)
            assert len(revoked(network.server, authority)) == 0
            device = re.search(r"^ *(\S+) +desk", admin.types("device", "list", "dora"), re.M)
            assert device
            admin.types("device", "revoke", device[1])
            assert flow.recv(1) == b"", "the live connection ends within seconds"
        eventually(lambda: len(revoked(network.server, authority)) == 1, "the CRL to say so")
        with connected(network.server, authority, tmp_path / "desk.pem") as flow:
            assert not is_alive(flow)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    log = (tmp_path / "serve.log").read_text()
    assert "Traceback" not in log


def open_ports(host: Host, process: int, options: str) -> set[int]:
    """Where a process listens, by `ss` with these options."""
    rows = host.run(["ss", options]).stdout.splitlines()
    own = (row.split()[3] for row in rows if f"pid={process}," in row)
    return {int(address.rpartition(":")[2]) for address in own}


def connected(
    host: Host, authority: Path, pem: Path | None = None, port: int = 5061
) -> ssl.SSLSocket:
    """A TLS connection from a host to the server on it."""
    context = ssl.create_default_context(cafile=str(authority))
    if pem is not None:
        context.load_cert_chain(pem)
    return context.wrap_socket(host.connect(host.address, port, 20.0), server_hostname=host.address)


def is_alive(flow: ssl.SSLSocket) -> bool:
    """Whether a keep-alive is answered (RFC 5626 3.5.1). TLS 1.3 tells of a refusal only now."""
    try:
        flow.sendall(b"\r\n\r\n")
        return flow.recv(2) == b"\r\n"
    except (ssl.SSLError, ConnectionError):
        return False


def revoked(host: Host, authority: Path) -> set[int]:
    """What the CRL holds to which the server's certificate points."""
    with connected(host, authority, port=443) as line:
        der = line.getpeercert(binary_form=True)
    assert der
    certificate = x509.load_der_x509_certificate(der)
    extension = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    names = next(iter(extension.value)).full_name
    assert names
    assert names[0].value.startswith("https://")
    with httpx.Client(transport=HostTransport(host, authority)) as browser:
        crl = x509.load_der_x509_crl(browser.get(names[0].value).content)
    return {entry.serial_number for entry in crl}
