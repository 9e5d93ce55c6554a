"""What is stored of a secret that we drew ourselves: it is random, so a plain hash will do."""

import hashlib


def hash_of(secret: str) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
