"""What becomes of recordings: kept, found again after a restart or a crash, deleted in time (ATTACKS 43)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.unit.conferencing.conference_bench import Notebook
from tests.unit.conferencing.recording_bench import Tapes
from vestibule.conferencing.admission import Who
from vestibule.conferencing.conference import Conference, NotAllowed
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import Meetings
from vestibule.conferencing.recorder import Recorder
from vestibule.conferencing.recording import RecordingRecord, RecordingState
from vestibule.conferencing.recording_service import RecordingService, open_recording
from vestibule.directory.directory import Directory
from vestibule.directory.model import Person, TenantPolicy
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

DAY = 86_400.0


class FullJournal(Exception):
    pass


@dataclass
class Journal:
    notes: list[Note] = field(default_factory=list)
    full: bool = False

    def note(self, note: Note) -> None:
        if self.full:
            raise FullJournal
        self.notes.append(note)

    def kinds(self) -> list[Kind]:
        return [note.kind for note in self.notes]


class Studio:
    """A store, Alice, and her meeting that she is in."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.writer = Writer(store)
        self.directory = Directory(store)
        self.journal = Journal()
        self.now = 1000.0
        records = MeetingRecords(store, self.writer)
        self.meetings = Meetings(records, self.directory, lambda: self.now, lambda _: None)
        self.start_up()

    def start_up(self) -> None:
        """A process of its own, which knows only what is stored."""
        self.tapes = Tapes()
        self.live = LiveConferences(Notebook().schedule)
        self.service: RecordingService = open_recording(
            self.folder,
            store=self.store,
            writer=self.writer,
            tenants=self.directory,
            meetings=self.meetings,
            live=self.live,
            rooms=self.tapes,
            notes=self.journal,
            clock=lambda: self.now,
        )
        self.tapes.listener = self.recorder

    @property
    def recorder(self) -> Recorder:
        return self.service.recorder

    async def open(self) -> None:
        await self.directory.load()
        tenant = await self.directory.add_tenant("T", ("d.test",), TenantPolicy(recording=True))
        self.alice: Person = await self.directory.add_person(
            tenant.id, "alice", display_name="Alice"
        )
        self.meeting = await self.meetings.create(self.alice, "Ward round")
        await self.service.recordings.open()
        self.conference: Conference = self.live.of(self.meeting, Notebook())
        self.conference.knock(self.alice.aor, "Alice", Who.ORGANIZER)

    async def allow(self, **changes: object) -> None:
        policy = replace(TenantPolicy(recording=True), **changes)  # type: ignore[arg-type]
        await self.directory.set_policy(self.alice.tenant, policy)

    async def start(self) -> None:
        assert await self.recorder.start_for(self.alice, self.meeting.id) is None

    async def kept(self) -> list[RecordingRecord]:
        await self.recorder.stored()
        return [one.record for one in await self.service.recordings.list_of(self.alice)]


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    store = Store(f"sqlite:///{tmp_path / 'vestibule.db'}")
    await store.start()
    studio = Studio(store, tmp_path / "recordings")
    await studio.open()
    yield studio
    await studio.recorder.stored()
    await studio.writer.close()
    await store.close()


async def test_it_is_off_until_the_tenant_says_otherwise(studio: Studio) -> None:
    await studio.allow(recording=False)
    assert await studio.recorder.start_for(studio.alice, studio.meeting.id) == "recordingNotAllowed"
    with pytest.raises(NotAllowed, match="recordingNotAllowed"):
        studio.recorder.start(studio.conference, studio.alice.aor, "Alice")
    assert not studio.tapes.paths


async def test_a_policy_taken_back_ends_what_goes_on(studio: Studio) -> None:
    await studio.start()
    studio.recorder.heed_policy()
    assert not studio.tapes.stopped
    await studio.allow(recording=False)
    studio.recorder.heed_policy()
    assert studio.tapes.stopped == [studio.meeting.id]
    studio.tapes.ends(studio.meeting.id)
    assert studio.conference.recording is None
    assert studio.journal.notes[-1].details[Detail.REASON] == "not allowed any more"


async def test_the_folder_is_the_server_s_alone(studio: Studio) -> None:
    assert studio.folder.stat().st_mode & 0o777 == 0o700


async def test_one_that_runs_is_stored_before_its_start_is_answered(studio: Studio) -> None:
    await studio.start()
    (record,) = [one.record for one in await studio.service.recordings.list_of(studio.alice)]
    assert record.state is RecordingState.RECORDING
    assert record.organizer == studio.alice.id


async def test_stopping_finishes_it(studio: Studio) -> None:
    await studio.start()
    assert await studio.recorder.stop_for(studio.alice, studio.meeting.id)
    assert studio.conference.recording is None
    studio.tapes.ends(studio.meeting.id)
    (record,) = await studio.kept()
    assert (record.state, record.seconds, record.octets) == (RecordingState.FINISHED, 61.5, 4)
    stopped = studio.journal.notes[-1]
    assert (stopped.kind, stopped.actor) == (Kind.RECORDING_STOPPED, studio.alice.aor)
    assert stopped.details[Detail.SECONDS] == "61"


async def test_a_full_disk_ends_the_recording_and_everyone_is_told(studio: Studio) -> None:
    await studio.start()
    studio.tapes.ends(studio.meeting.id, "No space left on device")
    (record,) = await studio.kept()
    assert (record.state, record.problem) == (RecordingState.FAILED, "No space left on device")
    assert studio.conference.recording is None
    assert studio.conference.recording_failed


async def test_the_end_of_the_meeting_is_the_end_of_it(studio: Studio) -> None:
    await studio.start()
    studio.conference.close()
    studio.live.forget_if_empty(studio.conference)
    studio.tapes.ends(studio.meeting.id)
    (record,) = await studio.kept()
    assert record.state is RecordingState.FINISHED
    assert studio.journal.notes[-1].actor is None


async def test_after_a_crash_what_is_there_is_listed_as_interrupted(studio: Studio) -> None:
    await studio.start()
    (path,) = studio.tapes.paths.values()
    path.write_bytes(b"x" * 100)
    studio.start_up()
    await studio.service.recordings.open()
    (record,) = await studio.kept()
    assert (record.state, record.seconds, record.octets) == (RecordingState.INTERRUPTED, None, 100)
    assert studio.journal.kinds()[-1] is Kind.RECORDING_INTERRUPTED
    found = await studio.service.recordings.download(studio.alice, record.id, None)
    assert found is not None
    assert found[1] == path


async def test_a_server_that_stops_finishes_its_files(studio: Studio) -> None:
    await studio.service.start()
    await studio.start()
    original = studio.tapes.stop_recording

    def stop(room: str) -> None:
        original(room)
        studio.tapes.ends(room)

    studio.tapes.stop_recording = stop  # type: ignore[method-assign]
    await studio.service.close()
    (record,) = await studio.kept()
    assert record.state is RecordingState.FINISHED
    with pytest.raises(NotAllowed, match="recordingExists"):
        studio.recorder.start(studio.conference, studio.alice.aor, "Alice")


async def test_what_has_been_kept_for_long_enough_is_deleted(studio: Studio) -> None:
    await studio.allow(recording_days=3)
    await studio.start()
    (path,) = studio.tapes.paths.values()
    studio.now += 4 * DAY
    await studio.service.recordings.expire()
    assert path.exists(), "one that goes on is not deleted"
    studio.tapes.ends(studio.meeting.id)
    await studio.recorder.stored()
    studio.now = 1000.0 + 2.9 * DAY
    await studio.service.recordings.expire()
    assert len(await studio.kept()) == 1
    studio.now = 1000.0 + 3 * DAY
    await studio.service.recordings.expire()
    assert not await studio.kept()
    assert not path.exists()
    assert studio.journal.kinds()[-1] is Kind.RECORDING_EXPIRED


async def test_what_can_t_be_journalled_is_not_recorded(studio: Studio) -> None:
    studio.journal.full = True
    with pytest.raises(FullJournal):
        studio.recorder.start(studio.conference, studio.alice.aor, "Alice")
    assert not studio.tapes.paths


async def test_one_that_can_t_be_stored_does_not_go_on(studio: Studio) -> None:
    async def away(record: RecordingRecord) -> None:
        raise OSError("the database is away")

    studio.service.recordings.add = away  # type: ignore[method-assign]
    studio.recorder.start(studio.conference, studio.alice.aor, "Alice")
    await studio.recorder.stored()
    assert studio.tapes.stopped == [studio.meeting.id]


async def test_files_of_nobody_are_left_alone(studio: Studio) -> None:
    stray = studio.folder / "stray.webm"
    stray.write_bytes(b"")
    await studio.service.recordings.open()
    assert stray.exists()
