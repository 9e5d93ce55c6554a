"""What is issued stands up to strangers: cryptography's path validation and openssl (K1-K7)."""

import ipaddress
import subprocess
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.unit.pki.deployment import CRL_BASE, NAMES, Clock
from vestibule.pki.authority import Authority, DeviceCredential
from vestibule.pki.certificates import crl_urls

AOR = "sip:alice@vestibule.test"


@pytest.fixture
def device_id() -> str:
    return str(uuid4())


@pytest.fixture
def device(authority: Authority, device_id: str) -> DeviceCredential:
    return authority.enroll(AOR, device_id)


def policy(authority: Authority, clock: Clock) -> PolicyBuilder:
    roots = x509.load_pem_x509_certificates(authority.authority_pem())
    return PolicyBuilder().store(Store(roots)).time(clock())


def openssl_verify(
    authority: Authority, folder: Path, chain: bytes, purpose: str
) -> subprocess.CompletedProcess[str]:
    """`openssl verify` with the CRLs of every level demanded."""
    leaf, issuing = x509.load_pem_x509_certificates(chain)
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(issuing.public_bytes(Encoding.PEM))
    crls = [x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in authority.crls_der()]
    (folder / "crls.pem").write_bytes(b"".join(crls))
    command = [
        "openssl", "verify", "-x509_strict", "-crl_check_all", "-purpose", purpose,
        "-CAfile", str(authority.folder / "authority.pem"), "-CRLfile", str(folder / "crls.pem"),
        "-untrusted", str(folder / "chain.pem"), str(folder / "leaf.pem"),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False)


def usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


@pytest.mark.parametrize(
    "name", [x509.DNSName("host.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)
def test_a_server_is_verified_by_each_of_its_names(
    authority: Authority, clock: Clock, name: x509.DNSName | x509.IPAddress
) -> None:
    leaf, *chain = x509.load_pem_x509_certificates(authority.server_identity()[0])
    path = policy(authority, clock).build_server_verifier(name).verify(leaf, chain)
    assert len(path) == 3


def test_a_server_is_not_verified_by_another_name(authority: Authority, clock: Clock) -> None:
    leaf, *chain = x509.load_pem_x509_certificates(authority.server_identity()[0])
    verifier = policy(authority, clock).build_server_verifier(x509.DNSName("other.test"))
    with pytest.raises(VerificationError):
        verifier.verify(leaf, chain)


def test_a_server_serves_and_connects(authority: Authority) -> None:
    leaf = x509.load_pem_x509_certificate(authority.server_identity()[0])
    assert usages(leaf) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_a_server_holds_the_key_to_its_certificate(authority: Authority) -> None:
    chain, key = authority.server_identity()
    private = load_pem_private_key(key, None)
    assert private.public_key() == x509.load_pem_x509_certificate(chain).public_key()


def test_a_device_speaks_for_its_person_and_itself(
    authority: Authority, clock: Clock, device: DeviceCredential, device_id: str
) -> None:
    leaf, *chain = x509.load_pem_x509_certificates(device.pem)
    verified = policy(authority, clock).build_client_verifier().verify(leaf, chain)
    assert verified.subjects == [
        x509.UniformResourceIdentifier(AOR),
        x509.UniformResourceIdentifier(f"urn:uuid:{device_id}"),
    ]
    assert device.serial == f"{leaf.serial_number:x}"


def test_a_device_cannot_pose_as_a_server(
    authority: Authority, tmp_path: Path, device: DeviceCredential
) -> None:
    leaf = x509.load_pem_x509_certificate(device.pem)
    assert usages(leaf) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert openssl_verify(authority, tmp_path, device.pem, "sslserver").returncode != 0


def test_a_devices_pem_holds_the_key_to_its_certificate(device: DeviceCredential) -> None:
    private = load_pem_private_key(device.pem, None)
    assert private.public_key() == x509.load_pem_x509_certificate(device.pem).public_key()
    assert "PRIVATE" not in repr(device)


def test_openssl_agrees_with_every_level_checked_for_revocation(
    authority: Authority, tmp_path: Path, device: DeviceCredential
) -> None:
    chain = authority.server_identity()[0]
    for pem, purpose in (
        (chain, "sslserver"), (chain, "sslclient"), (device.pem, "sslclient"),
    ):  # fmt: skip
        result = openssl_verify(authority, tmp_path, pem, purpose)
        assert result.returncode == 0, result.stderr


def test_openssl_refuses_a_revoked_device_and_no_other(
    authority: Authority, clock: Clock, tmp_path: Path, device: DeviceCredential
) -> None:
    other = authority.enroll(AOR, str(uuid4()))
    assert authority.publish_crls([(device.serial, clock())])
    result = openssl_verify(authority, tmp_path, device.pem, "sslclient")
    assert "certificate revoked" in result.stderr
    assert openssl_verify(authority, tmp_path, other.pem, "sslclient").returncode == 0


def test_everything_but_the_root_says_where_its_crl_is(
    authority: Authority, device: DeviceCredential
) -> None:
    server, issuing = x509.load_pem_x509_certificates(authority.server_identity()[0])
    phone = x509.load_pem_x509_certificate(device.pem)
    assert crl_urls(server) == crl_urls(phone) == (f"{CRL_BASE}/issuing.crl",)
    assert crl_urls(issuing) == (f"{CRL_BASE}/root.crl",)
    assert crl_urls(x509.load_pem_x509_certificate(authority.authority_pem())) == ()


def test_algorithms_are_fips_approved(authority: Authority, device: DeviceCredential) -> None:
    certificates = [
        *x509.load_pem_x509_certificates(authority.server_identity()[0]),
        *x509.load_pem_x509_certificates(authority.authority_pem()),
        *x509.load_pem_x509_certificates(device.pem),
    ]
    for certificate in certificates:
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name in {"secp256r1", "secp384r1"}
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == "sha384"


def test_an_expired_certificate_is_refused(
    authority: Authority, clock: Clock, device: DeviceCredential
) -> None:
    leaf, *chain = x509.load_pem_x509_certificates(device.pem)
    clock.pass_by(timedelta(days=366))
    with pytest.raises(VerificationError):
        policy(authority, clock).build_client_verifier().verify(leaf, chain)


def test_names_are_served_as_given(authority: Authority) -> None:
    assert not authority.server_needs_renewal(NAMES)
    assert not authority.server_needs_renewal(("127.0.0.1", "HOST.test"))
