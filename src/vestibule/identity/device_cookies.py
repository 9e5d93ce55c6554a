"""Device cookies: a browser that once signed in as a person is told apart from strangers.

The cookie proves nothing about who is there now and opens nothing; it only keeps the owner's tries
out of the bucket that strangers empty (after OWASP's "Slow Down Online Guessing Attacks with Device
Cookies").
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from vestibule.identity.private_file import read_private, write_private

_SECRET_BYTES = 32


class DeviceCookies:
    """Makes and checks them by HMAC-SHA-256 with a secret of the server."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def load_or_create(cls, path: Path) -> "DeviceCookies":
        """With the secret in that file, made the first time with mode 0600."""
        if not path.exists():
            write_private(path, secrets.token_bytes(_SECRET_BYTES))
        return cls(read_private(path))

    def issue(self, account: str) -> str:
        """A cookie for a browser in which that account has just signed in."""
        device = secrets.token_urlsafe(16)
        return f"{device}.{self._mac(device, account)}"

    def device(self, cookie: str | None, account: str) -> str | None:
        """The device's id, if the cookie is ours and for that account."""
        device, _, mac = (cookie or "").partition(".")
        expected = self._mac(device, account)
        return device if hmac.compare_digest(mac.encode(), expected.encode()) else None

    def _mac(self, device: str, account: str) -> str:
        return hmac.new(self._secret, f"{device} {account}".encode(), hashlib.sha256).hexdigest()
