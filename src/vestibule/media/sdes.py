"""Which of the SRTP keys of an m-line is taken (RFC 4568).

AES-256-GCM is taken first, whatever order the phone offers (E6).
"""

import base64
from dataclasses import dataclass
from typing import Literal

from vestibule.sip.sdp import Crypto, MediaDescription

Suite = Literal["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"]

KEY_OCTETS: dict[Suite, int] = {
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_128_GCM": 28,
    "AES_CM_128_HMAC_SHA1_80": 30,
}
APPROVED: frozenset[Suite] = frozenset({"AEAD_AES_256_GCM", "AEAD_AES_128_GCM"})


@dataclass(frozen=True, slots=True)
class ChosenCrypto:
    """One `a=crypto` line that was taken; `key` is key and salt."""

    suite: Suite
    tag: str
    key: bytes

    def __repr__(self) -> str:
        return f"ChosenCrypto(suite={self.suite!r}, tag={self.tag!r})"


def choose_crypto(medium: MediaDescription, *, fips: bool) -> ChosenCrypto | None:
    """The best of an m-line's keys that can be used; with `fips` AES-GCM only."""
    offered = [c for c in medium.cryptos() if not (c.has_mki or c.has_parameters)]
    for suite, octets in KEY_OCTETS.items():
        if fips and suite not in APPROVED:
            continue
        for crypto in offered:
            if crypto.suite.upper() != suite:
                continue
            key = key_of(crypto, octets)
            if key is not None:
                return ChosenCrypto(suite, crypto.tag, key)
    return None


def key_of(crypto: Crypto, octets: int) -> bytes | None:
    """Key and salt of an `a=crypto` line, if they have that length."""
    try:
        key = base64.b64decode(crypto.key, validate=True)
    except ValueError:
        return None
    return key if len(key) == octets else None


def crypto_line(tag: str, suite: Suite, key: bytes) -> str:
    """The `a=crypto` line that gives key and salt away to the other end."""
    return f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}"
