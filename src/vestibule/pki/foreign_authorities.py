"""Authorities of others that an admin trusts, as PEM files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from vestibule.pki.certificates import crl_urls
from vestibule.pki.files import certificate_pem


@dataclass(frozen=True, slots=True)
class ForeignAuthorities:
    """Their certificates, each of them a trust anchor."""

    pem: str
    distribution_points: tuple[str, ...]
    """Where the certificates themselves say that lists are."""

    @classmethod
    def read(cls, files: Iterable[str]) -> "ForeignAuthorities":
        """Read them all. Raises OSError, or ValueError that names the file that is no PEM."""
        certificates = [one for file in files for one in _read(Path(file))]
        return cls(
            "".join(certificate_pem(one).decode() for one in certificates),
            tuple(dict.fromkeys(url for one in certificates for url in crl_urls(one))),
        )


def _read(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file} holds no certificate: {error}") from error
