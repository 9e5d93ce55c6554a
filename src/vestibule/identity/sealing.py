"""One secret of the server, and what is sealed or marked with it.

Each purpose has a key of its own (HKDF, RFC 5869), so nothing made for one is good for another.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.identity.private_file import read_private, write_private

_SECRET_BYTES = 32
_NONCE_BYTES = 12


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
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._key(purpose)).encrypt(nonce, content, about.encode())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, purpose: str, sealed: str, about: str) -> bytes | None:
        """The content; None if it wasn't sealed by us for this purpose and this `about`."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
            nonce, rest = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return AESGCM(self._key(purpose)).decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError, binascii.Error):
            return None

    def mark(self, purpose: str, text: str) -> str:
        """A mark of the text that nobody without the secret can make or test guesses against."""
        return hmac.new(self._key(purpose), text.encode(), hashlib.sha256).hexdigest()

    def _key(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._secret)
