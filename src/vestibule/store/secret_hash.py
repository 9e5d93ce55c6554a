"""What is stored of a secret that we drew ourselves: it is random, so a plain hash will do."""

import hashlib
import hmac


def hash_of(secret: str) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_hash_of(held: str, secret: str) -> bool:
    """Whether the secret is the one whose hash is held, in a time that doesn't tell how nearly."""
    return hmac.compare_digest(hash_of(secret), held)
