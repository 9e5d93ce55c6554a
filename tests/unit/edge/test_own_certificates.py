"""What the application is told of a client's certificate: only of our own authority's."""

from typing import Any

from cryptography import x509

from tests.certificates import CLIENT, Credential, Shape, TestAuthority, key_usage
from vestibule.edge.own_certificates import OwnCertificates
from vestibule.edge.proxied_http import CLIENT_CERTIFICATE

OURS, THEIRS = TestAuthority("Our"), TestAuthority("Their")


def issued_here(certificate: x509.Certificate) -> bool:
    return certificate.issuer == OURS.issuer.certificate.subject


async def told(der: bytes | None) -> bytes | None:
    """What an application behind it sees."""
    seen: list[bytes | None] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["extensions"][CLIENT_CERTIFICATE])

    async def nothing(*_: Any) -> None:
        return None

    scope = {"type": "http", "extensions": {CLIENT_CERTIFICATE: der}}
    await OwnCertificates(application, issued_here)(scope, nothing, nothing)
    return seen[0]


def same_serial(device: Credential) -> Credential:
    shape = Shape(usage=key_usage(signs=True), serial=device.certificate.serial_number)
    return THEIRS.issue(purposes=[CLIENT], shape=shape)


async def test_anothers_certificate_with_our_devices_serial_is_not_told() -> None:
    device = OURS.client("sip:alice@d.test", "urn:uuid:1")
    assert await told(device.der) == device.der
    forged = same_serial(device)
    assert forged.certificate.serial_number == device.certificate.serial_number
    assert await told(forged.der) is None
    assert await told(None) is None
    assert await told(b"junk") is None
