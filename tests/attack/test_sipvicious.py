"""ATTACKS 10, 11, 39: the scanners that every SIP server meets, SIPVicious' svmap, svwar and svcrack, learn nothing.

They speak only UDP, which we don't: a forwarder carries them to the TLS port, and each test shows first that it does.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.clients.udp_forwarder import UdpForwarder

PEOPLE = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def scanner(network: Network) -> Host:
    return network.add_host()


@pytest.fixture
def forwarder(scanner: Host, deployment: Deployment) -> Iterator[UdpForwarder]:
    with UdpForwarder(scanner, deployment) as forwarder:
        yield forwarder


def scan(scanner: Host, forwarder: UdpForwarder, folder: Path, tool: str, *arguments: str) -> str:
    """What a tool prints. Its sessions go into a folder of the test's."""
    done = scanner.run(
        ["env", f"HOME={folder}", tool, *arguments, "-p", str(forwarder.port), "127.0.0.1"]
    )
    return done.stdout + done.stderr


def words(path: Path, *lines: str) -> str:
    """A dictionary for them to work through."""
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER"])
def test_svmap_finds_a_device_but_not_which(
    scanner: Host, forwarder: UdpForwarder, tmp_path: Path, method: str
) -> None:
    said = scan(scanner, forwarder, tmp_path, "svmap", "-m", method)
    assert re.search(rf"127\.0\.0\.1:{forwarder.port} +\| unknown ", said), said
    assert forwarder.answers
    for text in (said, *forwarder.answers):
        assert "vestibule/" not in text.lower()
        assert not re.search(r"(?im)^(server|user-agent):", text)


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER"])
def test_svwar_finds_no_name(
    scanner: Host, forwarder: UdpForwarder, tmp_path: Path, method: str
) -> None:
    """It looks for a name that is answered otherwise than one nobody has; none is, and it gives up."""
    names = words(tmp_path / "names", *PEOPLE, "nobody1", "nobody2")
    said = scan(
        scanner, forwarder, tmp_path,
        "svwar", "--force", "--domain", "vestibule.test", "-m", method, "-d", names,
    )  # fmt: skip
    assert any(f"sip:{PEOPLE[0]}@" in answer for answer in forwarder.answers)
    assert "found nothing" in said, said
    assert not re.search(r"(?m)^\|", said), said


def test_svcrack_finds_no_password_though_it_has_the_right_one(
    scanner: Host, forwarder: UdpForwarder, deployment: Deployment, tmp_path: Path
) -> None:
    """It knows MD5 only, which is asked for where a tenant allows it, and nowhere else."""
    alice = deployment.user("alice")
    secrets = words(tmp_path / "secrets", "1234", "alice", alice.password, alice.device_secret)
    said = scan(
        scanner, forwarder, tmp_path,
        "svcrack", "-u", "alice", "--domain", "vestibule.test", "-d", secrets,
    )  # fmt: skip
    assert forwarder.answers
    assert not any("MD5" in answer for answer in forwarder.answers)
    assert alice.password not in said
    assert alice.device_secret not in said
