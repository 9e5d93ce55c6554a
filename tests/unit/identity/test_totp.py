"""One-time codes: the right one, once, near its time (RFC 6238, ATTACKS 20)."""

import base64

import pyotp
import pytest

from vestibule.identity.second_factors.totp import (
    enrolment_uri,
    is_code,
    matching_step,
    new_secret,
)

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("now", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2e9, "279037")],
)
def test_the_codes_of_the_rfc_are_right(now: float, code: str) -> None:
    assert matching_step(SECRET, code, now, after=0) == now // 30


@pytest.mark.parametrize(("drift", "good"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(drift: int, good: bool) -> None:
    now = 1_800_000_000
    code = pyotp.TOTP(SECRET).at(now + drift)
    assert (matching_step(SECRET, code, now, after=0) is not None) is good


def test_a_code_that_was_used_is_right_no_more_nor_is_an_older_one() -> None:
    now = 1_800_000_000
    step = matching_step(SECRET, pyotp.TOTP(SECRET).at(now), now, after=0)
    assert step is not None
    assert matching_step(SECRET, pyotp.TOTP(SECRET).at(now), now, after=step) is None
    assert matching_step(SECRET, pyotp.TOTP(SECRET).at(now - 30), now, after=step) is None
    assert matching_step(SECRET, pyotp.TOTP(SECRET).at(now + 30), now, after=step) == step + 1


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "\uff11" * 6])
def test_what_isn_t_six_digits_is_no_code(text: str) -> None:
    assert not is_code(text)


def test_secrets_are_long_and_new_each_time() -> None:
    assert len(base64.b32decode(new_secret())) == 20
    assert new_secret() != new_secret()


def test_the_uri_names_account_and_issuer() -> None:
    uri = enrolment_uri(SECRET, "alice@example.org", "Vestibule")
    assert uri.startswith("otpauth://totp/Vestibule:alice%40example.org?")
    assert f"secret={SECRET}" in uri
    assert "issuer=Vestibule" in uri
