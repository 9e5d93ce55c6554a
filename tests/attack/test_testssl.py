"""E1, E6, E7, ATTACKS 70: testssl.sh, which nobody here wrote, finds nothing of weight at any TLS port.

It looks for versions, suites, whose order counts, groups, the certificate, headers and every named attack of the last
twenty years. Each port costs it some minutes, hence `make test-long`; `test_tls_floor.py` holds the floor each time.
"""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PORTS = ("https_port", "sip_tls_port")
GRAVE = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
BLIND_TO = {
    "HTTP_status_code": "asks for the address without the port, which is none of our names: 421",
}
"""Warnings of the tool about itself, by id; a finding is never among them."""

Finding = dict[str, str]


@pytest.fixture(scope="module")
def reports(
    network: Network, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[list[Finding]]"]]:
    """What it says of each port, all looked at at once."""
    folder = tmp_path_factory.mktemp("testssl")
    hosts = {port: network.add_host() for port in PORTS}
    with ThreadPoolExecutor(len(PORTS)) as pool:
        yield {
            port: pool.submit(look, host, deployment, port, folder) for port, host in hosts.items()
        }


def look(host: Host, deployment: Deployment, port: str, folder: Path) -> list[Finding]:
    """Everything that testssl.sh does but its simulation of old browsers."""
    report, nowhere = folder / f"{port}.json", folder / f"{port}.resolv.conf"
    # It asks for a name that doesn't exist, once for each curve; with nobody at home that fails at once.
    nowhere.write_text("nameserver 127.0.0.1\n")
    alone = ["sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(nowhere)]
    facts = deployment.facts
    done = host.run(
        [*alone, "testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
         "--jsonfile", str(report), "--add-ca", str(deployment.authority),
         "-p", "-s", "-f", "-P", "-S", "-h", "-U", f"{facts['host']}:{facts[port]}"],
        seconds=800.0,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return list(json.loads(report.read_text()))


@pytest.mark.parametrize("port", PORTS)
def test_no_finding_of_medium_or_worse(
    reports: dict[str, "Future[list[Finding]]"], port: str
) -> None:
    findings = reports[port].result()
    grave = [one for one in findings if one["severity"] in GRAVE]
    assert not grave
    unsure = {one["id"] for one in findings if one["severity"] == "WARN"}
    assert unsure <= BLIND_TO.keys()


@pytest.mark.parametrize("port", PORTS)
def test_it_has_looked(reports: dict[str, "Future[list[Finding]]"], port: str) -> None:
    """So that silence means something: these are its words on what matters most."""
    said = {one["id"]: one["finding"] for one in reports[port].result()}
    assert said["cipher_order"] == "server"
    assert said["TLS1_3"].startswith("offered")
    assert {said["SSLv3"], said["TLS1"], said["TLS1_1"]} == {"not offered"}
    assert said["cert_chain_of_trust"] == "passed."
    assert said["ROBOT"].startswith("not vulnerable")
