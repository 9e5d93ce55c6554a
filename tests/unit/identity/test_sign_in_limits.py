"""Guessing is limited, its victim isn't locked out (ATTACKS 21)."""

from dataclasses import dataclass

import pytest

from vestibule.identity.sign_in_limits import (
    ACCOUNT,
    ADDRESS,
    ADDRESS_AND_ACCOUNT,
    Allowance,
    SignInLimits,
    TokenBuckets,
    TooManyTries,
    subnet_of,
)

ALICE = "sip:alice@vestibule.test"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> SignInLimits:
    return SignInLimits(clock=clock)


def guess(limits: SignInLimits, account: str, address: str, times: int) -> None:
    for _ in range(times):
        limits.admit(account, address, known_device=None)


def test_one_address_gets_few_guesses_at_one_account(limits: SignInLimits, clock: Clock) -> None:
    guess(limits, ALICE, "192.0.2.1", ADDRESS_AND_ACCOUNT.burst)
    with pytest.raises(TooManyTries) as refused:
        guess(limits, ALICE, "192.0.2.1", 1)
    clock.now += refused.value.retry_after
    guess(limits, ALICE, "192.0.2.1", 1)


def test_one_address_gets_few_guesses_over_many_accounts(limits: SignInLimits) -> None:
    for number in range(ADDRESS.burst):
        guess(limits, f"sip:person{number}@vestibule.test", "192.0.2.1", 1)
    with pytest.raises(TooManyTries):
        guess(limits, ALICE, "192.0.2.1", 1)
    guess(limits, ALICE, "198.51.100.7", 1)


def test_many_addresses_share_one_account_s_limit_but_its_owner_gets_in(
    limits: SignInLimits,
) -> None:
    for number in range(ACCOUNT.burst):
        guess(limits, ALICE, f"192.0.2.{number}", 1)
    with pytest.raises(TooManyTries):
        guess(limits, ALICE, "198.51.100.7", 1)
    limits.admit(ALICE, "198.51.100.7", known_device="alice's laptop")


def test_a_stolen_device_cookie_is_limited_too(limits: SignInLimits) -> None:
    for _ in range(10):
        limits.admit(ALICE, "192.0.2.1", known_device="alice's laptop")
    with pytest.raises(TooManyTries):
        limits.admit(ALICE, "192.0.2.2", known_device="alice's laptop")


def test_successes_don_t_count(limits: SignInLimits) -> None:
    for _ in range(1000):
        limits.succeeded(limits.admit(ALICE, "192.0.2.1", known_device=None))


def test_a_refused_try_takes_nothing_from_the_others(limits: SignInLimits) -> None:
    guess(limits, ALICE, "192.0.2.1", ADDRESS_AND_ACCOUNT.burst)
    for _ in range(1000):
        with pytest.raises(TooManyTries):
            guess(limits, ALICE, "192.0.2.1", 1)
    guess(limits, ALICE, "198.51.100.7", 1)


def test_buckets_are_forgotten_oldest_first() -> None:
    buckets = TokenBuckets(Allowance(1, 60.0), remembered=2)
    for key in ("a", "b", "c"):
        buckets.take(key, 0.0)
    assert buckets.wait("a", 0.0) == 0.0
    assert buckets.wait("c", 0.0) == 60.0


@pytest.mark.parametrize(
    ("address", "subnet"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::"),
        ("", ""),
    ],
)
def test_one_subscriber_is_one_key(address: str, subnet: str) -> None:
    assert subnet_of(address) == subnet
