"""Reading the journal: in order, some entries at a time, however long it is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.journal.entry import Entry
from vestibule.journal.kinds import Kind
from vestibule.store.tables import journal

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: times in microseconds since 1970, `until` excluded; no kinds means all."""

    since: int | None = None
    until: int | None = None
    kinds: tuple[Kind, ...] = ()
    after: int = 0
    """Only entries with a higher number."""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """The query for these entries only."""
        if self.since is not None:
            query = query.where(journal.c.time >= self.since)
        if self.until is not None:
            query = query.where(journal.c.time < self.until)
        if self.kinds:
            query = query.where(or_(*(journal.c.kind == kind.value for kind in self.kinds)))
        return query

    async def before_last(self, connection: AsyncConnection, count: int) -> int:
        """The number after which there are `count` of these entries, or all; `count` above 0."""
        query = self.narrow(select(journal.c.sequence)).order_by(journal.c.sequence.desc())
        numbers = (await connection.execute(query.limit(count))).scalars().all()
        return numbers[-1] - 1 if numbers else 0


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry and the hash that is stored with it."""

    entry: Entry
    hash: str


async def hold_still(connection: AsyncConnection) -> None:
    """Let a transaction that has just begun see one moment only; SQLite's do so by themselves."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


async def rows(connection: AsyncConnection, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """Rows as they are stored, by number."""
    after = wanted.after
    while True:
        query = select(journal).where(journal.c.sequence > after).order_by(journal.c.sequence)
        found = await connection.execute(wanted.narrow(query).limit(_AT_ONCE))
        some = [dict(row) for row in found.mappings()]
        for row in some:
            yield row
        if len(some) < _AT_ONCE:
            return
        after = some[-1]["sequence"]


async def entries(connection: AsyncConnection, wanted: Wanted) -> AsyncIterator[StoredEntry]:
    """Entries by number. Raises NotAnEntry for a row that is none."""
    async for row in rows(connection, wanted):
        yield StoredEntry(Entry.stored(row), row["hash"])


async def last_number(connection: AsyncConnection) -> int:
    """The newest entry's number; 0 if there is none."""
    found = await connection.execute(select(func.max(journal.c.sequence)))
    return found.scalar_one() or 0
