"""Signing in: a list of steps, each of which asks for one thing and adds what it found.

The first step says who it is; later ones (a second factor, the tenant's conditions) strengthen or
refuse. All refusals of a step look the same from outside: which one it was is for the log only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from vestibule.directory.model import Person
from vestibule.identity.device_cookies import DeviceCookies
from vestibule.identity.passwords import Passwords
from vestibule.identity.sign_in_limits import SignInLimits, TooManyTries

_log = structlog.get_logger(__name__)
_MOST_CHARACTERS = 320


class SignInRefused(Exception):
    """Not let in. `reason` is for the log and never shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser brought.

    `account` is an address of record; `device_cookie` the cookie of an earlier success, if any.
    """

    account: str
    password: str
    address: str
    device_cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has been shown so far; `methods` by the names of RFC 8176."""

    person: Person | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """All steps were passed."""

    person: Person
    methods: tuple[str, ...]


class SignInStep(Protocol):
    """One thing to show."""

    async def take(self, attempt: Attempt, evidence: Evidence) -> Evidence:
        """The evidence with what this step found. Raises SignInRefused, TooManyTries."""


class People(Protocol):
    """The directory, as far as signing in needs it."""

    def person(self, aor: str, /) -> Person | None:
        """The person of that address of record."""

    async def password_hash(self, person_id: str, /) -> str | None:
        """The stored hash; None for a person without one."""

    async def set_password(self, person_id: str, password_hash: str, /, *, rehashed: bool) -> None:
        """Stores another hash; `rehashed`: of the same password."""


class Witness(Protocol):
    """Who records how sign-ins failed: what was typed as a name may be a password."""

    def refused(self, attempt: Attempt, reason: str) -> None:
        """A step refused."""

    def throttled(self, attempt: Attempt) -> None:
        """There were too many tries."""


class SignIn:
    """Runs the steps, and tells the witness how it ended before anybody else."""

    def __init__(self, steps: Sequence[SignInStep], witness: Witness) -> None:
        self._steps = tuple(steps)
        self._witness = witness

    async def __call__(self, attempt: Attempt) -> SignedIn:
        """Who signed in. Raises SignInRefused, TooManyTries."""
        evidence = Evidence()
        try:
            for step in self._steps:
                evidence = await step.take(attempt, evidence)
            if evidence.person is None:
                raise SignInRefused("nobody")
        except SignInRefused as refused:
            self._witness.refused(attempt, refused.reason)
            raise
        except TooManyTries:
            self._witness.throttled(attempt)
            raise
        _log.info("identity.first_step", person=evidence.person.id, address=attempt.address)
        return SignedIn(evidence.person, evidence.methods)


class PasswordStep:
    """The person's own password, within the limits for guessing."""

    def __init__(
        self,
        people: People,
        passwords: Passwords,
        limits: SignInLimits,
        devices: DeviceCookies,
    ) -> None:
        self._people = people
        self._passwords = passwords
        self._limits = limits
        self._devices = devices

    async def take(self, attempt: Attempt, evidence: Evidence) -> Evidence:
        """The person, if the password is right; the same work for an unknown one."""
        known = self._devices.device(attempt.device_cookie, attempt.account)
        counted = self._limits.admit(attempt.account, attempt.address, known_device=known)
        person = self._people.person(attempt.account)
        stored = await self._people.password_hash(person.id if person else "")
        if not await self._passwords.verify(stored, attempt.password) or person is None:
            raise SignInRefused("password")
        self._limits.succeeded(counted)
        if stored and self._passwords.is_outdated(stored):
            renewed = await self._passwords.hash(attempt.password)
            await self._people.set_password(person.id, renewed, rehashed=True)
        return replace(evidence, person=person, methods=(*evidence.methods, "pwd"))


class AccountStep:
    """The account must be in use. After the password, so that a stranger can't find out."""

    async def take(self, attempt: Attempt, evidence: Evidence) -> Evidence:
        """The evidence unchanged."""
        if evidence.person is None or not evidence.person.enabled:
            raise SignInRefused("disabled")
        return evidence


def account_of(typed: str, domain: str) -> str:
    """The address of record that somebody means by `alice`, `Alice@example.org` or `sip:…`.

    `domain` is meant where none is typed.
    """
    name = typed.strip()[:_MOST_CHARACTERS].lower().removeprefix("sip:")
    return f"sip:{name}" if "@" in name else f"sip:{name}@{domain}"
