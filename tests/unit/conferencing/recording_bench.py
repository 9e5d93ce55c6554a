"""The media side of recording on the test bench: it makes the file, and ends it when the test says so."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass
class HowFar:
    seconds: float
    octets: int


class EndListener(Protocol):
    def recording_ended(
        self, room: str, seconds: float, octets: int, problem: str | None
    ) -> None: ...


@dataclass
class Tapes:
    """`path` by room while it is recorded; `stopped` in their order; `full`: no file can be made."""

    paths: dict[str, Path] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    full: bool = False
    listener: EndListener | None = None

    def start_recording(self, room: str, path: str) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        assert room not in self.paths
        with Path(path).open("xb") as file:
            file.write(b"\x1a\x45\xdf\xa3")
        self.paths[room] = Path(path)

    def stop_recording(self, room: str) -> None:
        if room in self.paths:
            self.stopped.append(room)

    def recording(self, room: str) -> HowFar | None:
        return HowFar(2.5, self.paths[room].stat().st_size) if room in self.paths else None

    def ends(self, room: str, problem: str | None = None) -> None:
        """What the media thread tells some time later."""
        path = self.paths.pop(room)
        assert self.listener
        self.listener.recording_ended(room, 61.5, path.stat().st_size, problem)
