"""What of recording the portal expects to be handed in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vestibule.directory.model import Person


class Recording(Protocol):
    """A recording, with the names and units of `recordings_api.RecordingView`."""

    @property
    def id(self) -> str:
        """22 URL-safe characters."""

    @property
    def meeting(self) -> str:
        """The meeting's id."""

    @property
    def subject(self) -> str:
        """The meeting's."""

    @property
    def starter_name(self) -> str:
        """Who started it."""

    @property
    def started_at(self) -> float:
        """Seconds since 1970."""

    @property
    def state(self) -> str:
        """recording, finished, failed or interrupted."""

    @property
    def seconds(self) -> float | None:
        """Of recorded time."""

    @property
    def octets(self) -> int | None:
        """Of its file."""

    @property
    def problem(self) -> str | None:
        """Why it failed."""


class KeptRecording(Protocol):
    """The same with its end."""

    @property
    def record(self) -> Recording:
        """What is kept of it."""

    @property
    def deleted_after(self) -> float:
        """Seconds since 1970."""


class Progress(Protocol):
    """How far one is."""

    @property
    def seconds(self) -> float:
        """Of recorded time."""

    @property
    def octets(self) -> int:
        """Written."""


class RecordedParticipant(Protocol):
    """One device in a meeting that is recorded."""

    @property
    def entity(self) -> str:
        """SIP URI."""

    @property
    def display_name(self) -> str:
        """As the roster has it."""

    @property
    def agrees(self) -> bool:
        """Whether it may be in the recording."""


class LiveRecording(Protocol):
    """A recording that goes on."""

    @property
    def record(self) -> Recording:
        """What is kept of it."""

    @property
    def progress(self) -> Progress:
        """Now."""

    @property
    def participants(self) -> Sequence[RecordedParticipant]:
        """Everyone inside."""


class Recorder(Protocol):
    """What goes on. Whose meeting it is has been looked at before."""

    async def start_for(self, person: Person, meeting_id: str, /) -> str | None:
        """Record a person's own meeting; why not, as `meeting_recording_api` has it, if that can't be."""

    async def stop_for(self, person: Person, meeting_id: str, /) -> bool:
        """End its recording; whether there was one."""

    def going_on(self, meeting_id: str, /) -> LiveRecording | None:
        """The recording of a meeting; None if there is none."""


class Recordings(Protocol):
    """What is kept."""

    async def list_of(self, person: Person, /) -> Sequence[KeptRecording]:
        """Those of the meetings that a person organises, newest first."""

    async def download(
        self, person: Person, recording_id: str, address: str | None, /
    ) -> tuple[Recording, Path] | None:
        """One of them and its file, journalled; None if there is no such."""

    async def delete(self, person: Person, recording_id: str, address: str | None, /) -> bool:
        """Delete one; whether there was one."""
