"""Certificate requests: whatever comes, it is a key or a refusal."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from vestibule.pki.device_request import UnfitRequest, key_of_request

KEY = ec.generate_private_key(ec.SECP256R1())


def request(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, hashed: hashes.HashAlgorithm
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashed).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


GOOD = request(KEY, hashes.SHA256())


@pytest.mark.parametrize(
    "key",
    [KEY, ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-256", "P-384", "RSA-2048"],
)
def test_usual_keys_are_taken(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    for hashed in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        assert key_of_request(request(key, hashed)) == key.public_key()


@given(st.binary(max_size=600))
def test_any_octets_are_refused_in_good_order(octets: bytes) -> None:
    with pytest.raises(UnfitRequest):
        key_of_request(octets)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_octet_gives_the_same_key_or_none(position: int, octet: int) -> None:
    changed = GOOD[:position] + bytes([octet]) + GOOD[position + 1 :]
    try:
        assert key_of_request(changed) == KEY.public_key()
    except UnfitRequest:
        pass


def test_a_long_one_is_not_read() -> None:
    with pytest.raises(UnfitRequest, match="longer"):
        key_of_request(GOOD + b" " * 9000)


def test_a_weak_hash_is_refused() -> None:
    with pytest.raises(UnfitRequest, match="weak hash"):
        key_of_request(request(KEY, hashes.SHA224()))
