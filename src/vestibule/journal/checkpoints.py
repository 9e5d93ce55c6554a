"""Checkpoints: signed statements of where the chain stood, in the chain and in a file beside it.

Who can write the database can make a new chain, but not the signatures in it. Who cuts the chain off
takes its last checkpoints away with it; hence the newest one is kept outside the database too. It is
replaced only while the journal still holds what it says.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from vestibule.journal.entry import Head
from vestibule.journal.note import Detail
from vestibule.pki.files import (
    key_pem,
    private_folder,
    read_key,
    write_private,
)

_TAG = "vestibule-journal-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head, and the signature of one of our keys over it."""

    head: Head
    key_id: str
    signature: str

    @classmethod
    def of_details(cls, details: Mapping[str, str]) -> "Checkpoint":
        """The checkpoint in an entry. Raises KeyError, ValueError if there is none."""
        head = Head(int(details[Detail.OF]), details[Detail.HEAD])
        return cls(head, details[Detail.KEY_ID], details[Detail.SIGNATURE])

    def details(self) -> dict[Detail, str]:
        """How it stands in an entry."""
        return {
            Detail.OF: str(self.head.sequence),
            Detail.HEAD: self.head.hash,
            Detail.KEY_ID: self.key_id,
            Detail.SIGNATURE: self.signature,
        }


class PublicKey:
    """A key that checkpoints are checked with: P-256, ECDSA with SHA-256 (ES256)."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        raw = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.id = hashlib.sha256(raw).hexdigest()[:16]

    @classmethod
    def read(cls, pem: bytes) -> "PublicKey":
        """A key from PEM. Raises ValueError if it is of another kind."""
        key = load_pem_public_key(pem)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("not an elliptic-curve key")
        return cls(key)

    def pem(self) -> bytes:
        """The key, for whoever is to check."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint's signature is this key's."""
        try:
            signature = base64.b64decode(checkpoint.signature, validate=True)
            self._key.verify(signature, _statement(checkpoint.head), ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """The journal's own key, made when the first checkpoint is; it signs nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key: ec.EllipticCurvePrivateKey | None = None

    @property
    def path(self) -> Path:
        """Where the key is: PEM, for its owner only."""
        return self.folder / "signing.key"

    def sign(self, head: Head) -> Checkpoint:
        """A checkpoint. Raises OSError or ValueError if the key can't be had."""
        if self._key is None:
            self._key = self._load_or_create()
        signature = self._key.sign(_statement(head), ec.ECDSA(hashes.SHA256()))
        return Checkpoint(head, self.public_key().id, base64.b64encode(signature).decode())

    def public_key(self) -> PublicKey:
        """What to check with; the key is made if there is none."""
        if self._key is None:
            self._key = self._load_or_create()
        return PublicKey(self._key.public_key())

    def existing_key(self) -> PublicKey | None:
        """What to check with; None if there is no key yet."""
        return self.public_key() if self._key is not None or self.path.exists() else None

    def _load_or_create(self) -> ec.EllipticCurvePrivateKey:
        if not self.path.exists():
            private_folder(self.folder)
            made = self.folder / f".signing.key.{os.getpid()}.new"
            write_private(made, key_pem(ec.generate_private_key(ec.SECP256R1())))
            try:
                os.link(made, self.path)  # never replaces: another process may have been faster
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return read_key(self.path)


class CheckpointFile:
    """The newest checkpoint, kept outside the database."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.json"

    def read(self) -> Checkpoint | None:
        """What it says; None if there is none. Raises ValueError if it says nothing we understand."""
        try:
            said = json.loads(self.path.read_text())
            return Checkpoint.of_details({name: str(value) for name, value in said.items()})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError) as error:
            raise ValueError(f"{self.path} is not a checkpoint") from error

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace what it says, in one step."""
        private_folder(self.path.parent)
        said = {name.value: value for name, value in checkpoint.details().items()}
        write_private(self.path, json.dumps(said).encode() + b"\n")


def _statement(head: Head) -> bytes:
    return f"{_TAG}\n{head.sequence}\n{head.hash}\n".encode()
