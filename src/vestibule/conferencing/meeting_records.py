"""Meetings in the store."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.conferencing.meetings import MeetingRecord
from vestibule.directory.model import Access, Presenting
from vestibule.store.engine import Store
from vestibule.store.revisions import raise_revision
from vestibule.store.tables import meetings
from vestibule.store.writer import Writer


class MeetingRecords:
    """Keeps meetings in their table."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def all(self) -> list[MeetingRecord]:
        """Every meeting that has not been deleted."""
        async with self._store.connect() as connection:
            rows = await connection.execute(select(meetings).where(meetings.c.ended_at.is_(None)))
            return [
                MeetingRecord(
                    row.id, row.tenant, row.organizer, row.subject, row.conference_key,
                    Access(row.access) if row.access else None,
                    Presenting(row.presenting) if row.presenting else None,
                    row.created_at,
                )
                for row in rows
            ]  # fmt: skip

    async def add(self, record: MeetingRecord) -> None:
        """Keep a meeting; durable when this returns."""
        values = {
            "id": record.id,
            "tenant": record.tenant,
            "organizer": record.organizer,
            "subject": record.subject,
            "conference_key": record.conference_key,
            "access": record.access,
            "presenting": record.presenting,
            "created_at": record.created_at,
        }

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(meetings), values)
            await raise_revision(connection, "meetings")

        await self._writer.submit(write)

    async def replace_key(self, meeting_id: str, key: str) -> None:
        """Give a meeting another conference key; durable when this returns."""

        async def write(connection: AsyncConnection) -> None:
            statement = update(meetings).where(meetings.c.id == meeting_id)
            await connection.execute(statement.values(conference_key=key))
            await raise_revision(connection, "meetings")

        await self._writer.submit(write)

    async def end(self, meeting_id: str, at: float) -> None:
        """Delete a meeting; durable when this returns."""

        async def write(connection: AsyncConnection) -> None:
            statement = update(meetings).where(meetings.c.id == meeting_id)
            await connection.execute(statement.values(ended_at=at))
            await raise_revision(connection, "meetings")

        await self._writer.submit(write)
