"""Recovery codes: ten, each good once, for who has lost the other factors.

Nearly fifty random bits each. Stored is a mark that can't be made without the server's key, so whoever
reads the database can't try codes against it; online, guesses are limited as those of all codes.
"""

import secrets

HOW_MANY = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for another
_HALF = 5


def new_codes() -> tuple[str, ...]:
    """A fresh set, such as `k7m2p-x9qrt`."""
    return tuple(f"{_half()}-{_half()}" for _ in range(HOW_MANY))


def plain(typed: str) -> str:
    """A code as it was made, however it was typed."""
    letters = "".join(typed.split()).replace("-", "").lower()
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def _half() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_HALF))
