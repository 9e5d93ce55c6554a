"""Adding, naming and removing second factors: each addition proves itself before it is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName, display_name
from vestibule.identity.second_factors import recovery, totp
from vestibule.identity.second_factors.passkeys import PasskeyRefused, RelyingParty
from vestibule.identity.second_factors.records import SecondFactorRecords
from vestibule.identity.tickets import Purpose, Ticket, Tickets

_log = structlog.get_logger(__name__)


class EnrolmentRefused(Exception):
    """Not added; the text may be shown."""


@dataclass(frozen=True, slots=True)
class NewTotp:
    """What an app is told: the secret, shown this once, and the URI with it for a QR code."""

    ticket: Ticket
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What was shown by enrolling, by the names of RFC 8176; recovery codes, if it was the first."""

    methods: tuple[str, ...]
    recovery_codes: tuple[str, ...]


class Enrolment:
    """A person's second factors, changed by that person."""

    def __init__(
        self,
        records: SecondFactorRecords,
        relying_party: RelyingParty,
        tickets: Tickets,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._records = records
        self._relying_party = relying_party
        self._tickets = tickets
        self._clock = clock

    # --- authenticator apps ---

    def begin_totp(self, person: Person, browser: str) -> NewTotp:
        """A new secret; nothing is stored until a code of it was shown."""
        return self._offer(person, browser, totp.new_secret())

    def offered_totp(self, person: Person, browser: str, text: str) -> NewTotp:
        """The same offer again, after a wrong code. Raises EnrolmentRefused."""
        ticket = self._own(Purpose.ENROL_TOTP, person, browser, text)
        return NewTotp(ticket, ticket.content, _uri(person, ticket.content))

    async def finish_totp(self, person: Person, offer: NewTotp, code: str, name: str) -> Enrolled:
        """Keeps the app if the code is right.

        Raises EnrolmentRefused, UnfitName, TooManyFactors.
        """
        fit, digits = _fit(name), "".join(code.split())
        step = totp.matching_step(offer.secret, digits, self._clock(), after=0)
        if step is None:
            raise EnrolmentRefused("That code isn't right. Please type the one the app shows now.")
        await self._spend(offer.ticket)
        first = not await self._records.of(person.id)
        await self._records.add_totp(person.id, fit, offer.secret, step)
        _log.info("identity.second_factor_added", person=person.id, kind="totp")
        return Enrolled(("otp", "mfa"), await self._codes_if(first, person))

    # --- passkeys ---

    async def begin_passkey(self, person: Person, browser: str) -> tuple[Ticket, str]:
        """A ticket, and what the browser is asked, as JSON. Raises PasskeyRefused."""
        ticket = self._tickets.issue(Purpose.ENROL_PASSKEY, browser, person_id=person.id)
        known = [one.credential_id for one in (await self._records.of(person.id)).passkeys]
        asked = self._relying_party.ask_to_register(
            ticket.challenge,
            person_id=person.id,
            name=f"{person.user}@{person.domain}",
            display_name=person.display_name,
            known=known,
        )
        return ticket, asked

    async def finish_passkey(
        self, person: Person, browser: str, text: str, answer: str, name: str
    ) -> Enrolled:
        """Keeps the passkey that was made.

        Raises EnrolmentRefused, UnfitName, TooManyFactors.
        """
        fit, ticket = _fit(name), self._own(Purpose.ENROL_PASSKEY, person, browser, text)
        try:
            new = self._relying_party.registered(answer, ticket.challenge)
        except PasskeyRefused as refused:
            _log.info("identity.passkey_refused", person=person.id, reason=str(refused))
            raise EnrolmentRefused(
                "That passkey can't be used here. Please try again."
            ) from refused
        await self._spend(ticket)
        first = not await self._records.of(person.id)
        if not await self._records.add_passkey(person.id, fit, new):
            raise EnrolmentRefused("That passkey is in use already.")
        _log.info("identity.second_factor_added", person=person.id, kind="passkey")
        return Enrolled(new.methods, await self._codes_if(first, person))

    # --- what one has ---

    async def new_recovery_codes(self, person: Person) -> tuple[str, ...]:
        """A new set, to be shown this once; earlier ones are good no more."""
        codes = recovery.new_codes()
        await self._records.replace_recovery_codes(person.id, codes)
        _log.info("identity.recovery_codes_made", person=person.id)
        return codes

    async def rename(self, person: Person, factor_id: str, name: str) -> bool:
        """Another name for one's own factor; whether there is such a one. Raises UnfitName."""
        return await self._records.rename(person.id, factor_id, _fit(name))

    async def remove(self, person: Person, factor_id: str) -> bool:
        """Removes one's own factor; whether there was such a one."""
        removed = await self._records.remove(person.id, factor_id)
        if removed:
            _log.info("identity.second_factor_removed", person=person.id)
        return removed

    # --- inside ---

    def _offer(self, person: Person, browser: str, secret: str) -> NewTotp:
        ticket = self._tickets.issue(
            Purpose.ENROL_TOTP, browser, person_id=person.id, content=secret
        )
        return NewTotp(ticket, secret, _uri(person, secret))

    def _own(self, purpose: Purpose, person: Person, browser: str, text: str) -> Ticket:
        ticket = self._tickets.read(purpose, browser, text)
        if ticket is None or ticket.person_id != person.id:
            raise EnrolmentRefused("This page was open for too long. Please start again.")
        return ticket

    async def _codes_if(self, first: bool, person: Person) -> tuple[str, ...]:
        return await self.new_recovery_codes(person) if first else ()

    async def _spend(self, ticket: Ticket) -> None:
        if not await self._tickets.spend(ticket):
            raise EnrolmentRefused("This form was sent before. Please start again.")


def _uri(person: Person, secret: str) -> str:
    return totp.enrolment_uri(secret, f"{person.user}@{person.domain}", "Vestibule")


def _fit(name: str) -> str:
    fit = display_name(name)
    if len(fit) > 60:
        raise UnfitName("a name has at most 60 characters")
    return fit
