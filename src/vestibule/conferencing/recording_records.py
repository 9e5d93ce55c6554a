"""Recordings in the store."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.conferencing.recording import RecordingRecord, RecordingState
from vestibule.store.engine import Store
from vestibule.store.tables import recordings
from vestibule.store.writer import Writer


class RecordingRecords:
    """Keeps what is known of recordings in their table; every write is durable when it returns."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def all(self) -> list[RecordingRecord]:
        """Everybody's."""
        return await self._where()

    async def of_organizer(self, person_id: str) -> list[RecordingRecord]:
        """Those of a person's meetings, newest first."""
        return await self._where(recordings.c.organizer == person_id)

    async def find(self, recording_id: str, person_id: str) -> RecordingRecord | None:
        """That one, if it is of a meeting of that person's."""
        mine = (recordings.c.id == recording_id, recordings.c.organizer == person_id)
        return next(iter(await self._where(*mine)), None)

    async def add(self, record: RecordingRecord) -> None:
        """Keep one that begins."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(recordings), asdict(record))

        await self._writer.submit(write)

    async def end(
        self,
        recording_id: str,
        state: RecordingState,
        *,
        seconds: float | None,
        octets: int,
        problem: str | None = None,
    ) -> None:
        """Keep what became of one."""
        values = {"state": state, "seconds": seconds, "octets": octets, "problem": problem}

        async def write(connection: AsyncConnection) -> None:
            statement = update(recordings).where(recordings.c.id == recording_id)
            await connection.execute(statement.values(values))

        await self._writer.submit(write)

    async def delete(self, recording_id: str) -> None:
        """Forget one."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(recordings).where(recordings.c.id == recording_id))

        await self._writer.submit(write)

    async def _where(self, *conditions: ColumnElement[bool]) -> list[RecordingRecord]:
        statement = select(recordings).where(*conditions)
        async with self._store.connect() as connection:
            rows = await connection.execute(statement.order_by(recordings.c.started_at.desc()))
            return [_record(row._asdict()) for row in rows]


def _record(row: dict[str, Any]) -> RecordingRecord:
    return RecordingRecord(**{**row, "state": RecordingState(row["state"])})
