"""A certificate authority for tests: every certificate and list that a good or a bad peer could present."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
PEER = x509.BasicConstraints(ca=False, path_length=None)
POINTS = "https://crl.test"
"""Where test authorities say that their CRLs are."""

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extras = Sequence[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its key and the chain to send along."""

    certificate: x509.Certificate
    key: Key
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


@dataclass(frozen=True, slots=True)
class Shape:
    """How a certificate is made; what a test doesn't say is as it should be."""

    begins: timedelta = -DAY
    ends: timedelta = 30 * DAY
    usage: x509.KeyUsage | None = None
    basic: x509.BasicConstraints | None = PEER
    extras: Extras = ()
    points: Sequence[str] | None = None
    """Distribution points; None: those of its issuer."""
    key: Key | None = None
    serial: int | None = None


def key_usage(
    *, signs: bool = False, certificates: bool = False, lists: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=lists,
        encipher_only=False,
        decipher_only=False,
    )


AUTHORITY = Shape(
    ends=365 * DAY,
    usage=key_usage(certificates=True, lists=True),
    basic=x509.BasicConstraints(ca=True, path_length=None),
)


class TestAuthority:
    """A root and the issuer under it, each with its CRL."""

    __test__ = False

    def __init__(
        self,
        name: str = "Test",
        *,
        root: Shape = AUTHORITY,
        issuer: Shape = AUTHORITY,
        points: str = POINTS,
    ) -> None:
        self.points = points
        self.root = self._make(f"{name} Root", None, replace(root, points=()))
        self.issuer = self._make(f"{name} Issuing", self.root, issuer)

    def beside(self, name: str, points: str) -> "TestAuthority":
        """Another issuer under the same root, whose list is elsewhere."""
        other = copy(self)
        other.issuer = self._make(f"{name} Issuing", self.root, AUTHORITY)
        other.points = points
        return other

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
        shape: Shape | None = None,
        common_name: str = "peer",
    ) -> Credential:
        """A certificate of the issuer; `begins` and `ends` are from now."""
        shape = shape or Shape(begins=begins, ends=ends, usage=key_usage(signs=True))
        extras: list[tuple[x509.ExtensionType, bool]] = list(shape.extras)
        if purposes:
            extras.append((x509.ExtendedKeyUsage(purposes), False))
        if names:
            extras.append((x509.SubjectAlternativeName(names), False))
        made = self._make(common_name, self.issuer, replace(shape, extras=extras))
        return replace(made, chain=(self.issuer.certificate,))

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
        return [
            revocation_list(self.issuer, revoked, ends=ends),
            revocation_list(self.root, of_root, ends=ends),
        ]

    def _make(self, name: str, issuer: Credential | None, shape: Shape) -> Credential:
        key = shape.key or ec.generate_private_key(ec.SECP256R1())
        signer = issuer.key if issuer else key
        builder = _builder(name, key, issuer, shape)
        extras = list(shape.extras)
        points = self._points(issuer) if shape.points is None else shape.points
        if points:
            extras.append((_distribution(points), False))
        if shape.usage:
            extras.append((shape.usage, True))
        if shape.basic:
            extras.append((shape.basic, True))
        for extension, critical in extras:
            builder = builder.add_extension(extension, critical)
        return Credential(builder.sign(signer, hashes.SHA256()), key, ())

    def _points(self, issuer: Credential | None) -> Sequence[str]:
        of_root = issuer is None or issuer.certificate.issuer == issuer.certificate.subject
        return [f"{self.points}/{'root' if of_root else 'issuer'}.crl"]


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def revocation_list(
    issuer: Credential,
    revoked: Sequence[Credential] = (),
    *,
    begins: timedelta = -2 * DAY,
    ends: timedelta = 7 * DAY,
    number: int | None = 1,
    number_critical: bool = False,
    extras: Extras = (),
    signer: Credential | None = None,
) -> bytes:
    """A CRL of the issuer. What a test doesn't say is as it should be."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now + begins)
        .next_update(now + ends)
        .add_extension(_key_identifier(issuer.key), critical=False)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), number_critical)
    for extension, critical in extras:
        builder = builder.add_extension(extension, critical)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now - DAY).build())
    signed = builder.sign((signer or issuer).key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def _builder(
    name: str, key: Key, issuer: Credential | None, shape: Shape
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(shape.serial or x509.random_serial_number())
        .not_valid_before(now + shape.begins)
        .not_valid_after(now + shape.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_key_identifier(issuer.key if issuer else key), critical=False)
    )


def _key_identifier(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _distribution(points: Sequence[str]) -> x509.CRLDistributionPoints:
    names = [x509.UniformResourceIdentifier(point) for point in points]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])
