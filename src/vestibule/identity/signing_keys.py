"""The keys that sign our tokens: EC P-256, kept as a private JWK set (RFC 7517) on disk.

The first key of the file signs. Older ones only verify, until the last token they signed has
expired; then `rotate` drops them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from vestibule.identity.private_file import PrivateFileRefused, read_private, write_private

ALGORITHM = "ES256"
"""The one algorithm of our tokens (RFC 7518 section 3.4). It is never read from a token."""

_KEPT = 2  # the signing key and the one before it


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The signing key and those that still verify."""

    path: Path
    keys: tuple[ECKey, ...]

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKeys":
        """Reads the key file; the first time, makes it with mode 0600.

        Raises PrivateFileRefused if others may read it or it isn't a set of EC P-256 private keys.
        """
        if not path.exists():
            _write(path, (_new_key(),))
        return cls(path, _read(path))

    @property
    def signing(self) -> ECKey:
        """The key that signs new tokens."""
        return self.keys[0]

    def verifying(self, kid: str) -> ECKey | None:
        """Our key of that id (RFC 7638 thumbprint); None if we have no such key."""
        return next((key for key in self.keys if key.kid == kid), None)

    def public(self) -> dict[str, Any]:
        """The JWK set to publish: public parts only."""
        return {
            "keys": [
                {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in self.keys
            ]
        }

    def rotate(self) -> "SigningKeys":
        """Puts a new signing key before the others, on disk first, and returns the new set."""
        keys = (_new_key(), *self.keys)[:_KEPT]
        _write(self.path, keys)
        return SigningKeys(self.path, keys)


def _new_key() -> ECKey:
    return _named(ECKey.generate_key("P-256", private=True))


def _named(key: ECKey) -> ECKey:
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def _read(path: Path) -> tuple[ECKey, ...]:
    try:
        entries = json.loads(read_private(path))["keys"]
        keys = tuple(_named(ECKey.import_key(entry)) for entry in entries)
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise PrivateFileRefused(f"{path} is not a JWK set") from error
    if not keys or any(key.curve_name != "P-256" or not key.is_private for key in keys):
        raise PrivateFileRefused(f"{path} must hold EC P-256 private keys")
    return keys


def _write(path: Path, keys: tuple[ECKey, ...]) -> None:
    entries = [key.as_dict(private=True) for key in keys]
    write_private(path, json.dumps({"keys": entries}).encode())
