"""Text that only the holder of one key can read or make (AES-256-GCM), in characters that any URI may hold."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_OCTETS = 32
_NONCE_OCTETS = 12


class SealedText:
    """One key, and what is sealed under it. Without a `key` (32 octets), one of this process alone."""

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = AESGCM(secrets.token_bytes(_KEY_OCTETS) if key is None else key)

    def seal(self, content: bytes, about: str = "") -> str:
        """The content as text; it opens only for the same `about`. No two texts are alike."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return _text(nonce + self._cipher.encrypt(nonce, content, about.encode()))

    def open(self, text: str, about: str = "") -> bytes | None:
        """The content; None if the text is not ours, was changed, or is about something else."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            # The decoder takes "+" for "-", and a last character whose idle bits are set.
            if _text(raw) != text:
                return None
            return self._cipher.decrypt(raw[:_NONCE_OCTETS], raw[_NONCE_OCTETS:], about.encode())
        except (binascii.Error, ValueError, InvalidTag):
            return None


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
