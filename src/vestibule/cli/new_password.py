"""Random passwords that can be read out and typed, and their hashes."""

import contextlib
import secrets

from vestibule.identity.passwords import Passwords

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aeiou"
_SYLLABLES_OF_A_GROUP = 3
_GROUPS = 3


def new_password() -> str:
    """Nine random syllables, such as `tavuri-mokesa-ponudi`: 56 bits, no characters to mix up."""
    return "-".join(
        "".join(
            secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS)
            for _ in range(_SYLLABLES_OF_A_GROUP)
        )
        for _ in range(_GROUPS)
    )


async def hash_password(password: str, *, fips: bool) -> str:
    """What is stored of a password; `fips` as in the settings."""
    with contextlib.closing(Passwords(fips=fips)) as passwords:
        return await passwords.hash(password)


async def is_password(stored: str | None, password: str) -> bool:
    """Whether a password belongs to what is stored."""
    with contextlib.closing(Passwords()) as passwords:
        return await passwords.verify(stored, password)
