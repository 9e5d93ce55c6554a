"""One secret of the server, and what is sealed or marked with it.

Each purpose has a key of its own (HKDF, RFC 5869), so nothing made for one is good for another.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.identity.private_file import read_private, write_private
from vestibule.identity.sealed_text import SealedText

_SECRET_BYTES = 32


class Sealing:
    """AES-256-GCM to seal, HMAC-SHA-256 to mark."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def load_or_create(cls, path: Path) -> "Sealing":
        """With the secret in that file, made the first time with mode 0600."""
        if not path.exists():
            write_private(path, secrets.token_bytes(_SECRET_BYTES))
        return cls(read_private(path))

    def seal(self, purpose: str, content: bytes, about: str) -> str:
        """The content as text that only we can read, and only for the same `about`."""
        return SealedText(self._key(purpose)).seal(content, about)

    def open(self, purpose: str, sealed: str, about: str) -> bytes | None:
        """The content; None if it wasn't sealed by us for this purpose and this `about`."""
        return SealedText(self._key(purpose)).open(sealed, about)

    def mark(self, purpose: str, text: str) -> str:
        """A mark of the text that nobody without the secret can make or test guesses against."""
        return hmac.new(self._key(purpose), text.encode(), hashlib.sha256).hexdigest()

    def _key(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._secret)
