"""The certificate of a public authority on disk, with its key: one file, so that they always fit.

The folder holds account.key (what the authority knows us by) and public.pem: key, certificate, chain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from vestibule.pki.certificates import crl_urls, names_of, serial_text, utc_now
from vestibule.pki.files import key_pem, private_folder, write_private

_BEGIN = b"-----BEGIN CERTIFICATE-----"


class UnfitCertificate(Exception):
    """What the authority gave can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that is on disk, with key and chain as PEM."""

    certificate: x509.Certificate
    key: bytes
    chain: bytes

    @property
    def serial(self) -> str:
        """Lower-case hexadecimal."""
        return serial_text(self.certificate)

    @property
    def until(self) -> datetime:
        """When it ends."""
        return self.certificate.not_valid_after_utc

    @property
    def names(self) -> frozenset[str]:
        """What it is for."""
        return names_of(self.certificate)

    @property
    def issuer(self) -> str:
        """Who signed it, for people."""
        return self.certificate.issuer.rfc4514_string()

    def in_force(self, now: datetime) -> bool:
        """Whether it may be shown to anybody."""
        return self.certificate.not_valid_before_utc <= now <= self.until

    def is_old(self, now: datetime, *, part: float) -> bool:
        """Whether that part of its life, or less, is left."""
        life = self.until - self.certificate.not_valid_before_utc
        return self.until - now <= life * part


class PublicCertificate:
    """The folder. `names` are DNS names; without `without_crl` a certificate must name a CRL (K4)."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        without_crl: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.folder = folder
        self.names = tuple(names)
        self._without_crl = without_crl
        self._clock = clock

    @property
    def account_key_file(self) -> Path:
        """Where the account's key is."""
        return self.folder / "account.key"

    def held(self) -> Held | None:
        """What is on disk, whatever its state; None if there is nothing, or nothing readable."""
        try:
            pem = (self.folder / "public.pem").read_bytes()
            key, mark, chain = pem.partition(_BEGIN)
            return Held(x509.load_pem_x509_certificate(pem), key, mark + chain)
        except (FileNotFoundError, ValueError):
            return None

    def in_use(self) -> Held | None:
        """What may be shown to clients now; None: our own authority's must serve."""
        held = self.held()
        if held is None or not held.in_force(self._clock()):
            return None
        try:
            self._examine(held)
        except UnfitCertificate:  # other names by now, say
            return None
        return held

    def keep(self, key: ec.EllipticCurvePrivateKey, chain: bytes) -> Held:
        """Take a new certificate in place of the old. Raises UnfitCertificate; then nothing changed."""
        try:
            held = Held(x509.load_pem_x509_certificate(chain), key_pem(key), chain)
        except ValueError as error:
            raise UnfitCertificate("not a certificate") from error
        if not held.in_force(self._clock()):
            raise UnfitCertificate("not in force")
        self._examine(held)
        private_folder(self.folder)
        write_private(self.folder / "public.pem", held.key + held.chain)
        return held

    def _examine(self, held: Held) -> None:
        try:
            extensions = held.certificate.extensions
            usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            names = held.names
            points = crl_urls(held.certificate)
        except (ValueError, x509.ExtensionNotFound) as error:
            raise UnfitCertificate("an extension is missing or unreadable") from error
        if load_pem_private_key(held.key, None).public_key() != held.certificate.public_key():
            raise UnfitCertificate("for another key")
        if not names.issuperset(self.names):
            raise UnfitCertificate("for other names")
        if ExtendedKeyUsageOID.SERVER_AUTH not in usage:
            raise UnfitCertificate("not for servers")
        if not points and not self._without_crl:
            raise UnfitCertificate("names no CRL")
