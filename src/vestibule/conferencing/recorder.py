"""Records meetings: by policy, by those who may, and nobody who hasn't agreed (ATTACKS 43).

The room writes the file and leaves out whom it wasn't told of; here is decided whether and for whom.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from vestibule.conferencing.conference import Conference, NotAllowed
from vestibule.conferencing.identifiers import new_meeting_id
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.meeting import Meeting
from vestibule.conferencing.recording import Progress, Recording, RecordingRecord
from vestibule.conferencing.recordings import Recordings
from vestibule.directory.model import Person
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes

CLOSING_SECONDS = 5.0
"""How long a server that stops waits for the files to be finished."""

_log = structlog.get_logger(__name__)


class RecordedRooms(Protocol):
    """What recording asks of the media side. What ends there is told to `Recorder.recording_ended`."""

    def start_recording(self, room: str, path: str) -> None:
        """Write the room to a new file. Raises OSError."""

    def stop_recording(self, room: str) -> None:
        """Finish the file. No error if there is none."""

    def recording(self, room: str) -> Progress | None:
        """How far it is; None if the room isn't being recorded."""


class RecordedMeetings(Protocol):
    """Meetings as they are now."""

    def find(self, meeting_id: str) -> Meeting | None:
        """The meeting with the policy in force now; None if unknown or deleted."""

    def organizer_of(self, meeting_id: str) -> str | None:
        """The organizer's person id."""


@dataclass(frozen=True, slots=True)
class RecorderParts:
    """What recording works with. `clock` gives seconds since 1970."""

    live: LiveConferences
    meetings: RecordedMeetings
    rooms: RecordedRooms
    recordings: Recordings
    notes: Notes
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class RecordedParticipant:
    """One device in a meeting that is recorded."""

    entity: str
    display_name: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class LiveRecording:
    """A recording that goes on, as the meeting's organizer is told."""

    record: RecordingRecord
    progress: Progress
    participants: tuple[RecordedParticipant, ...]


@dataclass(slots=True)
class _Running:
    record: RecordingRecord
    stopped_by: str | None = None
    reason: str = "meeting over"
    """Why it ends, if not because it failed."""


class Recorder:
    """The recordings that go on, by meeting id."""

    def __init__(self, parts: RecorderParts) -> None:
        self._parts = parts
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._closing = False

    # --- by whom it is told to ---

    def start(self, conference: Conference, by: str, name: str) -> None:
        """Record a meeting for somebody who may. Raises NotAllowed."""
        meeting = self._recordable(conference.meeting.id)
        if meeting.id in self._running or self._closing:
            raise NotAllowed("recordingExists")
        record = self._new_record(meeting, by, name)
        self._note(Kind.RECORDING_STARTED, record, by)
        try:
            path = self._parts.recordings.path_of(record.id)
            self._parts.rooms.start_recording(meeting.id, str(path))
        except OSError as error:
            _log.exception("recording.failed", meeting=meeting.id)
            self._note(Kind.RECORDING_STOPPED, record, None, {Detail.REASON: "failed"})
            raise NotAllowed("recordingFailed") from error
        self._running[meeting.id] = _Running(record)
        self._idle.clear()
        self._later(self._keep(record))
        conference.recording_is(Recording(record.id, name))
        _log.info("recording.started", meeting=meeting.id, recording=record.id, by=by)

    def stop(self, conference: Conference, by: str) -> None:
        """End a meeting's recording for somebody who may. No error if there is none."""
        running = self._running.get(conference.meeting.id)
        if running is None:
            return
        running.stopped_by = by
        self._end(conference.meeting.id, "stopped")
        conference.recording_is(None)

    def progress(self, meeting_id: str) -> Progress | None:
        """How far it is; None if the meeting isn't being recorded."""
        return self._parts.rooms.recording(meeting_id)

    # --- the organizer's, wherever they are ---

    async def start_for(self, person: Person, meeting_id: str) -> str | None:
        """Record a person's own meeting; why not, if that can't be. Durable when this returns."""
        try:
            self._recordable(meeting_id)
            conference = self._parts.live.find(meeting_id)
            if conference is None or not any(seat.is_in for seat in conference.seats()):
                return "notGoingOn"
            self.start(conference, person.aor, person.display_name)
        except NotAllowed as refusal:
            return refusal.reason
        await self.stored()
        return None

    async def stop_for(self, person: Person, meeting_id: str) -> bool:
        """End the recording of a person's own meeting; whether there was one."""
        conference = self._parts.live.find(meeting_id)
        if conference is None or conference.recording is None:
            return False
        self.stop(conference, person.aor)
        return True

    def going_on(self, meeting_id: str) -> LiveRecording | None:
        """The recording of a meeting, and who in it has agreed; None if there is none."""
        running = self._running.get(meeting_id)
        conference = self._parts.live.find(meeting_id)
        progress = self.progress(meeting_id)
        if running is None or conference is None or progress is None:
            return None
        inside = [seat for seat in conference.seats() if seat.is_in]
        return LiveRecording(
            running.record,
            progress,
            tuple(RecordedParticipant(s.entity, s.display_name, s.agrees) for s in inside),
        )

    # --- what ends it otherwise ---

    def recording_ended(self, room: str, seconds: float, octets: int, problem: str | None) -> None:
        """The room says that a file is finished, or that it could not go on."""
        running = self._running.pop(room, None)
        if running is None:
            return
        record = running.record
        if problem:
            _log.error("recording.failed", meeting=room, recording=record.id, problem=problem)
        reason = "failed" if problem else running.reason
        details = {Detail.SECONDS: str(int(seconds)), Detail.REASON: reason}
        self._note(Kind.RECORDING_STOPPED, record, running.stopped_by, details)
        end = self._parts.recordings.end
        self._later(end(record.id, seconds=seconds, octets=octets, problem=problem))
        conference = self._parts.live.find(room)
        if conference and conference.recording and conference.recording.id == record.id:
            conference.recording_is(None, failed=problem is not None)
        if not self._running:
            self._idle.set()

    def heed_policy(self) -> None:
        """End what is allowed no more."""
        for meeting_id in tuple(self._running):
            try:
                self._recordable(meeting_id)
            except NotAllowed:
                self._end(meeting_id, "not allowed any more")

    async def stored(self) -> None:
        """Wait until what is known is stored."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """Finish every file."""
        self._closing = True
        for meeting_id in tuple(self._running):
            self._end(meeting_id, "server stops")
        if self._running:
            with suppress(TimeoutError):  # those are found interrupted at the next start
                await asyncio.wait_for(self._idle.wait(), CLOSING_SECONDS)
        await self.stored()

    # --- inside ---

    def _end(self, meeting_id: str, reason: str) -> None:
        if (running := self._running.get(meeting_id)) is not None:
            running.reason = reason
            self._parts.rooms.stop_recording(meeting_id)

    def _recordable(self, meeting_id: str) -> Meeting:
        meeting = self._parts.meetings.find(meeting_id)
        if meeting is None or not meeting.policy.recording:
            raise NotAllowed("recordingNotAllowed")
        return meeting

    def _new_record(self, meeting: Meeting, by: str, name: str) -> RecordingRecord:
        organizer = self._parts.meetings.organizer_of(meeting.id)
        if organizer is None:
            raise NotAllowed("recordingNotAllowed")
        return RecordingRecord(
            id=new_meeting_id(),
            tenant=meeting.tenant,
            organizer=organizer,
            meeting=meeting.id,
            subject=meeting.subject,
            started_by=by,
            starter_name=name,
            started_at=self._parts.clock(),
        )

    async def _keep(self, record: RecordingRecord) -> None:
        try:
            await self._parts.recordings.add(record)
        except Exception:  # a recording that nobody can find or delete must not go on
            _log.exception("recording.not_stored", meeting=record.meeting, recording=record.id)
            self._end(record.meeting, "not stored")

    def _later(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(writing)
        self._tasks.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("recording.not_stored", exc_info=error)

    def _note(
        self,
        kind: Kind,
        record: RecordingRecord,
        actor: str | None,
        details: dict[Detail, str] | None = None,
    ) -> None:
        about = {Detail.MEETING: record.meeting, Detail.RECORDING: record.id, **(details or {})}
        self._parts.notes.note(Note(kind, tenant=record.tenant, actor=actor, details=about))
