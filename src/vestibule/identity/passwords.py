"""Password hashes: Argon2id (RFC 9106), or PBKDF2 where only approved functions may be; off the event loop.

Checking the password of somebody who doesn't exist costs the same as of somebody who does, so the
time of an answer tells nothing about who is in the directory (ATTACKS 10, 21).
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION, Type

from vestibule.identity import approved_hash
from vestibule.identity.approved_hash import ApprovedHasher

T = TypeVar("T")

MAX_PASSWORD_CHARACTERS = 512
"""Longer input is refused before any work is spent on it."""

MIN_PASSWORD_CHARACTERS = 8
"""What NIST SP 800-63B section 5.1.1.2 asks of a memorised secret at least."""


class PasswordUnfit(ValueError):
    """A new password is too short, too long, or has control characters; the text says which."""


class Passwords:
    """Makes and checks password hashes in a few threads of its own.

    Few threads on purpose: each hash takes `memory_kib` of memory and one core, and a flood of
    sign-ins must neither exhaust the machine nor delay signalling.
    """

    def __init__(
        self,
        *,
        time_cost: int = 3,
        memory_kib: int = 65_536,
        lanes: int = 2,
        threads: int = 2,
        fips: bool = False,
    ) -> None:
        """`fips`: new hashes are made by PBKDF2; older ones count as outdated."""
        self._usual = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes, type=Type.ID
        )
        self._approved = ApprovedHasher()
        self._hasher: PasswordHasher | ApprovedHasher = self._approved if fips else self._usual
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="passwords")
        # What the password of an unknown person is compared with: no password has it.
        self._nobody = self._approved.hash_of_none() if fips else _hash_of_none(self._usual)

    async def hash(self, password: str) -> str:
        """The hash to store for a new password, in PHC string format.

        Raises PasswordUnfit.
        """
        text = _normal(password)
        if len(text) < MIN_PASSWORD_CHARACTERS:
            raise PasswordUnfit(f"shorter than {MIN_PASSWORD_CHARACTERS} characters")
        if len(text) > MAX_PASSWORD_CHARACTERS:
            raise PasswordUnfit(f"longer than {MAX_PASSWORD_CHARACTERS} characters")
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise PasswordUnfit("contains control characters")
        return await self._run(self._hasher.hash, text)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the stored hash.

        `stored` is None for an unknown person or one without a password; the work is the same.
        """
        text = _normal(password)
        if len(text) > MAX_PASSWORD_CHARACTERS:
            text = ""
        matches = await self._run(self._matches, stored or self._nobody, text)
        return matches and stored is not None and text != ""

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's and should be renewed."""
        if self._maker(stored) is not self._hasher:
            return True
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Ends the threads; checks under way are finished first."""
        self._pool.shutdown()

    async def _run(self, work: Callable[..., T], *args: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def _maker(self, stored: str) -> PasswordHasher | ApprovedHasher:
        return self._approved if stored.startswith(approved_hash.KIND) else self._usual

    def _matches(self, stored: str, text: str) -> bool:
        try:
            return self._maker(stored).verify(stored, text)
        except (VerificationError, InvalidHashError):
            return False


def _hash_of_none(hasher: PasswordHasher) -> str:
    """Octets drawn, not derived, in the form of a hash: checking it is the full work, making it is none."""
    salt, derived = (
        base64.b64encode(secrets.token_bytes(octets)).rstrip(b"=").decode()
        for octets in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${derived}"


def _normal(password: str) -> str:
    """One form for one password, however the keyboard composed it (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
