"""The authority on disk: `root.key` kept apart from `issuing.key`, what they signed, and the CRLs.

The folder holds root.key, root.pem, issuing.key, issuing.pem, authority.pem (what others trust), server.key and
server.pem (with its chain), root.crl and issuing.crl. The root's key is needed only to make the authority and
to renew the root's CRL; without it the last root CRL serves until it ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from vestibule.pki import certificates
from vestibule.pki.certificates import Issuer, serial_text, utc_now
from vestibule.pki.files import (
    certificate_pem,
    key_pem,
    read_certificate,
    read_key,
    write_private,
    write_public,
)

ISSUING_CRL_LIFE = timedelta(hours=24)
ROOT_CRL_LIFE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class DeviceCredential:
    """What a device gets: one PEM with key, certificate and chain, and the certificate's serial."""

    pem: bytes
    serial: str


class Authority:
    """Issues and revokes. `crl_base` is where CRLs are published, such as https://host/pki."""

    def __init__(
        self, folder: Path, crl_base: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.folder = folder
        self._crl_base = crl_base
        self._clock = clock

    @property
    def exists(self) -> bool:
        """Whether the authority has been made."""
        return (self.folder / "issuing.pem").exists()

    def create(self) -> None:
        """Make root and issuing authority. Raises FileExistsError rather than replace one."""
        if self.exists:
            raise FileExistsError(f"there is an authority in {self.folder}")
        now = self._clock()
        root_key, issuing_key = certificates.new_authority_key(), certificates.new_authority_key()
        root = certificates.root_certificate(root_key, now)
        issuer = Issuer(root, root_key, f"{self._crl_base}/root.crl")
        issuing = certificates.issuing_certificate(issuing_key, issuer, now)
        write_private(self.folder / "root.key", key_pem(root_key))
        write_public(self.folder / "root.pem", certificate_pem(root))
        write_public(self.folder / "authority.pem", certificate_pem(root))
        write_private(self.folder / "issuing.key", key_pem(issuing_key))
        write_public(self.folder / "issuing.pem", certificate_pem(issuing))

    # --- the server ---

    def issue_server(self, names: Sequence[str]) -> None:
        """A new key and certificate for this server, in force for its next handshake."""
        key = certificates.new_leaf_key()
        issuer = self._issuing()
        leaf = certificates.server_certificate(key, names, issuer, self._clock())
        chain = certificate_pem(leaf) + certificate_pem(issuer.certificate)
        write_private(self.folder / "server.key", key_pem(key))
        write_public(self.folder / "server.pem", chain)

    def server_needs_renewal(self, names: Sequence[str]) -> bool:
        """Whether the server's certificate is missing, for other names, or two thirds through its life."""
        path = self.folder / "server.pem"
        if not path.exists() or not (self.folder / "server.key").exists():
            return True
        leaf = read_certificate(path)
        left = leaf.not_valid_after_utc - self._clock()
        return left < certificates.SERVER_LIFE / 3 or _names_of(leaf) != set(names)

    def server_identity(self) -> tuple[bytes, bytes]:
        """Chain and key of the server, as PEM."""
        return (self.folder / "server.pem").read_bytes(), (self.folder / "server.key").read_bytes()

    # --- devices ---

    def enroll(self, aor: str, device_id: str) -> DeviceCredential:
        """A key and certificate for a device of the person with that address of record."""
        key = certificates.new_leaf_key()
        issuer = self._issuing()
        leaf = certificates.device_certificate(key, aor, device_id, issuer, self._clock())
        pem = key_pem(key) + certificate_pem(leaf) + certificate_pem(issuer.certificate)
        return DeviceCredential(pem, serial_text(leaf))

    # --- what is published ---

    def publish_crls(self, revoked: Sequence[tuple[str, datetime]], *, at_once: bool) -> bool:
        """Renew the CRLs that are past half their life, or all `at_once`; whether any was renewed.

        `revoked` are serials (lower-case hexadecimal) with their dates.
        """
        entries = [(int(serial, 16), date) for serial, date in revoked]
        changed = self._publish(
            "issuing", self._issuing, entries, ISSUING_CRL_LIFE, at_once=at_once
        )
        if (self.folder / "root.key").exists():
            changed |= self._publish("root", self._root, [], ROOT_CRL_LIFE, at_once=False)
        return changed

    def crls_der(self) -> list[bytes]:
        """The CRLs in force."""
        return [(self.folder / f"{name}.crl").read_bytes() for name in ("root", "issuing")]

    def authority_pem(self) -> bytes:
        """What others trust."""
        return (self.folder / "authority.pem").read_bytes()

    def fingerprint(self) -> str:
        """SHA-256 of the root certificate, as people compare it."""
        return read_certificate(self.folder / "authority.pem").fingerprint(hashes.SHA256()).hex(":")

    # --- inside ---

    def _root(self) -> Issuer:
        return self._issuer("root")

    def _issuing(self) -> Issuer:
        return self._issuer("issuing")

    def _issuer(self, name: str) -> Issuer:
        certificate = read_certificate(self.folder / f"{name}.pem")
        key = read_key(self.folder / f"{name}.key")
        return Issuer(certificate, key, f"{self._crl_base}/{name}.crl")

    def _publish(
        self,
        name: str,
        issuer: Callable[[], Issuer],
        entries: Sequence[tuple[int, datetime]],
        life: timedelta,
        *,
        at_once: bool,
    ) -> bool:
        path = self.folder / f"{name}.crl"
        now = self._clock()
        if not at_once and path.exists():
            ends = x509.load_der_x509_crl(path.read_bytes()).next_update_utc
            if ends is not None and ends - now > life / 2:
                return False
        crl = certificates.revocation_list(issuer(), entries, now, life)
        write_public(path, crl.public_bytes(Encoding.DER))
        return True


def _names_of(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    dns = names.get_values_for_type(x509.DNSName)
    return {*dns, *(str(address) for address in names.get_values_for_type(x509.IPAddress))}
