"""Recordings of native rooms as Python sees them: files, their ends, and what is refused."""

import os
import resource
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import tone
from tests.clients.deadline import eventually
from tests.clients.srtp_phone import TalkingPhone
from vestibule._native import Media, MediaRefused, RecordingEnded

EBML = bytes.fromhex("1a45dfa3")


@pytest.fixture
def media() -> Iterator[Media]:
    """A room "r" on loopback."""
    rooms = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    rooms.open_room("r")
    yield rooms
    rooms.close()


def ended(media: Media) -> RecordingEnded:
    """The end of a recording, which comes within five seconds; other events don't matter here."""
    while select.select([media.fileno()], [], [], 5)[0]:
        for event in media.drain():
            if isinstance(event, RecordingEnded):
                return event
    raise AssertionError("no recording ended")


def test_a_file_is_the_owners_alone_and_grows(media: Media, tmp_path: Path) -> None:
    path = tmp_path / "meeting.webm"
    media.start_recording("r", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    begun = media.recording("r")
    assert begun is not None
    eventually(
        lambda: (now := media.recording("r")) and now.octets > begun.octets + 1000, "a cluster"
    )
    media.stop_recording("r")
    end = ended(media)
    assert (end.room, end.problem) == ("r", None)
    assert end.seconds > 1.0
    assert end.octets == path.stat().st_size
    assert path.read_bytes().startswith(EBML)
    assert media.recording("r") is None


def test_closing_the_room_and_closing_all_finish_files(media: Media, tmp_path: Path) -> None:
    media.open_room("other")
    media.start_recording("r", str(tmp_path / "r.webm"))
    media.start_recording("other", str(tmp_path / "other.webm"))
    media.close_room("r")
    assert (ended(media).room, media.recording("r")) == ("r", None)
    media.close()
    # The file is finished when `close` returns, and so its end is there to be drained.
    assert [e.room for e in media.drain() if isinstance(e, RecordingEnded)] == ["other"]


def test_refuses_what_cannot_be_and_leaves_no_file(media: Media, tmp_path: Path) -> None:
    path = tmp_path / "refused.webm"
    with pytest.raises(MediaRefused) as refused:
        media.start_recording("nowhere", str(path))
    assert refused.value.args == (404, "no such room")
    media.start_recording("r", str(tmp_path / "r.webm"))
    with pytest.raises(MediaRefused) as refused:
        media.start_recording("r", str(path))
    assert refused.value.status == 409
    assert not path.exists()
    media.stop_recording("r")
    ended(media)
    media.start_recording("r", str(path))
    assert path.exists()


def test_never_writes_over_a_file_or_through_a_link(media: Media, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link = tmp_path / "link.webm"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (precious, link):
        with pytest.raises(FileExistsError):
            media.start_recording("r", str(path))
    with pytest.raises(FileNotFoundError):
        media.start_recording("r", str(tmp_path / "no" / "folder.webm"))
    assert precious.read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()
    assert media.recording("r") is None


def test_what_is_not_there_is_no_error(media: Media) -> None:
    media.stop_recording("nowhere")
    media.stop_recording("r")
    media.set_recorded("nowhere", "nobody", True)
    media.set_recorded("r", "nobody", True)
    assert media.recording("nowhere") is None
    assert media.drain() == []


def test_the_meeting_outlives_a_full_disk(media: Media, tmp_path: Path) -> None:
    """In a process whose files may not grow: the room's phone goes on hearing after the recording's end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.native.test_recording", str(tmp_path / "full.webm")],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    problem, size = done.stdout.split("|")
    assert "too large" in problem
    assert int(size) == (tmp_path / "full.webm").stat().st_size < 12_000


def record_into_little_space(path: str) -> None:
    """Record a loud phone until the process' limit for files is met, and go on without."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    media.open_room("r")
    with TalkingPhone(media, "r", "desk", tone(440.0, 30.0)) as phone:
        media.set_recorded("r", "desk", True)
        media.start_recording("r", path)
        end = None
        while end is None:
            phone.talk()
            end = next((e for e in media.drain() if isinstance(e, RecordingEnded)), None)
        assert media.recording("r") is None
        for _ in range(20):
            phone.talk()
    media.start_recording("r", path + ".next")
    media.close()
    sys.stdout.write(f"{end.problem}|{end.octets}")


if __name__ == "__main__":
    record_into_little_space(sys.argv[1])
