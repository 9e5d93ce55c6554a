"""Recordings as they are kept: a file each, which is the organizer's alone and is deleted in time (ATTACKS 43)."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from vestibule.conferencing.recording import KeptRecording, RecordingRecord, RecordingState
from vestibule.conferencing.recording_records import RecordingRecords
from vestibule.directory.model import Person, Tenant
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.pki.files import private_folder

_DAY = 86_400.0
_log = structlog.get_logger(__name__)


class Tenants(Protocol):
    """What of the directory is needed here."""

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, unless unknown."""


class Recordings:
    """The recordings of all meetings, in a folder that only the server's own account may enter.

    `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        records: RecordingRecords,
        folder: Path,
        tenants: Tenants,
        notes: Notes,
        clock: Callable[[], float],
    ) -> None:
        self._records = records
        self._folder = folder
        self._tenants = tenants
        self._notes = notes
        self._clock = clock

    async def open(self) -> None:
        """Make the folder, and settle what became of recordings that a crash cut off. Raises OSError."""
        private_folder(self._folder)
        known = await self._records.all()
        for record in known:
            if record.state is RecordingState.RECORDING:
                await self._interrupted(record)
        # Nobody's, such as of a database put back from an older copy. Whoever runs the server decides.
        for path in {*self._folder.iterdir()} - {self.path_of(record.id) for record in known}:
            _log.warning("recording.unknown_file", name=path.name)

    def path_of(self, recording_id: str) -> Path:
        """Where a recording's file is. The id is one of ours, never what somebody typed."""
        return self._folder / f"{recording_id}.webm"

    # --- what recording does ---

    async def add(self, record: RecordingRecord) -> None:
        """Keep one that begins; durable when this returns."""
        await self._records.add(record)

    async def end(
        self, recording_id: str, *, seconds: float, octets: int, problem: str | None
    ) -> None:
        """Keep what became of one; durable when this returns."""
        state = RecordingState.FAILED if problem else RecordingState.FINISHED
        why = problem[:200] if problem else None
        await self._records.end(recording_id, state, seconds=seconds, octets=octets, problem=why)

    # --- what its organizer does ---

    async def list_of(self, person: Person) -> list[KeptRecording]:
        """Those of the meetings that a person organises, newest first."""
        mine = await self._records.of_organizer(person.id)
        return [KeptRecording(record, self._deleted_after(record)) for record in mine]

    async def download(
        self, person: Person, recording_id: str, address: str | None
    ) -> tuple[RecordingRecord, Path] | None:
        """A finished recording of a person's own meeting and its file; None if there is no such."""
        record = await self._records.find(recording_id, person.id)
        if record is None or record.state is RecordingState.RECORDING:
            return None
        path = self.path_of(record.id)
        if not path.is_file():
            return None
        self._note(Kind.RECORDING_DOWNLOADED, record, person.aor, address)
        return record, path

    async def delete(self, person: Person, recording_id: str, address: str | None) -> bool:
        """Delete a finished recording of a person's own meeting; whether there was one."""
        record = await self._records.find(recording_id, person.id)
        if record is None or record.state is RecordingState.RECORDING:
            return False
        await self._delete(record)
        self._note(Kind.RECORDING_DELETED, record, person.aor, address)
        return True

    async def expire(self) -> None:
        """Delete what has been kept for as long as its tenant's policy says."""
        now = self._clock()
        for record in await self._records.all():
            if record.state is RecordingState.RECORDING or self._deleted_after(record) > now:
                continue
            await self._delete(record)
            self._note(Kind.RECORDING_EXPIRED, record, None, None)

    # --- inside ---

    def _deleted_after(self, record: RecordingRecord) -> float:
        """By the tenant's policy as it is now."""
        tenant = self._tenants.tenant(record.tenant)
        days = tenant.policy.recording_days if tenant else 0
        return record.started_at + days * _DAY

    async def _delete(self, record: RecordingRecord) -> None:
        # The file first: one that nobody is told of any more would be kept for ever.
        self.path_of(record.id).unlink(missing_ok=True)
        await self._records.delete(record.id)

    async def _interrupted(self, record: RecordingRecord) -> None:
        path = self.path_of(record.id)
        octets = path.stat().st_size if path.exists() else 0
        await self._records.end(record.id, RecordingState.INTERRUPTED, seconds=None, octets=octets)
        self._note(Kind.RECORDING_INTERRUPTED, record, None, None)
        _log.warning("recording.interrupted", meeting=record.meeting, octets=octets)

    def _note(
        self, kind: Kind, record: RecordingRecord, actor: str | None, address: str | None
    ) -> None:
        details = {Detail.MEETING: record.meeting, Detail.RECORDING: record.id}
        self._notes.note(
            Note(kind, tenant=record.tenant, actor=actor, address=address, details=details)
        )
