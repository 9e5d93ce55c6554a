"""Secrets of signing in, in files that only their owner may read (K9)."""

import stat
from pathlib import Path

from vestibule.pki import files


class PrivateFileRefused(RuntimeError):
    """The file can't be trusted; the text says why and what to do."""


def read_private(path: Path) -> bytes:
    """The file's bytes. Raises PrivateFileRefused if group or others have any right to it."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PrivateFileRefused(f"{path} is open to others: replace it, with mode 0600")
    return path.read_bytes()


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file, mode 0600, in one step; its folder is made for its owner only."""
    files.private_folder(path.parent)
    files.write_private(path, content)
