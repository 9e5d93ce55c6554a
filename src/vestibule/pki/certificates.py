"""What our certificates look like (RFC 5280).

Curves and hashes are FIPS-approved (E7); all but the root say where their CRL is (K4).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vestibule.pki.constraints import name_constraints

ROOT_LIFE = timedelta(days=3650)
ISSUING_LIFE = timedelta(days=1825)
SERVER_LIFE = timedelta(days=90)
DEVICE_LIFE = timedelta(days=365)
_CLOCK_SKEW = timedelta(minutes=5)
LeafKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
"""What a leaf may have; our own are of elliptic curves."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate that signs others, with its key, and where its CRL is published."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    crl_url: str


def new_authority_key() -> ec.EllipticCurvePrivateKey:
    """A key for an authority."""
    return ec.generate_private_key(ec.SECP384R1())


def new_leaf_key() -> ec.EllipticCurvePrivateKey:
    """A key for a server or device."""
    return ec.generate_private_key(ec.SECP256R1())


def root_certificate(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """A self-signed root that may sign one level of authorities."""
    name = _named("Vestibule root authority")
    builder = _builder(name, name, key.public_key(), now, ROOT_LIFE)
    return _authority(builder, key, path_length=1).sign(key, hashes.SHA384())


def issuing_certificate(
    key: ec.EllipticCurvePrivateKey, names: Sequence[str], root: Issuer, now: datetime
) -> x509.Certificate:
    """The authority that signs leafs: servers of these names, and devices (`name_constraints`)."""
    name = _named("Vestibule issuing authority")
    builder = _builder(name, root.certificate.subject, key.public_key(), now, ISSUING_LIFE)
    builder = builder.add_extension(name_constraints(names), critical=True)
    builder = _signed_by(_authority(builder, key, path_length=0), root)
    return builder.sign(root.key, hashes.SHA384())


def server_certificate(
    key: ec.EllipticCurvePrivateKey, names: Sequence[str], issuer: Issuer, now: datetime
) -> x509.Certificate:
    """A server's, for DNS names and addresses. It serves and, to other servers, connects."""
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    subject = [_server_name(name) for name in names]
    # Not an address: OpenSSL holds one in the common name against DNS name constraints.
    dns_names = (name.value for name in subject if isinstance(name, x509.DNSName))
    name = next((name for name in dns_names if len(name) <= 64), "Vestibule server")
    return _leaf(
        key.public_key(), issuer, name=name, subject=subject, usages=usages, now=now,
        life=SERVER_LIFE,
    )  # fmt: skip


def device_certificate(
    key: LeafKey, aor: str, device_id: str, issuer: Issuer, now: datetime
) -> x509.Certificate:
    """A device's certificate: it speaks for one person's address, and for itself by its id."""
    subject = [
        x509.UniformResourceIdentifier(aor),
        x509.UniformResourceIdentifier(f"urn:uuid:{device_id}"),
    ]
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    name = aor.removeprefix("sip:")
    return _leaf(key, issuer, name=name, subject=subject, usages=usages, now=now, life=DEVICE_LIFE)


def revocation_list(
    issuer: Issuer,
    revoked: Mapping[int, datetime],
    *,
    number: int,
    now: datetime,
    life: timedelta,
) -> x509.CertificateRevocationList:
    """A CRL over serial numbers and their dates of revocation (RFC 5280 section 5)."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - _CLOCK_SKEW)
        .next_update(now + life)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
    )
    for serial, date in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA384())


def serial_text(certificate: x509.Certificate) -> str:
    """A serial number as the directory keeps it: lower-case hexadecimal."""
    return f"{certificate.serial_number:x}"


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The DNS names and addresses that a certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return frozenset({*names.get_values_for_type(x509.DNSName), *addresses})


def normal_name(name: str) -> str:
    """A DNS name or address as `names_of` gives it back."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def crl_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """Where a certificate says that its CRL is; empty if it says nothing."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.value for point in points for name in point.full_name or ())


def _leaf(
    key: LeafKey,
    issuer: Issuer,
    *,
    name: str,
    subject: Sequence[x509.GeneralName],
    usages: list[x509.ObjectIdentifier],
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    builder = _builder(_named(name[:64]), issuer.certificate.subject, key, now, life)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(subject), critical=False)
    )
    return _signed_by(builder, issuer).sign(issuer.key, hashes.SHA384())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: LeafKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, path_length: int
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(
        _key_usage(signs_certificates=True), critical=True
    )


def _signed_by(builder: x509.CertificateBuilder, issuer: Issuer) -> x509.CertificateBuilder:
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(issuer.crl_url)], None, None, None
    )
    return builder.add_extension(_authority_key_identifier(issuer), critical=False).add_extension(
        x509.CRLDistributionPoints([point]), critical=False
    )


def _authority_key_identifier(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _server_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def utc_now() -> datetime:
    """The time now, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
