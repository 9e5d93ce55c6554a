"""Recording, as server.py opens it: what goes on, what is kept, and its end in time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.recorder import RecordedMeetings, RecordedRooms, Recorder, RecorderParts
from vestibule.conferencing.recording_records import RecordingRecords
from vestibule.conferencing.recordings import Recordings, Tenants
from vestibule.journal.note import Notes
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

LOOK_SECONDS = 3600.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RecordingService:
    """`every`: the seconds between two looks for what has been kept for long enough."""

    recorder: Recorder
    recordings: Recordings
    every: float = LOOK_SECONDS
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Take up what is stored. Raises OSError."""
        await self.recordings.open()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Finish what goes on, and look no more."""
        await self.recorder.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self.recordings.expire()
            except Exception:  # the next look tries again
                _log.exception("recording.expiry_failed")
            await asyncio.sleep(self.every)


def open_recording(
    folder: Path,
    *,
    store: Store,
    writer: Writer,
    tenants: Tenants,
    meetings: RecordedMeetings,
    live: LiveConferences,
    rooms: RecordedRooms,
    notes: Notes,
    clock: Callable[[], float] = time.time,
) -> RecordingService:
    """Recording of a node's meetings into a folder. `clock` gives seconds since 1970."""
    recordings = Recordings(RecordingRecords(store, writer), folder, tenants, notes, clock)
    parts = RecorderParts(live, meetings, rooms, recordings, notes, clock)
    return RecordingService(Recorder(parts), recordings)
