"""Where an authority's key is when it isn't in a file: which PKCS#11 token, and what opens it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestibule.pki.token_key import Token


class TokenUnusable(OSError):
    """The token can't do what was asked of it; the text says why, and never holds the PIN."""


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """The vendor's module, the labels of token and key, and the file that holds the PIN."""

    module: Path
    token: str
    key: str
    pin_file: Path

    def reach(self) -> "Token":
        """What speaks to the token. Raises TokenUnusable if python-pkcs11 isn't installed."""
        try:
            from vestibule.pki.token_key import Token  # noqa: PLC0415 - only who has a token needs it
        except ImportError as error:
            raise TokenUnusable(
                "a key in a token needs python-pkcs11: install vestibule[pkcs11]"
            ) from error
        return Token(self)
