"""Files that only their owner may read: signing keys and secrets (K9)."""

import os
import stat
from pathlib import Path


class PrivateFileRefused(RuntimeError):
    """The file can't be trusted; the text says why and what to do."""


def read_private(path: Path) -> bytes:
    """The file's bytes. Raises PrivateFileRefused if group or others have any right to it."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PrivateFileRefused(f"{path} is open to others: replace it, with mode 0600")
    return path.read_bytes()


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file, mode 0600, in one step: a crash leaves the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # left by a crash of a process with our number
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
