"""Peers' certificates, in and out, attacked class by class (ATTACKS 49, 51, 52): the honest case first.

tests/attack/test_client_certificate.py has the plain ones: wrong authority, expired, revoked, purpose.
"""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificates import (
    AUTHORITY,
    CLIENT,
    DAY,
    SERVER,
    Credential,
    Shape,
    TestAuthority,
    key_usage,
    revocation_list,
)
from tests.running_edge import RunningEdge
from vestibule._native import ConnectFailed, FlowOpened

OURS = TestAuthority()
IMPOSTOR = TestAuthority()
DNS, URI = x509.DNSName, x509.UniformResourceIdentifier
SIGNS = key_usage(signs=True)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def peer(shape: Shape, authority: TestAuthority = OURS) -> Credential:
    """Good for both directions but for its shape."""
    return authority.issue(purposes=[SERVER, CLIENT], names=[DNS("edge.test")], shape=shape)


def authority(root: Shape = AUTHORITY, issuer: Shape = AUTHORITY) -> TestAuthority:
    return TestAuthority(root=root, issuer=issuer)


def unlike(**changes: object) -> Shape:
    """An authority's shape with changes."""
    values = {name: getattr(AUTHORITY, name) for name in AUTHORITY.__slots__}
    return Shape(**(values | changes))


PEERS = {
    "signs certificates": (
        Shape(usage=key_usage(signs=True, certificates=True)),
        "its key usage is unfit for a peer",
    ),
    "does not sign": (Shape(usage=key_usage(lists=True)), "its key usage is unfit for a peer"),
    "constrains names": (
        Shape(usage=SIGNS, extras=[(x509.NameConstraints([DNS("edge.test")], None), True)]),
        "name constraints in a peer's certificate",
    ),
    "no distribution point": (
        Shape(usage=SIGNS, points=()),
        "names no CRL distribution point",
    ),
    "an authority": (
        Shape(usage=SIGNS, basic=AUTHORITY.basic),
        "an authority stands where a peer should",
    ),
}
AUTHORITIES = {
    "the root has expired": (
        authority(root=unlike(begins=-9 * DAY, ends=-DAY)),
        "Expired",
    ),
    "the issuer has expired": (authority(issuer=unlike(begins=-9 * DAY, ends=-DAY)), "Expired"),
    "the issuer is no authority": (
        authority(issuer=unlike(basic=x509.BasicConstraints(ca=False, path_length=None))),
        "an issuer is not an authority",
    ),
    "the issuer may not sign certificates": (
        authority(issuer=unlike(usage=key_usage(signs=True, lists=True))),
        "an issuer is not an authority",
    ),
    "the issuer is for other names": (
        authority(issuer=unlike(extras=[(x509.NameConstraints([DNS("other.test")], None), True)])),
        "outside its authority's name constraints",
    ),
    "the issuer may not sign lists": (
        authority(issuer=unlike(usage=key_usage(certificates=True))),
        "its issuer may not sign revocation lists",
    ),
    "the root may not sign lists": (
        authority(root=unlike(usage=key_usage(certificates=True))),
        "its issuer may not sign revocation lists",
    ),
    "the path is too long for the root": (
        authority(root=unlike(basic=x509.BasicConstraints(ca=True, path_length=0))),
        "more authorities than one of them permits",
    ),
}


def with_point(**fields: object) -> bytes:
    """The issuer's list with an issuing distribution point."""
    empty = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }  # fmt: skip
    point = x509.IssuingDistributionPoint(**(empty | fields))  # type: ignore[arg-type]
    return revocation_list(OURS.issuer, extras=[(point, True)])


LISTS = {
    "signed by another": (
        revocation_list(OURS.issuer, signer=IMPOSTOR.issuer),
        "its revocation list's signature is not its issuer's",
    ),
    "past its time": (revocation_list(OURS.issuer, ends=-DAY), "ExpiredRevocationList"),
    "not in force yet": (revocation_list(OURS.issuer, begins=DAY), "ExpiredRevocationList"),
    "without a number": (
        revocation_list(OURS.issuer, number=None),
        "its revocation list has no proper number",
    ),
    "with a critical number": (
        revocation_list(OURS.issuer, number_critical=True),
        "its revocation list has no proper number",
    ),
    "a delta": (
        revocation_list(OURS.issuer, extras=[(x509.DeltaCRLIndicator(1), True)]),
        "its revocation list is of an unsupported kind",
    ),
    "indirect": (with_point(indirect_crl=True), "its revocation list is of an unsupported kind"),
    "for another place": (
        with_point(full_name=[URI("https://crl.test/other.crl")]),
        "UnknownRevocationStatus",
    ),
    "for authorities only": (with_point(only_contains_ca_certs=True), "UnknownRevocationStatus"),
}


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with RunningEdge(OURS) as running:
        yield running


def refusal_of(edge: RunningEdge, server: Credential, name: str = "edge.test", **how: bool) -> str:
    """Why the edge does not speak to a server that presents this; "" if it does."""
    with RunningEdge(OURS) as other:
        other.edge.set_identity(server.chain_pem, server.key_pem)
        flow = edge.edge.connect("127.0.0.1", other.port, name, **how)
        while True:
            event = edge._next()
            if isinstance(event, FlowOpened) and event.flow == flow:
                return ""
            if isinstance(event, ConnectFailed):
                assert event.flow == flow
                return event.reason


def signed_anew(good: Credential, folder: Path, digest: str) -> Credential:
    """The same certificate as openssl signs it; Python's library won't."""
    issuer = str(OURS.issuer.write(folder, "issuer"))
    builder = x509.CertificateSigningRequestBuilder().subject_name(good.certificate.subject)
    for extension in good.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    request = builder.sign(good.key, hashes.SHA256()).public_bytes(Encoding.PEM)
    command = [
        "openssl",
        "x509",
        "-req",
        f"-{digest}",
        "-days",
        "30",
        "-CA",
        issuer,
        "-CAkey",
        issuer,
    ]
    command += ["-set_serial", str(good.certificate.serial_number), "-copy_extensions", "copyall"]
    weak = subprocess.run(command, input=request, capture_output=True, check=True)
    return replace(good, certificate=x509.load_pem_x509_certificate(weak.stdout))


def test_an_honest_peer_is_good_both_ways(edge: RunningEdge, tmp_path: Path) -> None:
    honest = peer(Shape(usage=SIGNS))
    assert edge.lets_in(edge.context(honest, tmp_path))
    assert refusal_of(edge, honest) == ""


@pytest.mark.parametrize("fault", PEERS)
def test_an_unfit_peer_is_refused_both_ways(edge: RunningEdge, tmp_path: Path, fault: str) -> None:
    shape, said = PEERS[fault]
    unfit = peer(shape)
    assert not edge.lets_in(edge.context(unfit, tmp_path))
    assert said in refusal_of(edge, unfit)


def test_an_unknown_critical_extension_is_not_passed_over(
    edge: RunningEdge, tmp_path: Path
) -> None:
    unfit = peer(Shape(usage=SIGNS, extras=[(UNKNOWN, True)]))
    assert not edge.lets_in(edge.context(unfit, tmp_path))
    with pytest.raises(ValueError, match="CriticalExtension"):  # nor would we show it ourselves
        edge.edge.set_identity(unfit.chain_pem, unfit.key_pem)


@pytest.mark.parametrize("fault", AUTHORITIES)
def test_an_unfit_authority_vouches_for_nobody(
    edge: RunningEdge, tmp_path: Path, fault: str
) -> None:
    theirs, said = AUTHORITIES[fault]
    edge.edge.set_trust(theirs.root_pem, theirs.crls())
    good = peer(Shape(usage=SIGNS), theirs)
    assert not edge.lets_in(edge.context(good, tmp_path))
    assert said in refusal_of(edge, good)


@pytest.mark.parametrize("fault", LISTS)
def test_an_unfit_list_is_as_good_as_none(edge: RunningEdge, tmp_path: Path, fault: str) -> None:
    unfit, said = LISTS[fault]
    edge.edge.set_trust(OURS.root_pem, [unfit, OURS.crls()[1]])
    good = peer(Shape(usage=SIGNS))
    assert not edge.lets_in(edge.context(good, tmp_path))
    assert said in refusal_of(edge, good)


def test_junk_is_not_taken_for_a_list(edge: RunningEdge, tmp_path: Path) -> None:
    for junk in (b"", b"junk", OURS.crls()[0][:-1], OURS.crls()[0] + b"\0"):
        with pytest.raises(ValueError, match="revocation list"):
            edge.edge.set_trust(OURS.root_pem, [junk])
    assert edge.lets_in(edge.context(peer(Shape(usage=SIGNS)), tmp_path))  # nothing has changed


def test_a_strangers_list_of_the_same_name_neither_harms_nor_helps(
    edge: RunningEdge, tmp_path: Path
) -> None:
    revoked, good = peer(Shape(usage=SIGNS)), peer(Shape(usage=SIGNS))
    edge.edge.set_trust(OURS.root_pem, [*IMPOSTOR.crls(good), *OURS.crls(revoked)])
    assert edge.lets_in(edge.context(good, tmp_path))
    assert not edge.lets_in(edge.context(revoked, tmp_path))


def test_grace_is_what_the_admin_gave_and_no_more(edge: RunningEdge, tmp_path: Path) -> None:
    context = edge.context(peer(Shape(usage=SIGNS)), tmp_path)
    stale = OURS.crls(ends=-timedelta(hours=1))
    edge.edge.set_trust(OURS.root_pem, stale, crl_grace_seconds=3500)
    assert not edge.lets_in(context)
    edge.edge.set_trust(OURS.root_pem, stale, crl_grace_seconds=3700)
    assert edge.lets_in(context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("weakness", ["RSA-1024", "RSA-2050", "SHA-1"])
def test_weak_keys_and_hashes_are_refused(
    edge: RunningEdge, tmp_path: Path, weakness: str, version: ssl.TLSVersion
) -> None:
    if weakness == "SHA-1":
        good = peer(Shape(usage=SIGNS))
        same = signed_anew(good, tmp_path, "sha256")
        assert edge.lets_in(edge.context(same, tmp_path))
        weak = signed_anew(good, tmp_path, "sha1")
    else:
        bits = int(weakness.removeprefix("RSA-"))  # TLS libraries take one of no whole octets
        weak = peer(Shape(usage=SIGNS, key=rsa.generate_private_key(65537, bits)))
    context = ssl.create_default_context(cadata=OURS.root_pem.decode())
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or our own side would not even try
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(weak.write(tmp_path, "weak"))
    assert not edge.lets_in(context)


def test_a_chain_built_to_cost_is_refused(edge: RunningEdge, tmp_path: Path) -> None:
    good = peer(Shape(usage=SIGNS))
    for many, accepted in ((8, True), (9, False)):
        padded = Credential(good.certificate, good.key, good.chain * many)
        assert edge.lets_in(edge.context(padded, tmp_path)) is accepted


DOMAINS = [
    ("its domain", [URI("sip:partner.test"), DNS("sip.partner.test")], "peer", True),
    ("its domain by DNS", [DNS("partner.test")], "peer", True),
    ("a host of the domain", [DNS("sip.partner.test")], "peer", False),
    ("another domain by URI", [URI("sip:other.test"), DNS("partner.test")], "peer", False),
    ("a wildcard", [DNS("*.test")], "peer", False),
    ("the common name only", [DNS("other.test")], "partner.test", False),
    ("a person there", [URI("sip:alice@partner.test"), DNS("other.test")], "peer", False),
    ("a longer name", [DNS("partner.test.evil.test")], "peer", False),
    ("a look-alike", [DNS("xn--prtner-4ve.test")], "peer", False),
]


@pytest.mark.parametrize(("what", "names", "common_name", "accepted"), DOMAINS)
def test_a_partner_speaks_for_its_own_domain_only(
    edge: RunningEdge, what: str, names: list[x509.GeneralName], common_name: str, accepted: bool
) -> None:
    server = OURS.issue(purposes=[SERVER], names=names, common_name=common_name)
    reason = refusal_of(edge, server, "partner.test", sip_domain=True)
    assert reason == "" if accepted else "NotValidForName" in reason


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "*.partner.test"])
def test_what_is_no_domain_is_not_connected_to(edge: RunningEdge, name: str) -> None:
    edge.edge.connect("127.0.0.1", 9, name, sip_domain=True)
    assert edge.next(ConnectFailed).reason == "not a server name"
