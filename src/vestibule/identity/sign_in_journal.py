"""Refused sign-ins, for journal and log. What was typed as a name is written down only if it is one (ATTACKS 66)."""

from typing import Protocol

import structlog

from vestibule.directory.model import Person
from vestibule.identity.sign_in import Attempt
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes

_UNKNOWN = "unknown account"
_log = structlog.get_logger(__name__)


class People(Protocol):
    """The directory, as far as it is needed here."""

    def person(self, aor: str, /) -> Person | None:
        """The person of that address of record."""


class SignInJournal:
    """Notes each refusal, and each try over the limit."""

    def __init__(self, notes: Notes, people: People) -> None:
        self._notes = notes
        self._people = people

    def refused(self, attempt: Attempt, reason: str) -> None:
        """Somebody is not in."""
        self._note(Kind.SIGN_IN_REFUSED, attempt, reason)

    def throttled(self, attempt: Attempt) -> None:
        """Somebody guesses."""
        self._note(Kind.SIGN_IN_THROTTLED, attempt, "too many tries")

    def _note(self, kind: Kind, attempt: Attempt, reason: str) -> None:
        person = self._people.person(attempt.account)
        account, reason = (person.aor, reason) if person else (_UNKNOWN, _UNKNOWN)
        _log.info(
            "identity.sign_in_refused", account=account, address=attempt.address, reason=reason
        )
        self._notes.note(
            Note(
                kind,
                tenant=person.tenant if person else None,
                subject=person.aor if person else None,
                address=attempt.address,
                details={Detail.REASON: reason},
            )
        )
