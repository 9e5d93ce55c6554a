"""Who hears of each certificate that is issued, renewed or revoked, or could not be had."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class CertificateAct(StrEnum):
    """What happened."""

    ISSUED = "issued"
    RENEWED = "renewed"
    REVOKED = "revoked"
    """Stands in a CRL that has just been published."""
    FAILED = "failed"
    """A public authority gave none."""


@dataclass(frozen=True, slots=True)
class CertificateEvent:
    """`subject` is what the certificate is for, as far as that is known, such as an address of record;
    `serial` is in lower-case hexadecimal, None if there is no certificate; `reason` a few plain words.
    """

    act: CertificateAct
    serial: str | None
    subject: str | None = None
    reason: str | None = None


Witness = Callable[[CertificateEvent], None]


def nobody(event: CertificateEvent) -> None:
    """Where nobody wants to hear."""
