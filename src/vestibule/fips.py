"""What the `fips` setting turns off, as the log says it at each start (E7; docs/admins/fips.md says why).

Each part turns off its own; tests/attack/test_fips.py holds this list to what is seen from outside.
"""

from typing import Protocol

TURNED_OFF = (
    ("TLS", "ChaCha20-Poly1305", "AES-256-GCM, AES-128-GCM"),
    ("TLS", "X25519 alone", "X25519MLKEM768, P-256, P-384"),
    ("TLS", "TLS 1.2 without extended master secret", "TLS 1.3, or 1.2 with it"),
    ("certificates", "Ed25519", "ECDSA with P-256, P-384, P-521; RSA of 2048 bits and more"),
    ("browsers' DTLS", "ChaCha20-Poly1305, X25519", "AES-GCM, P-256, P-384"),
    ("SRTP", "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM, AEAD_AES_128_GCM"),
    ("relay", "MD5 keys, HMAC-SHA1: browsers know no others", "SHA-256 of RFC 8489"),
    ("device secrets", "MD5, whatever the tenant's policy says", "SHA-256"),
    ("passwords", "Argon2id: replaced at each person's next sign-in", "PBKDF2-HMAC-SHA-512"),
    ("passkeys", "EdDSA, for new ones", "ECDSA, RSA"),
)
"""Where, what, and what serves instead."""


class Log(Protocol):
    """Where it is said."""

    def warning(self, event: str, **facts: str) -> object:
        """Say one line."""

    def info(self, event: str, **facts: str) -> object:
        """The same, if it is no warning."""


def report(log: Log) -> None:
    """Say line by line what is off, and that this is no validated module."""
    for where, what, instead in TURNED_OFF:
        log.info("fips.turned_off", where=where, what=what, instead=instead)
    log.warning("fips.not_validated", what="approved algorithms, not a FIPS 140-3 validated module")
