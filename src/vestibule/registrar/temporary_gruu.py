"""Temporary GRUUs (RFC 5627 section 3.1.2): addresses of one device that don't tell whose it is.

The user part holds address of record and device, sealed under a key of this process, so nothing has to
be remembered; like a registration it is lost with the process. No two are alike, and only we can tell
that two belong together. It leads somewhere while the device is registered.
"""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PREFIX = "tgruu."
_NONCE_OCTETS = 12
_BETWEEN = b"\0"


class TemporaryGruus:
    """Makes and reads them."""

    def __init__(self) -> None:
        self._cipher = AESGCM(secrets.token_bytes(32))

    def make(self, aor: str, instance: str) -> str:
        """One more address of a person's device."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        text = aor.encode() + _BETWEEN + instance.encode()
        sealed = base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text, None))
        return f"sip:{_PREFIX}{sealed.rstrip(b'=').decode()}@{aor.rpartition('@')[2]};gr"

    def read(self, user: str | None) -> tuple[str, str] | None:
        """Address of record and device of a URI's user part; None if it is no temporary GRUU of ours."""
        if user is None or not user.startswith(_PREFIX):
            return None
        text = user.removeprefix(_PREFIX)
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(data[:_NONCE_OCTETS], data[_NONCE_OCTETS:], None)
        except (binascii.Error, ValueError, InvalidTag):
            return None
        aor, _, instance = plain.partition(_BETWEEN)
        return aor.decode(), instance.decode()
