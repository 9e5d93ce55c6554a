"""What a service says to the journal. Nothing here leads to a database: services see only this.

There is no field for free data. A detail has one of a few names, none of which is a secret's, and a
form that its value must have (`plain_text.py`); so a password has no place to be put by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.journal.kinds import ALWAYS_REFUSED, COUNTED_AFTER, NEVER_COUNTED, Kind, Outcome


class Detail(StrEnum):
    """The names that details have."""

    AFTER = "after"
    BEFORE = "before"
    CLIENT = "client"
    COUNT = "count"
    DEVICE = "device"
    DOMAINS = "domains"
    GRANT = "grant"
    HEAD = "head"
    KEY_ID = "key-id"
    MEETING = "meeting"
    METHOD = "method"
    NAME = "name"
    OF = "of"
    PROVIDER = "provider"
    REASON = "reason"
    RECORDING = "recording"
    ROLE = "role"
    SECONDS = "seconds"
    SERIAL = "serial"
    SETTING = "setting"
    SIGNATURE = "signature"
    SOURCE = "source"
    WHO = "who"


@dataclass(frozen=True, slots=True)
class Note:
    """One event.

    `tenant` is a tenant's id; `actor` who did it and `subject` to whom, as addresses of record;
    `address` the peer's network address; `mechanism` how the actor was proven. An actor left out is
    the process itself or, of a refusal, nobody known. What a stranger merely claims to be is no
    actor, and is a subject only if there is such a person: people type passwords where names belong.
    """

    kind: Kind
    outcome: Outcome | None = None
    """None: as the kind says."""
    tenant: str | None = None
    actor: str | None = None
    subject: str | None = None
    address: str | None = None
    mechanism: str | None = None
    details: Mapping[Detail, str] = field(default_factory=dict)

    @property
    def result(self) -> Outcome:
        """How it went."""
        if self.outcome is not None:
            return self.outcome
        return Outcome.REFUSED if self.kind in ALWAYS_REFUSED else Outcome.DONE

    @property
    def may_be_counted(self) -> bool:
        """Whether, when many come from one source, a count may stand for them."""
        if self.kind in NEVER_COUNTED:
            return False
        return self.result is Outcome.REFUSED or self.kind in COUNTED_AFTER


class Notes(Protocol):
    """Where services put what has happened."""

    def note(self, note: Note) -> None:
        """Put an event into the journal soon. Never waits; may be called from any thread.

        Of acts that give somebody something (`kinds.GIVES`) it raises JournalFull if so much waits
        for a store that is away that they must not go on.
        """


class Recorder(Protocol):
    """Where changes are recorded in the very transaction that makes them."""

    async def record(self, connection: AsyncConnection, note: Note) -> None:
        """Append to the journal; it stands if and only if the transaction does."""


class NoNotes:
    """For tests and tools that keep no journal."""

    def note(self, note: Note) -> None:
        """Forgotten."""

    async def record(self, connection: AsyncConnection, note: Note) -> None:
        """Forgotten."""
