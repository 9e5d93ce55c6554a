"""A certificate authority for tests: every certificate that a good or a bad peer could present."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its key and the chain to send along."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain_pem(self) -> bytes:
        return pem(self.certificate, *self.chain)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def write(self, folder: Path, name: str) -> Path:
        """One file with key and chain, as `ssl.SSLContext.load_cert_chain` likes it."""
        path = folder / f"{name}.pem"
        path.write_bytes(self.key_pem + self.chain_pem)
        return path


class TestAuthority:
    """A root and the issuer under it, each with its CRL."""

    __test__ = False

    def __init__(self, name: str = "Test") -> None:
        self.root = _authority(f"{name} Root", None)
        self.issuer = _authority(f"{name} Issuing", self.root)

    @cached_property
    def root_pem(self) -> bytes:
        return pem(self.root.certificate)

    def issue(
        self,
        *,
        purposes: Sequence[x509.ObjectIdentifier] = (),
        names: Sequence[x509.GeneralName] = (),
        begins: timedelta = -DAY,
        ends: timedelta = 30 * DAY,
    ) -> Credential:
        """A certificate of the issuer; `begins` and `ends` are from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("peer", key, self.issuer, begins, ends)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        certificate = builder.add_extension(constraints, critical=True).sign(
            self.issuer.key, hashes.SHA256()
        )
        return Credential(certificate, key, (self.issuer.certificate,))

    def server(self, *hosts: str) -> Credential:
        """A server's certificate for 127.0.0.1 and `hosts`, good for connecting out as well."""
        names: list[x509.GeneralName] = [x509.IPAddress(IPv4Address("127.0.0.1"))]
        names += [x509.DNSName(host) for host in hosts]
        return self.issue(purposes=[SERVER, CLIENT], names=names)

    def client(self, *uris: str) -> Credential:
        """A device's certificate."""
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        return self.issue(purposes=[CLIENT], names=names)

    def crls(
        self, *revoked: Credential, ends: timedelta = 7 * DAY, of_root: Sequence[Credential] = ()
    ) -> list[bytes]:
        """The issuer's CRL with `revoked` on it, and the root's."""
        return [_crl(self.issuer, revoked, ends), _crl(self.root, of_root, ends)]


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def _authority(name: str, issuer: Credential | None) -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, issuer, -DAY, 365 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_ca_usage(), critical=True)
    signer = issuer.key if issuer else key
    return Credential(builder.sign(signer, hashes.SHA256()), key, ())


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: Credential | None,
    begins: timedelta,
    ends: timedelta,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key = (issuer.key if issuer else key).public_key()
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )


def _crl(issuer: Credential, revoked: Sequence[Credential], ends: timedelta) -> bytes:
    now = datetime.now(UTC)
    key_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - 2 * DAY)
        .next_update(now + ends)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(key_identifier, critical=False)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now - DAY).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
