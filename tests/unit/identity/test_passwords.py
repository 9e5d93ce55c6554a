"""Password hashes: Argon2id, off the loop, the same work for nobody (ATTACKS 10, 21)."""

from collections.abc import Iterator

import pytest
from argon2.exceptions import VerifyMismatchError

from vestibule.identity.passwords import Passwords, PasswordUnfit


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(time_cost=1, memory_kib=64, lanes=1)
    yield passwords
    passwords.close()


async def test_the_right_password_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsE")
    assert not await passwords.verify(stored, "")


async def test_nobody_has_no_password_not_even_the_empty_one(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "anything")
    assert not await passwords.verify(None, "")


async def test_one_password_however_it_was_typed(passwords: Passwords) -> None:
    stored = await passwords.hash("Müller & Söhne")
    assert await passwords.verify(stored, "Mu\u0308ller & So\u0308hne")


async def test_endless_input_is_not_hashed(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 512)
    assert not await passwords.verify(stored, "x" * 1_000_000)


@pytest.mark.parametrize("unfit", ["short", "x" * 513, "tab\tinside it"])
async def test_unfit_passwords_are_refused_with_a_reason(passwords: Passwords, unfit: str) -> None:
    with pytest.raises(PasswordUnfit):
        await passwords.hash(unfit)


async def test_a_broken_hash_lets_nobody_in(passwords: Passwords) -> None:
    assert not await passwords.verify("$argon2id$broken", "anything")


async def test_older_parameters_are_noticed(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert not passwords.is_outdated(stored)
    stronger = Passwords(time_cost=2, memory_kib=64, lanes=1)
    assert stronger.is_outdated(stored)
    stronger.close()


async def test_the_work_for_nobody_is_the_work_for_somebody(passwords: Passwords) -> None:
    """Not measured by the clock, which lies on a busy machine: both run the same parameters."""
    stored = await passwords.hash("correct horse")
    nobody = passwords._nobody
    assert stored.split("$")[1:4] == nobody.split("$")[1:4]
    assert len(stored) == len(nobody)
    with pytest.raises(
        VerifyMismatchError
    ):  # and not that it is no hash, for which nothing is computed
        passwords._usual.verify(nobody, "anything")


async def test_so_with_approved_hashes() -> None:
    passwords = Passwords(fips=True)
    try:
        stored, nobody = await passwords.hash("correct horse"), passwords._nobody
        assert stored.split("$")[1:3] == nobody.split("$")[1:3]
        assert len(stored) == len(nobody)
        assert not await passwords.verify(None, "anything")
    finally:
        passwords.close()
