"""A server needs a certificate and a place on the list (K8; ATTACKS 49): a deployment that trusts two authorities."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.certificates import CLIENT, SERVER, Credential, TestAuthority
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.list_server import ListServer
from tests.running_edge import options, read_to_end

DNS, URI = x509.DNSName, x509.UniformResourceIdentifier
LISTED, DOMAIN = "sip.partner.test", "partner.test"


class Partner:
    """Another organisation's authority, trusted by ours; its lists are on the deployment's host."""

    def __init__(self, deployment: Deployment, authority: TestAuthority, folder: Path) -> None:
        self.deployment, self.authority, self.folder = deployment, authority, folder

    def server(self, *names: x509.GeneralName, purposes: tuple[object, ...] = ()) -> Credential:
        return self.authority.issue(
            purposes=list(purposes) or [SERVER, CLIENT],  # type: ignore[arg-type]
            names=names,
        )

    def connect(self, credential: Credential | None, pem: Path | None = None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.deployment.authority))
        if credential is not None:
            pem = credential.write(self.folder, "peer")
        if pem is not None:
            context.load_cert_chain(pem)
        facts = self.deployment.facts
        plain = self.deployment.host.connect(facts["host"], facts["sip_tls_port"], 20.0)
        return context.wrap_socket(plain, server_hostname=facts["host"])

    def answered(self, credential: Credential | None, pem: Path | None = None) -> bool:
        """Whether a request gets an answer, if only that it isn't proven."""
        try:
            with self.connect(credential, pem) as line:
                line.sendall(options())
                return line.recv(1000).startswith(b"SIP/2.0 ")
        except (ssl.SSLError, ConnectionError):
            return False

    def refusals(self) -> str:
        return self.deployment.vestibule("journal", "export", "--kind", "trusted-server.refused")


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    folder = tmp_path_factory.mktemp("partner")
    with Network() as network, ListServer(socket_of=network.server.listen) as lists:
        authority = TestAuthority("Partner", points=lists.base)
        for path, crl in zip(("/issuer.crl", "/root.crl"), authority.crls(), strict=True):
            lists.publish(path, crl)
        root = folder / "partner-root.pem"
        root.write_bytes(authority.root_pem)
        trusting = {
            "VESTIBULE_TRUSTED_AUTHORITIES": str(root),
            "VESTIBULE_OUTBOUND_ALLOWED": "127.0.0.0/8",
        }
        with Deployment(network.server, folder / "demo", env=trusting) as deployment:
            deployment.vestibule("trusted-server", "add", LISTED)
            found = Partner(deployment, authority, folder)
            listed = found.server(DNS(LISTED))
            eventually(lambda: found.answered(listed), "the lists to be fetched")
            yield found


def test_only_listed_servers_are_spoken_to(partner: Partner) -> None:
    assert partner.answered(partner.server(DNS(LISTED)))
    assert partner.answered(partner.server(DNS("other.test"), DNS(LISTED.upper())))
    for names in (
        [DNS("other.partner.test")],
        [DNS(f"{LISTED}.evil.test")],
        [DNS(f"evil.{LISTED}")],
        [DNS("*.partner.test")],
        [URI("sip:partner.test"), DNS(LISTED)],  # for a domain, and then for no host (RFC 5922)
        [URI("sip:evil.test")],
        [],
    ):
        assert not partner.answered(partner.server(*names)), names
    assert not partner.answered(partner.server(DNS("evil.test"), purposes=(CLIENT,)))
    assert not partner.answered(partner.server(URI(f"sip:x@{LISTED}"), purposes=(SERVER, CLIENT)))
    assert "evil.test" in partner.refusals()


def test_the_list_is_obeyed_within_seconds_in_both_directions(partner: Partner) -> None:
    theirs = partner.server(URI(f"sip:{DOMAIN}"))
    assert not partner.answered(theirs)
    partner.deployment.vestibule("trusted-server", "add", DOMAIN)
    eventually(lambda: partner.answered(theirs), "the list to be noticed")
    with partner.connect(theirs) as line:
        line.sendall(options())
        assert line.recv(1000).startswith(b"SIP/2.0 ")
        partner.deployment.vestibule("trusted-server", "remove", DOMAIN)
        line.settimeout(20)
        read_to_end(line)
    assert not partner.answered(theirs)


def test_a_node_of_our_own_authority_needs_its_place_as_well(
    partner: Partner, tmp_path: Path
) -> None:
    node = tmp_path / "node.pem"
    partner.deployment.vestibule("cert", "issue", "node.vestibule.test", "--out", str(node))
    assert not partner.answered(None, node)
    partner.deployment.vestibule("trusted-server", "add", "node.vestibule.test")
    eventually(lambda: partner.answered(None, node), "the list to be noticed")


def test_people_and_devices_are_no_servers(partner: Partner) -> None:
    assert partner.answered(None)
    assert partner.answered(None, partner.deployment.user("alice").device_pem)
    theirs = partner.server(URI("sip:alice@vestibule.test"), purposes=(CLIENT,))
    assert partner.answered(theirs)  # lets in, and proves nobody: see test_foreign_lists.py


def test_a_listed_server_is_nobody_yet(partner: Partner) -> None:
    """Its certificate proves a server; a person's request needs a person's proof."""
    with partner.connect(partner.server(DNS(LISTED))) as line:
        line.sendall(options())
        assert line.recv(1000).startswith(b"SIP/2.0 401")
