"""The `fips` setting, from outside (E7; ATTACKS 29, 70): what isn't approved is refused, and the start says so."""

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from tests.clients.association import ClientAssociation
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import tokens
from tests.clients.sip_line import SipLine, request
from vestibule.fips import TURNED_OFF

DOMAIN, ALICE = "sip:vestibule.test", "sip:alice@vestibule.test"


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("fips") / "demo"
    with Deployment(network.server, folder, env={"VESTIBULE_FIPS": "true"}) as deployment:
        yield deployment


def handshake(deployment: Deployment, *options: str) -> bool:
    """Whether OpenSSL comes to terms with the server."""
    facts = deployment.facts
    place = f"{facts['host']}:{facts['sip_tls_port']}"
    said = deployment.host.run(
        ["openssl", "s_client", "-brief", "-connect", place, *options], seconds=30.0
    )
    return "CONNECTION ESTABLISHED" in said.stderr


def test_the_start_says_what_is_off(deployment: Deployment) -> None:
    said = deployment.log.read_text()
    for where, what, _ in TURNED_OFF:
        assert any(where in line and what in line for line in said.splitlines()), what
    assert "not a FIPS 140-3 validated module" in said


@pytest.mark.parametrize(
    "options",
    [
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("-tls1_3", "-groups", "X25519"),
        ("-tls1_2", "-groups", "X25519"),
        ("-tls1_3", "-sigalgs", "ed25519"),
    ],
)
def test_tls_that_is_not_approved_is_refused(
    deployment: Deployment, options: tuple[str, ...]
) -> None:
    assert not handshake(deployment, *options)


@pytest.mark.parametrize(
    "options",
    [
        ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-groups", "P-256"),
        ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-groups", "P-384"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "-groups", "P-256"),
    ],
)
def test_tls_that_is_approved_is_not(deployment: Deployment, options: tuple[str, ...]) -> None:
    assert handshake(deployment, *options)


def challenges(line: SipLine) -> str:
    line.send(request("OPTIONS", DOMAIN, ALICE))
    return line.final()


def test_md5_stays_off_whatever_the_policy_says(
    network: Network, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match="turned off by the fips setting"):
        deployment.vestibule("policy", "set", "--device-digest-md5")
    with SipLine(network.add_host(), deployment) as line:
        deployment.vestibule("policy", "set", "--no-device-digest")
        eventually(lambda: "Digest" not in challenges(line), "device secrets are off")
        monkeypatch.setenv("VESTIBULE_FIPS", "false")  # as if set before
        deployment.vestibule("policy", "set", "--device-digest", "--device-digest-md5")
        eventually(lambda: "Digest" in challenges(line), "device secrets are on")
        told = challenges(line)
        assert "algorithm=SHA-256" in told
        assert "MD5" not in told
        proof = (
            'Authorization: Digest username="alice", realm="vestibule.test", nonce="n", '
            f'uri="{DOMAIN}", response="{secrets.token_hex(16)}", algorithm=MD5, qop=auth, '
            'nc=00000001, cnonce="c"'
        )
        assert line.ask(request("OPTIONS", DOMAIN, ALICE, headers=proof)) == 403


def test_passwords_are_kept_by_an_approved_function(deployment: Deployment) -> None:
    with contextlib.closing(sqlite3.connect(deployment.folder / "vestibule.db")) as database:
        everything = "".join(database.iterdump())
    assert "$pbkdf2-sha512$" in everything
    assert "$argon2" not in everything


def test_people_are_served_as_ever(network: Network, deployment: Deployment) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        assert line.ask(request("OPTIONS", DOMAIN, ALICE)) == 200


def test_the_web_client_signs_in_and_proves_its_messages(
    network: Network, deployment: Deployment
) -> None:
    """Associations are P-256, HKDF and HMAC with SHA-256, tokens ES256: nothing of theirs is off."""
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        token = tokens(browser, deployment)["access_token"]
        association = ClientAssociation.open(browser, token, deployment.user("alice").sip)
    assert association.seconds > 0
