"""Wycheproof (C2SP) on what associations stand on: ECDH on P-256, HKDF and HMAC with SHA-256.

The vectors are not part of this repository: `VESTIBULE_SUITES` names the folder that has `wycheproof`.
"""

import hmac
import json
import lzma
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.identity.canonical_form import Direction, framed
from vestibule.identity.key_agreement import PUBLIC_KEY_OCTETS, BadPublicKey, agree

_USUAL = Path(__file__).parents[4] / "shared" / "suites"
SUITE = Path(os.environ.get("VESTIBULE_SUITES", _USUAL)) / "wycheproof"
pytestmark = pytest.mark.skipif(
    not SUITE.is_dir(), reason=f"no Wycheproof vectors in {SUITE} (VESTIBULE_SUITES)"
)


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each group with each of its cases."""
    groups = json.loads(lzma.decompress((SUITE / f"{name}_test.json.xz").read_bytes()))
    for group in groups["testGroups"]:
        for case in group["tests"]:
            yield group, case


def derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 of one block, written from RFC 5869."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_ecdh_of_associations() -> None:
    """Good points give the secret that the suite says; all else is no public key of ours."""
    taken = refused = 0
    for _, case in cases("ecdh_secp256r1"):
        point = bytes.fromhex(case["public"])[-PUBLIC_KEY_OCTETS:]
        whole = bytes.fromhex(case["public"])
        # The suite wraps points into DER; associations carry them bare.
        is_bare = len(whole) == 91 and point[0] == 4
        private = derive_private_key(int(case["private"], 16), SECP256R1())
        try:
            ours, keys = agree(point, "id", "sip:alice@d.test", private=private)
        except BadPublicKey:
            refused += 1
            assert not (case["result"] == "valid" and is_bare), case
            continue
        if case["result"] == "invalid" or not is_bare:
            continue  # wrong in its wrapping only
        taken += 1
        parts = (b"vestibule association 1", Direction.FROM_CLIENT.encode(),
                 b"sip:alice@d.test", point, ours)  # fmt: skip
        expected = derived(bytes.fromhex(case["shared"]), b"id", framed(parts))
        assert keys.from_client == expected, case
    assert taken > 200
    assert refused > 5


def test_points_off_the_curve_are_refused() -> None:
    private = derive_private_key(1, SECP256R1())
    for point in (b"", bytes(65), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x02" + bytes(32)):
        with pytest.raises(BadPublicKey):
            agree(point, "id", "sip:alice@d.test", private=private)


def test_hkdf() -> None:
    seen = 0
    for _, case in cases("hkdf_sha256"):
        seen += 1
        salt, info = bytes.fromhex(case["salt"]), bytes.fromhex(case["info"])
        try:
            found = HKDF(SHA256(), case["size"], salt=salt, info=info).derive(
                bytes.fromhex(case["ikm"])
            )
        except (ValueError, InvalidKey):
            assert case["result"] == "invalid", case
            continue
        assert case["result"] == "valid", case
        assert found.hex() == case["okm"], case
    assert seen == 86


def test_hmac() -> None:
    seen = 0
    for group, case in cases("hmac_sha256"):
        seen += 1
        code = hmac.digest(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]), sha256)
        fits = hmac.compare_digest(code[: group["tagSize"] // 8], bytes.fromhex(case["tag"]))
        assert fits == (case["result"] == "valid"), case
    assert seen > 100
