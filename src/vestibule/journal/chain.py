"""Appending: number and predecessor are taken within the transaction that writes, so that several
processes lengthen one chain. Who comes second waits for the head's row (PostgreSQL) or for the whole
database (SQLite, BEGIN IMMEDIATE).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.journal.checkpoints import Checkpoint, Signer
from vestibule.journal.entry import Entry, Head, Noted
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Note
from vestibule.store.tables import journal, journal_head


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the chain stands, and its newest checkpoint: entry number and microseconds since 1970."""

    head: Head
    sealed: int
    sealed_at: int

    @property
    def unsealed(self) -> int:
        """Entries that no checkpoint covers."""
        return self.head.sequence - self.sealed


async def standing(connection: AsyncConnection, *, to_append: bool = False) -> Standing | None:
    """Where the chain stands; `to_append` keeps others from appending until the transaction ends.

    None if somebody has taken the row away.
    """
    query = select(journal_head)
    found = await connection.execute(query.with_for_update() if to_append else query)
    row = found.one_or_none()
    return Standing(Head(row.sequence, row.hash), row.sealed, row.sealed_at) if row else None


class JournalDamaged(RuntimeError):
    """The journal's head is gone: nothing can be appended."""


async def append(connection: AsyncConnection, noted: Sequence[Noted]) -> Standing:
    """Lengthen the chain by these notes. Raises JournalDamaged."""
    before = await _to_append(connection)
    rows, head = [], before.head
    for one in noted:
        entry = Entry.after(head, one)
        rows.append(entry.row())
        head = Head(entry.sequence, rows[-1]["hash"])
    if rows:
        await connection.execute(insert(journal), rows)
        values = {"sequence": head.sequence, "hash": head.hash}
        await connection.execute(update(journal_head).values(values))
    return Standing(head, before.sealed, before.sealed_at)


async def seal(
    connection: AsyncConnection, signer: Signer, now: int, process: str
) -> Checkpoint | None:
    """Append a checkpoint over all there is; None if the newest entry is one already.

    `now` in microseconds since 1970. Raises JournalDamaged, and what reading the key raises.
    """
    before = await _to_append(connection)
    if before.unsealed == 0:
        return None
    checkpoint = signer.sign(before.head)
    note = Note(Kind.JOURNAL_CHECKPOINT, details=checkpoint.details())
    after = await append(connection, [Noted(note, now, process)])
    values = {"sealed": after.head.sequence, "sealed_at": now}
    await connection.execute(update(journal_head).values(values))
    return checkpoint


async def holds(connection: AsyncConnection, head: Head) -> bool:
    """Whether the entry of that number has that hash."""
    query = select(journal.c.hash).where(journal.c.sequence == head.sequence)
    return (await connection.execute(query)).scalar_one_or_none() == head.hash


async def _to_append(connection: AsyncConnection) -> Standing:
    found = await standing(connection, to_append=True)
    if found is None:
        raise JournalDamaged("the journal's head is gone: see `vestibule journal verify`")
    return found
