"""One-time codes from an authenticator app (RFC 6238): pure, time passed in."""

import hmac

import pyotp

PERIOD = 30
DIGITS = 6
_DRIFT = 1
"""Steps that a phone's clock may be off, either way (RFC 6238 section 5.2)."""


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 section 4 recommends."""
    return pyotp.random_base32()


def matching_step(secret: str, code: str, now: float, *, after: int) -> int | None:
    """The time step whose code it is; None if it is none, or none later than `after`.

    Whoever keeps the step and passes it as `after` the next time accepts no code twice.
    """
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD)
    current = int(now) // PERIOD
    found = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        right = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if right and step > after:
            found = step
    return found


def enrolment_uri(secret: str, account: str, issuer: str) -> str:
    """The `otpauth:` URI that apps read from a QR code."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD).provisioning_uri(
        name=account, issuer_name=issuer
    )


def is_code(text: str) -> bool:
    """Whether it looks like a code at all."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()
