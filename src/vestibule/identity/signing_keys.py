"""The keys that sign our tokens: EC P-256, kept as a private JWK set (RFC 7517) on disk.

The first key of the file signs. Older ones only verify, until the last token they signed has
expired; then `rotate` drops them.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

ALGORITHM = "ES256"
"""The one algorithm of our tokens (RFC 7518 section 3.4). It is never read from a token."""

_KEPT = 2  # the signing key and the one before it


class KeyFileRefused(RuntimeError):  # noqa: N818 - reads as what it says
    """The key file can't be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The signing key and those that still verify."""

    path: Path
    keys: tuple[ECKey, ...]

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKeys":
        """Reads the key file; the first time, makes it with mode 0600.

        Raises KeyFileRefused if others may read it or it isn't a set of EC P-256 private keys.
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
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyFileRefused(f"{path} is readable by others; chmod 600 it and rotate the keys")
    try:
        entries = json.loads(path.read_text())["keys"]
        keys = tuple(_named(ECKey.import_key(entry)) for entry in entries)
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileRefused(f"{path} is not a JWK set") from error
    if not keys or any(key.curve_name != "P-256" or not key.is_private for key in keys):
        raise KeyFileRefused(f"{path} must hold EC P-256 private keys")
    return keys


def _write(path: Path, keys: tuple[ECKey, ...]) -> None:
    """Replaces the file in one step, so that a crash leaves the old keys or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    body = json.dumps({"keys": [key.as_dict(private=True) for key in keys]}).encode()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
