"""The second step of signing in: a code or a passkey, within the limits for guessing (ATTACKS 20).

Codes are limited by account and by address together, by address, and by account, so that somebody
who has the password can't go through the million codes. A browser that once signed in as the person
is counted apart, so strangers don't lock the owner out; passkeys can't be guessed and stay open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from vestibule.directory.journalled import of_person
from vestibule.directory.model import Person
from vestibule.identity.device_cookies import DeviceCookies
from vestibule.identity.second_factors import recovery, totp
from vestibule.identity.second_factors.passkeys import (
    PasskeyRefused,
    RelyingParty,
    credential_id_of,
    methods_of,
)
from vestibule.identity.second_factors.records import (
    Passkey,
    SecondFactorRecords,
    SecondFactors,
)
from vestibule.identity.sign_in import SignedIn, SignInRefused
from vestibule.identity.sign_in_limits import Allowance, Allowances, SignInLimits, TooManyTries
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Notes

CODE_ALLOWANCES = Allowances(
    address_and_account=Allowance(5, 60.0),
    address=Allowance(20, 30.0),
    account=Allowance(25, 120.0),
    everybody=Allowance(300, 0.2),
    known_device=Allowance(5, 60.0),
)
"""At most 720 guesses a day at one account from strangers: 0.2 % chance at three codes of a million."""

_MOST_CHARACTERS = 64
_log = structlog.get_logger(__name__)


class People(Protocol):
    """The directory, as far as the second step needs it."""

    def person_by_id(self, person_id: str, /) -> Person | None:
        """The person of that id, disabled ones too."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A code that somebody typed, where, and the cookie of an earlier success."""

    code: str
    address: str
    device_cookie: str | None = None


class SecondStep:
    """Checks what comes after the password, or instead of it."""

    def __init__(
        self,
        people: People,
        records: SecondFactorRecords,
        relying_party: RelyingParty,
        limits: SignInLimits,
        devices: DeviceCookies,
        *,
        clock: Callable[[], float],
        notes: Notes,
    ) -> None:
        self._notes = notes
        self._people = people
        self._records = records
        self._limits = limits
        self._devices = devices
        self._clock = clock
        self.relying_party = relying_party

    async def factors_of(self, person_id: str) -> SecondFactors:
        """What the person can show."""
        return await self._records.of(person_id)

    async def by_code(self, person: Person, guess: Guess) -> tuple[str, ...]:
        """The methods (RFC 8176) that a right code adds. Raises SignInRefused, TooManyTries."""
        known = self._devices.device(guess.device_cookie, person.aor)
        try:
            counted = self._limits.admit(person.aor, guess.address, known_device=known)
        except TooManyTries:
            self._note(Kind.SIGN_IN_THROTTLED, person, guess.address)
            raise
        kind = await self._kind_of_code(person, guess.code[:_MOST_CHARACTERS])
        if kind is None:
            _log.info("identity.second_step_refused", person=person.id, address=guess.address)
            self._note(Kind.SIGN_IN_REFUSED, person, guess.address)
            raise SignInRefused("code")
        self._limits.succeeded(counted)
        _log.info("identity.second_step", person=person.id, kind=kind, address=guess.address)
        return ("otp", "mfa")  # a recovery code is a one-time password too

    async def by_passkey(
        self, answer: str, challenge: bytes, address: str, *, person: Person | None = None
    ) -> SignedIn:
        """Whose passkey signed the challenge; it must be `person`'s, if one is given.

        Raises SignInRefused, TooManyTries.
        """
        counted = self._limits.admit_unnamed(address)
        try:
            passkey = await self._passkey(answer, challenge, person)
        except PasskeyRefused as refused:
            _log.info("identity.passkey_refused", address=address, reason=str(refused))
            self._note(Kind.SIGN_IN_REFUSED, person, address)
            raise SignInRefused("passkey") from refused
        owner = self._people.person_by_id(passkey.person_id)
        if owner is None or not owner.enabled:
            raise SignInRefused("disabled")
        self._limits.succeeded(counted)
        _log.info("identity.second_step", person=owner.id, kind="passkey", address=address)
        return SignedIn(owner, methods_of(device_bound=passkey.device_bound))

    def _note(self, kind: Kind, person: Person | None, address: str) -> None:
        details = {Detail.REASON: "second factor"}
        self._notes.note(of_person(kind, person, address=address, details=details))

    async def _passkey(self, answer: str, challenge: bytes, person: Person | None) -> Passkey:
        passkey = await self._records.passkey(credential_id_of(answer))
        if passkey is None or (person is not None and passkey.person_id != person.id):
            raise PasskeyRefused("nobody's passkey here")
        count = self.relying_party.signed_in(
            answer, challenge, passkey.public_key, passkey.sign_count
        )
        if not await self._records.use_passkey(passkey, count):
            raise PasskeyRefused("used or removed meanwhile")
        return passkey

    async def _kind_of_code(self, person: Person, typed: str) -> str | None:
        """What the typed text was, now used up; None if it is nothing of the person's."""
        digits = "".join(typed.split())
        if not totp.is_code(digits):
            used = await self._records.use_recovery_code(person.id, recovery.plain(typed))
            return "recovery-code" if used else None
        for app in (await self._records.of(person.id)).totps:
            if app.secret is None:
                continue
            step = totp.matching_step(app.secret, digits, self._clock(), after=app.last_step)
            if step is not None and await self._records.use_totp(app, step):
                return "totp"
        return None
