"""What the authority has issued and taken back, as files: `issued/SERIAL.pem`, `issued/SERIAL.revoked`.

A file each, so that the command line and a running server may write at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from vestibule.pki.certificates import serial_text
from vestibule.pki.files import certificate_pem, private_folder, read_certificate, write_public


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate of ours, and since when it is revoked, if it is."""

    certificate: x509.Certificate
    revoked: datetime | None

    @property
    def serial(self) -> str:
        """Lower-case hexadecimal."""
        return serial_text(self.certificate)

    @property
    def holder(self) -> str:
        """For whom it is: the first of its names."""
        names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        first = next(iter(names.value))
        return str(getattr(first, "value", first)).removeprefix("sip:")

    def state(self, now: datetime) -> str:
        """In a word."""
        if self.revoked is not None:
            return "revoked"
        return "good" if now <= self.certificate.not_valid_after_utc else "expired"


class Ledger:
    """The folder `issued` of an authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, certificate: x509.Certificate) -> None:
        """Keep what has been issued."""
        private_folder(self._folder)
        path = self._folder / f"{serial_text(certificate)}.pem"
        write_public(path, certificate_pem(certificate))

    def revoke(self, serial: str, now: datetime) -> None:
        """Take one back. Nothing happens if it is revoked already. Raises KeyError if unknown."""
        if not self._path(serial, "pem").exists():
            raise KeyError(serial)
        if not self._path(serial, "revoked").exists():
            write_public(self._path(serial, "revoked"), now.isoformat().encode())

    def issued(self) -> Iterator[Issued]:
        """Everything that was issued, in no order."""
        for path in self._folder.glob("*.pem"):
            yield Issued(read_certificate(path), self._revoked(path.stem))

    def revoked(self) -> list[tuple[str, datetime]]:
        """Serials that are revoked, and when."""
        found = ((path.stem, self._revoked(path.stem)) for path in self._folder.glob("*.revoked"))
        return [(serial, date) for serial, date in found if date is not None]

    def _revoked(self, serial: str) -> datetime | None:
        path = self._path(serial, "revoked")
        if not path.exists():
            return None
        return datetime.fromisoformat(path.read_text()).astimezone(UTC)

    def _path(self, serial: str, kind: str) -> Path:
        if not serial or set(serial) - set("0123456789abcdef"):
            raise KeyError(serial)
        return self._folder / f"{serial}.{kind}"
