"""The authority on disk: what it holds, issues, renews and publishes.

The folder holds root.key, root.pem, issuing.key, issuing.pem, authority.pem (what others trust),
server.key and server.pem (with its chain), root.crl and issuing.crl, and in issued/ what was issued.
If the issuing key is in a PKCS#11 token, there is no issuing.key. The root's key is kept apart from
the issuing one and needed only for what the root itself signs: the issuing certificate and the
root's CRL. It may be kept elsewhere and put back once a fortnight; without it the last root CRL
serves until it ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from vestibule.pki import certificates
from vestibule.pki.certificates import Issuer, LeafKey, serial_text, utc_now
from vestibule.pki.constraints import not_permitted
from vestibule.pki.files import (
    certificate_pem,
    key_pem,
    private_folder,
    read_certificate,
    read_key,
    write_private,
    write_public,
)
from vestibule.pki.ledger import Ledger
from vestibule.pki.revocation import CrlFile
from vestibule.pki.token_place import TokenPlace
from vestibule.pki.witness import CertificateAct, CertificateEvent, Witness, nobody

ISSUING_CRL_LIFE = timedelta(hours=24)
ROOT_CRL_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DeviceCredential:
    """What a device gets: one PEM with key (if it was made here), certificate and chain, and the serial."""

    pem: bytes
    serial: str

    def __repr__(self) -> str:
        return f"DeviceCredential(serial={self.serial!r})"


class Authority:
    """Issues and revokes. `crl_base` is where CRLs are published, such as https://host/pki;
    `witness` hears of each certificate. With a `token`, the issuing key is there and not in a file:
    what signs then raises TokenUnusable if the token can't.
    """

    def __init__(
        self,
        folder: Path,
        crl_base: str,
        clock: Callable[[], datetime] = utc_now,
        witness: Witness = nobody,
        token: TokenPlace | None = None,
    ) -> None:
        self.folder = folder
        self._crl_base = crl_base
        self._clock = clock
        self._witness = witness
        self._token = None if token is None else token.reach()
        self.ledger = Ledger(folder / "issued")

    @property
    def exists(self) -> bool:
        """Whether the authority has been made."""
        return (self.folder / "issuing.pem").exists()

    def create(self, names: Sequence[str]) -> None:
        """Make root and issuing authority, the latter for servers of these names and below them.

        Raises FileExistsError rather than replace one.
        """
        if self.exists:
            raise FileExistsError(f"there is an authority in {self.folder}")
        if self._token is not None:
            self._token.make_key()  # first: a token that can't leaves no half of an authority behind
        private_folder(self.folder)
        root_key = certificates.new_authority_key()
        root = certificates.root_certificate(root_key, self._clock())
        write_private(self.folder / "root.key", key_pem(root_key))
        write_public(self.folder / "root.pem", certificate_pem(root))
        write_public(self.folder / "authority.pem", certificate_pem(root))
        if self._token is None:
            write_private(self.folder / "issuing.key", key_pem(certificates.new_authority_key()))
        self._tell(CertificateAct.ISSUED, root, "root")
        self._tell(CertificateAct.ISSUED, self._issue_issuing(names), "issuing")

    def check_token(self) -> None:
        """Raises OSError if the issuing key is to be made in a token that isn't ready for it."""
        if self._token is not None:
            self._token.check_free()

    def check_issuing_key(self) -> None:
        """Raises OSError or ValueError if the issuing key can't be had, or isn't the certificate's."""
        self._issuer("issuing")

    # --- renewal ---

    def renew_issuing(self, names: Sequence[str]) -> bool:
        """Renew the issuing certificate, key kept, if it is due; whether it was renewed.

        Due is what has a third of its life left, names another place for CRLs than ours, or may not
        sign for one of the names. Nothing is done while the root's key is kept elsewhere.
        """
        current = read_certificate(self.folder / "issuing.pem")
        due = self._is_due(current, "root") or not_permitted(current, names)
        if not (self.folder / "root.key").exists() or not due:
            return False
        self.check_issuing_key()
        self._tell(CertificateAct.RENEWED, self._issue_issuing(names), "issuing")
        return True

    def issue_server(self, names: Sequence[str]) -> None:
        """A new key and certificate for this server, in force for its next handshake."""
        first = not (self.folder / "server.pem").exists()
        act = CertificateAct.ISSUED if first else CertificateAct.RENEWED
        key, chain = self._issue(names, act)
        write_private(self.folder / "server.key", key)
        write_public(self.folder / "server.pem", chain)

    def issue_node(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """A key and a chain, as PEM, for another server: it serves, and connects to others.

        Raises ValueError if the issuing authority may not sign for one of the names.
        """
        return self._issue(names, CertificateAct.ISSUED)

    def _issue(self, names: Sequence[str], act: CertificateAct) -> tuple[bytes, bytes]:
        key = certificates.new_leaf_key()
        issuer = self._issuer("issuing")
        if foreign := not_permitted(issuer.certificate, names):
            raise ValueError(
                f"the issuing authority may not sign for {', '.join(foreign)}: add the domain to the "
                f"settings, put root.key into {self.folder} and start the server once"
            )
        leaf = certificates.server_certificate(key, names, issuer, self._clock())
        self.ledger.note(leaf)
        self._tell(act, leaf, names[0])
        return key_pem(key), certificate_pem(leaf) + certificate_pem(issuer.certificate)

    def server_needs_renewal(self, names: Sequence[str]) -> bool:
        """Whether the server's certificate has to be issued anew.

        That is if it is missing, has a third of its life left, is for other names, names another
        place for CRLs, comes with an old issuing certificate, or does not fit its key (the process
        ended between the two files).
        """
        certificate, key = self.folder / "server.pem", self.folder / "server.key"
        if not certificate.exists() or not key.exists():
            return True
        leaf = read_certificate(certificate)
        issuing = (self.folder / "issuing.pem").read_bytes()
        return (
            self._is_due(leaf, "issuing")
            or certificates.names_of(leaf) != frozenset(map(certificates.normal_name, names))
            or not certificate.read_bytes().endswith(issuing)
            or leaf.public_key() != read_key(key).public_key()
        )

    def server_identity(self) -> tuple[bytes, bytes]:
        """Chain and key of the server, as PEM."""
        return (self.folder / "server.pem").read_bytes(), (self.folder / "server.key").read_bytes()

    # --- devices ---

    def enroll(self, aor: str, device_id: str) -> DeviceCredential:
        """A key and certificate for a device of the person with that address of record."""
        key = certificates.new_leaf_key()
        certified = self.certify_device(key.public_key(), aor, device_id)
        return DeviceCredential(key_pem(key) + certified.pem, certified.serial)

    def certify_device(self, key: LeafKey, aor: str, device_id: str) -> DeviceCredential:
        """The same for a key that was made on the device: its PEM holds no key."""
        issuer = self._issuer("issuing")
        leaf = certificates.device_certificate(key, aor, device_id, issuer, self._clock())
        self.ledger.note(leaf)
        self._tell(CertificateAct.ISSUED, leaf, aor)
        pem = certificate_pem(leaf) + certificate_pem(issuer.certificate)
        return DeviceCredential(pem, serial_text(leaf))

    def device_needs_renewal(self, pem: bytes) -> bool:
        """Whether a device's PEM has a third of its life left or names another place for CRLs."""
        return self._is_due(x509.load_pem_x509_certificate(pem), "issuing")

    def device_serial(self, pem: bytes) -> str:
        """The serial of a device's certificate, as the directory keeps it."""
        return serial_text(x509.load_pem_x509_certificate(pem))

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether our issuing key signed it."""
        try:
            issuing = read_certificate(self.folder / "issuing.pem")
            certificate.verify_directly_issued_by(issuing)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    # --- what another process does ---

    def revoke(self, serial: str) -> None:
        """Take a certificate back. Raises KeyError if we didn't issue it."""
        self.ledger.revoke(serial, self._clock())

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a server's certificate, a CRL or the ledger does."""
        names = ("server.pem", "issuing.pem", "issuing.crl", "root.crl", "issued")
        paths = (self.folder / name for name in names)
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)

    # --- what is published ---

    def publish_crls(self, revoked: Sequence[tuple[str, datetime]]) -> bool:
        """Renew the CRLs that are past half their life or don't list what is revoked.

        `revoked` are serials (lower-case hexadecimal) with their dates, beside those of the ledger.
        Returns whether any CRL was renewed.
        """
        everything = (*self.ledger.revoked(), *revoked)
        entries = {int(serial, 16): date for serial, date in everything}
        changed = self._publish("issuing", entries, ISSUING_CRL_LIFE)
        if (self.folder / "root.key").exists():
            changed |= self._publish("root", {}, ROOT_CRL_LIFE)
        return changed

    def crls_der(self) -> list[bytes]:
        """The CRLs in force."""
        return [(self.folder / f"{name}.crl").read_bytes() for name in ("root", "issuing")]

    def authority_pem(self) -> bytes:
        """What others trust."""
        return (self.folder / "authority.pem").read_bytes()

    def fingerprint(self) -> str:
        """SHA-256 of the root certificate, as people compare it."""
        digest = read_certificate(self.folder / "authority.pem").fingerprint(hashes.SHA256())
        return digest.hex(":").upper()

    # --- inside ---

    def _tell(self, act: CertificateAct, certificate: x509.Certificate, subject: str) -> None:
        self._witness(CertificateEvent(act, serial_text(certificate), subject))

    def _issue_issuing(self, names: Sequence[str]) -> x509.Certificate:
        key = self._key("issuing")
        issuing = certificates.issuing_certificate(key, names, self._issuer("root"), self._clock())
        write_public(self.folder / "issuing.pem", certificate_pem(issuing))
        return issuing

    def _issuer(self, name: str) -> Issuer:
        certificate = read_certificate(self.folder / f"{name}.pem")
        key = self._key(name)
        if key.public_key() != certificate.public_key():  # another token, or another's file
            raise ValueError(f"the {name} key is not that of {self.folder / name}.pem")
        return Issuer(certificate, key, self._crl_url(name))

    def _key(self, name: str) -> ec.EllipticCurvePrivateKey:
        if name == "issuing" and self._token is not None:
            return self._token.key()
        return read_key(self.folder / f"{name}.key")

    def _crl_url(self, issuer: str) -> str:
        return f"{self._crl_base}/{issuer}.crl"

    def _is_due(self, certificate: x509.Certificate, issuer: str) -> bool:
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        left = certificate.not_valid_after_utc - self._clock()
        moved = certificates.crl_urls(certificate) != (self._crl_url(issuer),)
        return moved or not life / 3 < left <= life  # more than its life: the clock went back

    def _publish(self, name: str, revoked: dict[int, datetime], life: timedelta) -> bool:
        file = CrlFile(self.folder / f"{name}.crl")
        now = self._clock()
        if not file.is_due(revoked, now, life):
            return False
        crl = certificates.revocation_list(
            self._issuer(name), revoked, number=file.next_number(), now=now, life=life
        )
        known = file.serials()
        write_public(file.path, crl.public_bytes(Encoding.DER))
        for serial in revoked.keys() - known:
            self._witness(CertificateEvent(CertificateAct.REVOKED, f"{serial:x}"))
        return True
