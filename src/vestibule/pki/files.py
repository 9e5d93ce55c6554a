"""Keys and certificates on disk: written whole or not at all, keys for their owner only (K9)."""

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read."""
    _write(path, data, 0o600)


def write_public(path: Path, data: bytes) -> None:
    """Write a file that everyone may read."""
    _write(path, data, 0o644)


def private_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, or take others' rights to it away."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS #8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def read_private(path: Path) -> bytes:
    """Read a file. Raises PermissionError if others may read it."""
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} can be read by others: chmod 600 it")
    return path.read_bytes()


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Raises ValueError if it is of another kind, PermissionError if others may read it.
    """
    key = load_pem_private_key(read_private(path), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is not an elliptic-curve key")
    return key


def read_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # left by a crash of a process with our number
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the new name, too, survives a power cut
    finally:
        os.close(folder)
