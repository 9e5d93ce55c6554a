"""Password hashes by an approved function."""

import base64
import contextlib

from vestibule.identity.approved_hash import ApprovedHasher
from vestibule.identity.passwords import Passwords


def quick(*, fips: bool = False) -> Passwords:
    return Passwords(time_cost=1, memory_kib=8, lanes=1, fips=fips)


def test_a_hash_fits_its_password_only() -> None:
    hasher = ApprovedHasher(iterations=10)
    stored = hasher.hash("correct horse")
    assert hasher.verify(stored, "correct horse")
    assert not hasher.verify(stored, "correct house")
    assert hasher.hash("correct horse") != stored
    assert not hasher.check_needs_rehash(stored)
    assert ApprovedHasher(iterations=11).check_needs_rehash(stored)


def test_what_is_no_hash_fits_nothing() -> None:
    for text in ("", "$pbkdf2-sha512$", "$pbkdf2-sha512$i=10$A$A", "$pbkdf2-sha512$i=10$!$!"):
        assert not ApprovedHasher().verify(text, "")


def test_it_is_pbkdf2_with_hmac_sha_512() -> None:
    published = (
        "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
        "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"
    )  # of "password" and "salt", one iteration
    text = base64.b64encode(bytes.fromhex(published)).rstrip(b"=").decode()
    assert ApprovedHasher().verify(f"$pbkdf2-sha512$i=1$c2FsdA${text}", "password")


async def test_either_kind_is_read_and_the_other_is_outdated() -> None:
    with (
        contextlib.closing(quick()) as usual,
        contextlib.closing(quick(fips=True)) as approved,
    ):
        old, new = await usual.hash("correct horse"), await approved.hash("correct horse")
        assert old.startswith("$argon2id$")
        assert new.startswith("$pbkdf2-sha512$")
        for stored in (old, new):
            for passwords in (usual, approved):
                assert await passwords.verify(stored, "correct horse")
                assert not await passwords.verify(stored, "correct house")
        assert (usual.is_outdated(old), usual.is_outdated(new)) == (False, True)
        assert (approved.is_outdated(old), approved.is_outdated(new)) == (True, False)
