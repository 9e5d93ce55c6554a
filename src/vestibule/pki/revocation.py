"""A published CRL: whether it still says what is so, and what number the next one gets."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509


@dataclass(frozen=True, slots=True)
class CrlFile:
    """A CRL in a file, DER, which may not be there yet."""

    path: Path

    def is_due(self, revoked: Collection[int], now: datetime, life: timedelta) -> bool:
        """Whether a new one has to be published.

        That is if it is missing, past half its life, from the future (the clock went back), or
        does not list exactly the serials that are revoked.
        """
        crl = self._read()
        if crl is None or crl.next_update_utc is None:
            return True
        left = crl.next_update_utc - now
        return not life / 2 < left <= life or {e.serial_number for e in crl} != set(revoked)

    def next_number(self) -> int:
        """One more than the last: they never fall, whatever the clock does (RFC 5280 5.2.3)."""
        crl = self._read()
        if crl is None:
            return 1
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1

    def serials(self) -> frozenset[int]:
        """Which certificates it revokes."""
        return frozenset(entry.serial_number for entry in self._read() or ())

    def _read(self) -> x509.CertificateRevocationList | None:
        try:
            return x509.load_der_x509_crl(self.path.read_bytes())
        except (FileNotFoundError, ValueError):  # missing, or not a CRL: there has to be a new one
            return None
