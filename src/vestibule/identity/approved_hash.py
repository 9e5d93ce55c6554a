"""Password hashes by PBKDF2 with HMAC-SHA-512 (NIST SP 800-132), for the `fips` setting: Argon2id isn't approved."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets

KIND = "$pbkdf2-sha512$"
ITERATIONS = 210_000
"""As OWASP's password storage cheat sheet asks of this function."""

_SALT_OCTETS = 16
_HASH_OCTETS = hashlib.sha512().digest_size
_FORM = re.compile(r"\$pbkdf2-sha512\$i=(\d{1,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


class ApprovedHasher:
    """Makes and checks such hashes, in PHC string format."""

    def __init__(self, iterations: int = ITERATIONS) -> None:
        self._iterations = iterations

    def hash(self, password: str) -> str:
        """The hash of a password, with a new salt."""
        salt = secrets.token_bytes(_SALT_OCTETS)
        derived = _derive(password, salt, self._iterations)
        return f"{KIND}i={self._iterations}${_text(salt)}${_text(derived)}"

    def hash_of_none(self) -> str:
        """Octets drawn, not derived, in that form: no password has it, and checking it is the full work."""
        salt, derived = (secrets.token_bytes(octets) for octets in (_SALT_OCTETS, _HASH_OCTETS))
        return f"{KIND}i={self._iterations}${_text(salt)}${_text(derived)}"

    def verify(self, stored: str, password: str) -> bool:
        """Whether the password belongs to the hash; False of what is none."""
        found = _FORM.fullmatch(stored)
        if found is None:
            return False
        try:
            salt, derived = _octets(found[2]), _octets(found[3])
        except binascii.Error:
            return False
        return hmac.compare_digest(_derive(password, salt, int(found[1])), derived)

    def check_needs_rehash(self, stored: str) -> bool:
        """Whether it was made otherwise than today's are."""
        return not stored.startswith(f"{KIND}i={self._iterations}$")


def _derive(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
