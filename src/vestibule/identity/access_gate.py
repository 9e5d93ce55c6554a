"""The gate before each token: gathers the facts about a person and a connection, and has them decided."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from vestibule.directory.conditional_access import ClientKind, Risk
from vestibule.directory.journalled import of_person
from vestibule.directory.model import BreakGlass, Device, Person, Tenant
from vestibule.identity.conditional_access import Decision, Facts, Outcome, decide
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Notes

HIGH_RISK_FAILURES = 10.0
"""Wrong guesses of late, at which an account counts as under attack."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connection:
    """What a request came by. `certificate` is the serial of a client certificate, if one was shown."""

    address: str
    certificate: str | None = None


NOWHERE = Connection("")


class Verdict(StrEnum):
    """What stands between somebody who is signing in and a token."""

    SECOND_STEP = "second-step"
    ENROL = "enrol"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Held:
    """Not let through: what is missing, and the decision behind it."""

    verdict: Verdict
    decision: Decision


class Directory(Protocol):
    """The directory, as far as the gate needs it."""

    def tenant(self, tenant_id: str, /) -> Tenant | None:
        """The tenant of that id."""

    def device_by_serial(self, serial: str, /) -> Device | None:
        """The device whose certificate it is."""


class AccessGate:
    """Decides by a tenant's conditional access.

    `failures` say how often an account was guessed at lately; `has_factors` whether a person, by id,
    has a second factor; `notes` is the journal.
    """

    def __init__(
        self,
        directory: Directory,
        failures: Sequence[Callable[[str], float]],
        has_factors: Callable[[str], Awaitable[bool]],
        notes: Notes,
    ) -> None:
        self._notes = notes
        self._directory = directory
        self._failures = failures
        self._has_factors = has_factors

    async def at_sign_in(
        self,
        person: Person,
        methods: tuple[str, ...],
        connection: Connection,
        client: ClientKind = ClientKind.WEB,
    ) -> Held | None:
        """What holds the person up; None if nothing does.

        Whoever has a second factor is always asked for it, whatever the rules say.
        """
        decision = self.decide(person, methods, connection, client, at="sign-in")
        if decision.outcome is Outcome.BLOCK:
            return Held(Verdict.BLOCK, decision)
        if "mfa" not in methods and await self._has_factors(person.id):
            return Held(Verdict.SECOND_STEP, decision)
        if decision.outcome is Outcome.NEED_MFA:
            return Held(Verdict.ENROL, decision)
        return None

    def decide(
        self,
        person: Person,
        methods: tuple[str, ...],
        connection: Connection,
        client: ClientKind,
        *,
        at: str,
    ) -> Decision:
        """Whether the person may have what is asked for now; `at` says in the log which step it is."""
        tenant = self._directory.tenant(person.tenant)
        if tenant is None:
            return Decision(Outcome.BLOCK, None, "no such tenant")
        access = tenant.policy.conditional_access
        facts = Facts(
            network=access.network_of(connection.address),
            country=access.country_of(connection.address),
            client=client,
            mfa="mfa" in methods,
            device_certificate=self._shows_own_device(person, connection),
            risk=self._risk(person),
            break_glass=person.break_glass,
        )
        decision = decide(access.rules, facts)
        if person.break_glass is not BreakGlass.NO:
            self._break_glass_used(person, connection, decision, at)
        if decision.outcome is Outcome.BLOCK:
            self._note(Kind.SIGN_IN_BLOCKED, person, connection, f"{decision.rule}: {decision.why}")
        if decision.outcome is not Outcome.ALLOW:
            _log.info(
                "identity.access_refused",
                person=person.id,
                address=connection.address,
                outcome=decision.outcome.value,
                rule=decision.rule,
                at=at,
            )
        return decision

    def _break_glass_used(
        self, person: Person, connection: Connection, decision: Decision, at: str
    ) -> None:
        """The one place where each use of an account for emergencies is told."""
        _log.warning(
            "identity.break_glass",
            person=person.id,
            account=person.aor,
            address=connection.address,
            at=at,
            outcome=decision.outcome.value,
            overridden=list(decision.overridden),
        )
        self._note(Kind.SIGN_IN_BREAK_GLASS, person, connection, at)

    def _note(self, kind: Kind, person: Person, connection: Connection, reason: str) -> None:
        details = {Detail.REASON: reason}
        address = connection.address
        self._notes.note(
            of_person(kind, person, by_themselves=True, address=address, details=details)
        )

    def _shows_own_device(self, person: Person, connection: Connection) -> bool:
        serial = connection.certificate
        device = self._directory.device_by_serial(serial) if serial else None
        return device is not None and not device.revoked and device.person == person.id

    def _risk(self, person: Person) -> Risk:
        failed = sum(failures(person.aor) for failures in self._failures)
        return Risk.HIGH if failed >= HIGH_RISK_FAILURES else Risk.LOW


def told(decision: Decision) -> str:
    """A decision for the person: which rule it was, why, and the admin's own word."""
    parts = [f"Rule {decision.rule}" if decision.rule else "", decision.why]
    return ": ".join(part for part in parts if part) + "."
