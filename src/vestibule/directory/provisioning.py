"""Accounts that are kept in step with a directory elsewhere: changed, disabled, removed, in one transaction each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory import journalled
from vestibule.directory.directory import Directory
from vestibule.directory.endings import end_sign_ins
from vestibule.directory.model import BreakGlass, Person
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Note
from vestibule.store.tables import people


class NotYours(Exception):
    """That account isn't the source's to change; the message says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a source says of an account. All of it has been found fit (`names.py`)."""

    display_name: str
    email: str
    external_id: str | None
    enabled: bool


class Provisioning:
    """What a source of that name ("scim", "ldap") may do to the people of a tenant."""

    def __init__(self, directory: Directory, source: str) -> None:
        self._directory = directory
        self._source = source

    def check(self, person: Person) -> None:
        """Raises NotYours for an account for emergencies, and for one that another source keeps."""
        if person.break_glass is not BreakGlass.NO:
            raise NotYours(f"{person.aor} is an account for emergencies")
        if person.source not in ("", "openid", self._source):
            raise NotYours(f"{person.aor} is kept by {person.source}")

    def changed(self, person: Person, kept: Kept) -> Person:
        """The person as the source has it."""
        return replace(
            person,
            display_name=kept.display_name,
            email=kept.email,
            external_id=kept.external_id,
            enabled=kept.enabled,
            source=self._source,
        )

    async def add(self, tenant_id: str, user: str, domain: str | None, kept: Kept) -> Person:
        """A new person. Raises AlreadyThere, UnfitName, ValueError as `Directory.add_person` does."""
        person = await self._directory.add_person(
            tenant_id,
            user,
            display_name=kept.display_name,
            email=kept.email,
            domain=domain,
            source=self._source,
            external_id=kept.external_id,
        )
        if not kept.enabled:
            await self._directory.set_enabled(person.id, enabled=False)
        return self._directory.person_by_id(person.id) or person

    async def change(self, before: Person, kept: Kept) -> Person:
        """The account as the source has it; disabling ends its sign-ins.

        Raises NotYours, and AlreadyThere if the external id is another's.
        """
        self.check(before)
        after = self.changed(before, kept)
        if after == before:
            return before
        await self._write(before, after, _notes(before, after))
        return after

    async def remove(self, before: Person) -> None:
        """The source has no such account any more: disabled, its sign-ins ended, its address kept.

        Nobody gets the address again, and with it what was the person's. Raises NotYours.
        """
        self.check(before)
        after = replace(before, enabled=False, removed_at=time.time(), external_id=None)
        await self._write(before, after, [journalled.of_person(Kind.PERSON_REMOVED, before)])

    async def _write(self, before: Person, after: Person, notes: Sequence[Note]) -> None:
        statement = update(people).where(people.c.id == after.id)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                statement.values(
                    display_name=after.display_name,
                    email=after.email,
                    external_id=after.external_id,
                    enabled=after.enabled,
                    source=after.source,
                    removed_at=after.removed_at,
                )
            )
            if before.enabled and not after.enabled:
                await end_sign_ins(connection, after.id, time.time())

        taken = "another account has that external id"
        await self._directory.change(write, lambda memory: memory.put_person(after), notes, taken)


def _notes(before: Person, after: Person) -> list[Note]:
    notes = []
    if after.enabled != before.enabled:
        kind = Kind.PERSON_ENABLED if after.enabled else Kind.PERSON_DISABLED
        notes.append(journalled.of_person(kind, after))
    if replace(after, enabled=before.enabled) != before:
        notes.append(journalled.of_person(Kind.PERSON_CHANGED, after))
    return notes
