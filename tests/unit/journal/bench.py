"""The journal on the bench: its clocks go by hand, and its rows can be tampered with."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from vestibule.journal.entry import START, Entry, Head, Noted
from vestibule.journal.journal import Clocks, Journal
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Note
from vestibule.journal.reading import StoredEntry, Wanted, entries
from vestibule.journal.verification import Attested, Report, verify
from vestibule.store.engine import Store
from vestibule.store.tables import journal
from vestibule.store.writer import Writer

_TRIGGERS = {
    "sqlite": ("DROP TRIGGER journal_no_update", "DROP TRIGGER journal_no_delete"),
    "postgresql": ("DROP TRIGGER journal_append_only ON journal",),
}


@dataclass
class Bench:
    """A journal over a store."""

    store: Store
    folder: Path
    now: float = 1_800_000_000.0
    journals: list[Journal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = Writer(self.store)
        self.journal = self.another("server")

    def another(self, process: str) -> Journal:
        """The journal as another process has it."""
        clocks = Clocks(wall=lambda: self.now, monotonic=lambda: self.now)
        made = Journal(self.writer, self.folder, process, clocks=clocks)
        self.journals.append(made)
        return made

    async def close(self) -> None:
        for made in self.journals:
            await made.close()
        await self.writer.close()

    async def wrote(self, *kinds: Kind) -> None:
        """Some events, written and sealed by a process that ends."""
        process = self.another("local:test")
        process.start()
        for kind in kinds:
            process.note(Note(kind))
        await process.close()

    async def entries(self, *kinds: Kind) -> list[StoredEntry]:
        """What is stored; without checkpoints unless they are asked for."""
        wanted = kinds or tuple(kind for kind in Kind if kind is not Kind.JOURNAL_CHECKPOINT)
        async with self.store.connect() as connection:
            return [one async for one in entries(connection, Wanted(kinds=wanted))]

    async def rows(self) -> list[dict[str, Any]]:
        """Every row."""
        async with self.store.connect() as connection:
            found = await connection.execute(select(journal).order_by(journal.c.sequence))
            return [dict(row) for row in found.mappings()]

    async def tamper(self, *statements: str) -> None:
        """What somebody does who owns the database."""
        async with self.store.begin() as connection:
            for statement in (*_TRIGGERS[connection.dialect.name], *statements):
                await connection.execute(text(statement))

    async def verify(self, *attested: Attested) -> Report:
        async with self.store.connect() as connection:
            return await verify(connection, [self.journal.signer.public_key()], attested)


def chain_of(*notes: Note, process: str = "server") -> list[dict[str, Any]]:
    """Rows of a good chain."""
    head, rows = Head(0, START), []
    for number, note in enumerate(notes):
        entry = Entry.after(head, Noted(note, 1_800_000_000_000_000 + number, process))
        head = entry.head
        rows.append(entry.row())
    return rows
