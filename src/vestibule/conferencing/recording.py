"""A recording of a meeting: while it goes on, and as it is kept afterwards."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Recording:
    """One that goes on."""

    id: str
    starter_name: str
    """Who started it, as the others know them."""


class Progress(Protocol):
    """How far one is."""

    @property
    def seconds(self) -> float:
        """Of recorded time."""

    @property
    def octets(self) -> int:
        """Written until now."""


class RecordingState(StrEnum):
    """What became of a recording."""

    RECORDING = "recording"
    FINISHED = "finished"
    FAILED = "failed"
    """It ended by itself, such as when the disk was full; what was written until then is there."""
    INTERRUPTED = "interrupted"
    """The server ended before it; what was written until then is there."""


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """A recording's row. `started_at` in seconds since 1970."""

    id: str
    tenant: str
    organizer: str
    """Person id of the meeting's organizer, whose recording it is whoever started it."""
    meeting: str
    subject: str
    started_by: str
    """Address of record."""
    starter_name: str
    started_at: float
    state: RecordingState = RecordingState.RECORDING
    seconds: float | None = None
    octets: int | None = None
    problem: str | None = None
    """Of one that failed: why, in the words of the media side."""


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """A recording, as its organizer is told of it."""

    record: RecordingRecord
    deleted_after: float
    """Seconds since 1970."""
