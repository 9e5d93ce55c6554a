"""Only a client certificate that is good in every respect is accepted; having none is fine."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.certificates import ANY, CLIENT, DAY, SERVER, Credential, TestAuthority
from tests.running_edge import RunningEdge, options, read_to_end
from vestibule._native import ConnectFailed, FlowClosed, Relay

OURS = TestAuthority()
WRONG = TestAuthority("Wrong")
IMPOSTOR = TestAuthority()
"""Another authority of the same name."""
REVOKED = OURS.client("sip:alice@vestibule.test")

NAMES = [x509.UniformResourceIdentifier("sip:alice@vestibule.test")]
BAD = {
    "wrong authority": WRONG.client(),
    "authority of the same name": IMPOSTOR.client(),
    "expired": OURS.issue(purposes=[CLIENT], names=NAMES, begins=-3 * DAY, ends=-DAY),
    "not yet valid": OURS.issue(purposes=[CLIENT], names=NAMES, begins=DAY),
    "for servers": OURS.issue(purposes=[SERVER], names=NAMES),
    "for no purpose": OURS.issue(names=NAMES),
    "for any purpose": OURS.issue(purposes=[ANY], names=NAMES),
    "for clients and any purpose": OURS.issue(purposes=[CLIENT, ANY], names=NAMES),
    "revoked": REVOKED,
    "the authority's own": Credential(OURS.issuer.certificate, OURS.issuer.key, ()),
}


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(OURS) as running:
        running.edge.set_trust(OURS.root_pem, OURS.crls(REVOKED))
        yield running


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_good_certificate_is_told(
    edge: RunningEdge, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    good = OURS.client("sip:alice@vestibule.test")
    context = edge.context(good, tmp_path)
    context.minimum_version = context.maximum_version = version
    assert edge.lets_in(context)
    assert edge.opened().certificate == good.der


def test_no_certificate_is_fine(edge: RunningEdge) -> None:
    assert edge.lets_in(edge.context())
    assert edge.opened().certificate is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("fault", BAD)
def test_a_bad_certificate_ends_the_handshake(
    edge: RunningEdge, tmp_path: Path, fault: str, version: ssl.TLSVersion
) -> None:
    context = edge.context(BAD[fault], tmp_path)
    context.minimum_version = context.maximum_version = version
    assert not edge.lets_in(context)
    edge.counted("certificate_refused")
    assert edge.quiet()


@pytest.mark.parametrize(
    ("state", "crls"),
    [
        ("no list at all", []),
        ("no list of the issuer", OURS.crls()[1:]),
        ("no list of the root", OURS.crls()[:1]),
        ("lists past their time", OURS.crls(ends=-DAY)),
        ("lists of an impostor", IMPOSTOR.crls()),
        ("the issuer revoked", OURS.crls(of_root=[OURS.issuer])),
    ],
)
def test_unknown_revocation_is_refused(
    edge: RunningEdge, tmp_path: Path, state: str, crls: list[bytes]
) -> None:
    edge.edge.set_trust(OURS.root_pem, crls)
    assert not edge.lets_in(edge.context(OURS.client(), tmp_path)), state
    assert edge.lets_in(edge.context()), state


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay(bind=["127.0.0.1"], ports=[0], advertise=["127.0.0.1"], realm="ours.test")
    yield relay
    relay.close()


def relays(edge: RunningEdge, context: ssl.SSLContext) -> bool:
    """Whether a Binding request is answered."""
    try:
        with edge.connect(context) as client:
            client.sendall(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"once upon a ")
            return client.recv(2) == b"\x01\x01"
    except (ssl.SSLError, ConnectionError):
        return False


def test_beside_the_web_only_who_names_a_protocol_is_asked(relay: Relay, tmp_path: Path) -> None:
    """Browsers name HTTP, and their TURN clients nothing: those can't say that they have no certificate."""
    with RunningEdge(OURS, sip=False, relay=relay) as edge:
        context = edge.context(WRONG.client(), tmp_path)
        assert relays(edge, context)
        context.set_alpn_protocols(["http/1.1"])
        assert not relays(edge, context)
        edge.counted("certificate_refused")


def test_a_phone_is_asked_though_it_names_no_protocol(relay: Relay, tmp_path: Path) -> None:
    with RunningEdge(OURS, relay=relay) as edge:
        assert not edge.lets_in(edge.context(WRONG.client(), tmp_path))
        assert edge.lets_in(edge.context(OURS.client(), tmp_path))
        assert edge.opened().certificate is not None


def test_before_there_is_trust_no_certificate_is_asked_for(tmp_path: Path) -> None:
    with RunningEdge(OURS, trust=False) as edge:
        assert edge.lets_in(edge.context(WRONG.client(), tmp_path))
        assert edge.opened().certificate is None


def test_a_live_flow_ends_when_its_certificate_is_revoked(
    edge: RunningEdge, tmp_path: Path
) -> None:
    good, other = OURS.client(), OURS.client()
    (tmp_path / "other").mkdir()
    with (
        edge.connect(edge.context(good, tmp_path)) as client,
        edge.connect(edge.context(other, tmp_path / "other")) as bystander,
    ):
        client.sendall(options())
        flow = edge.opened().flow
        edge.message()
        bystander.sendall(options())
        edge.opened()
        edge.message()
        edge.edge.set_trust(OURS.root_pem, OURS.crls(good))
        closed = edge.next(FlowClosed)
        assert (closed.flow, closed.reason) == (flow, "certificate no longer accepted")
        assert read_to_end(client) == b""
        bystander.sendall(options("still"))
        assert edge.message().call_id == "still"


@pytest.mark.parametrize(
    "purposes", [[CLIENT], [], [ANY], [SERVER, ANY]], ids=["client", "none", "any", "server, any"]
)
def test_a_server_needs_its_purpose_too(
    edge: RunningEdge, purposes: list[x509.ObjectIdentifier]
) -> None:
    with RunningEdge(OURS) as other:
        unfit = OURS.issue(purposes=purposes, names=[x509.DNSName("edge.test")])
        other.edge.set_identity(unfit.chain_pem, unfit.key_pem)
        flow = edge.edge.connect("127.0.0.1", other.port, "edge.test")
        failed = edge.next(ConnectFailed)
        assert failed.flow == flow
        assert "certificate" in failed.reason


@pytest.mark.parametrize("fault", ["wrong authority", "expired", "revoked"])
def test_a_bad_server_is_not_spoken_to(edge: RunningEdge, fault: str) -> None:
    names = [x509.DNSName("edge.test")]
    revoked = OURS.server("edge.test")
    unfit = {
        "wrong authority": WRONG.server("edge.test"),
        "expired": OURS.issue(purposes=[SERVER], names=names, begins=-3 * DAY, ends=-DAY),
        "revoked": revoked,
    }[fault]
    edge.edge.set_trust(OURS.root_pem, OURS.crls(revoked))
    with RunningEdge(OURS) as other:
        other.edge.set_identity(unfit.chain_pem, unfit.key_pem)
        edge.edge.connect("127.0.0.1", other.port, "edge.test")
        assert "certificate" in edge.next(ConnectFailed).reason
        assert other.quiet()


def test_a_revocation_between_handshake_and_first_bytes_counts(
    edge: RunningEdge, tmp_path: Path
) -> None:
    good = OURS.client()
    context = edge.context(good, tmp_path)
    # In TLS 1.2 the client's handshake is over only when the server's is.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with edge.connect(context) as client:
        edge.edge.set_trust(OURS.root_pem, OURS.crls(good))
        client.sendall(b"\r\n\r\n")
        flow = edge.opened().flow
        closed = edge.next(FlowClosed)
        assert (closed.flow, closed.reason) == (flow, "certificate no longer accepted")
