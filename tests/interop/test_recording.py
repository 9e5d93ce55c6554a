"""Recordings played by ffmpeg, which nobody here wrote: whole, after a crash, and only of those who agreed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.audio import Samples, likeness, melody, read_wav
from tests.clients.srtp_phone import TalkingPhone
from vestibule._native import Media, RecordingEnded

SECONDS = 6.0


def probe(path: Path) -> dict[str, Any]:
    """What ffprobe finds."""
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, text=True, timeout=60))
    return found


def decode(path: Path) -> Samples:
    """The sound, after all of the file has been decoded without a complaint."""
    wav = path.with_suffix(".wav")
    command = [
        "ffmpeg",
        "-v",
        "warning",
        "-xerror",
        "-i",
        str(path),
        "-f",
        "null",
        "-map",
        "0:v",
        "-",
    ]
    command += ["-map", "0:a", "-c:a", "pcm_s16le", str(wav)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return read_wav(wav)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A room of two phones of which one agreed; and how long the recording says it lasts."""
    path = tmp_path_factory.mktemp("recording") / "meeting.webm"
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    media.open_room("r")
    with (
        TalkingPhone(media, "r", "yes", melody(1, SECONDS + 1)) as one,
        TalkingPhone(media, "r", "no", melody(2, SECONDS + 1)) as other,
    ):
        media.set_recorded("r", "yes", True)
        media.start_recording("r", str(path))
        while (progress := media.recording("r")) and progress.seconds < SECONDS:
            one.talk()
            other.talk()
        media.close()
    (end,) = [event for event in media.drain() if isinstance(event, RecordingEnded)]
    assert end.problem is None
    return path, end.seconds


def test_it_is_opus_and_vp8_and_lasts_as_long_as_it_did(recording: tuple[Path, float]) -> None:
    path, seconds = recording
    found = probe(path)
    streams = {stream["codec_type"]: stream for stream in found["streams"]}
    assert (streams["audio"]["codec_name"], streams["audio"]["sample_rate"]) == ("opus", "48000")
    assert (streams["video"]["codec_name"], streams["video"]["width"]) == ("vp8", 1280)
    assert float(found["format"]["duration"]) == pytest.approx(seconds, abs=0.1)
    assert seconds == pytest.approx(SECONDS, abs=0.3)


def test_who_agreed_is_heard_and_who_did_not_is_not(recording: tuple[Path, float]) -> None:
    path, seconds = recording
    sound = decode(path)
    # What a busy machine was too late for stays out.
    assert len(sound) / 48_000 == pytest.approx(seconds, abs=0.5)
    assert likeness(melody(1, SECONDS + 1), sound) > 0.8
    assert likeness(melody(2, SECONDS + 1), sound) < 0.3


def test_one_can_jump_into_it(recording: tuple[Path, float]) -> None:
    path, _ = recording
    command = ["ffmpeg", "-v", "warning", "-xerror", "-ss", "3", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_killed_process_loses_two_seconds_at_most(tmp_path: Path) -> None:
    path = tmp_path / "killed.webm"
    recorder = subprocess.Popen(
        [sys.executable, "-m", "tests.interop.test_recording", str(path)],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with recorder:
        assert recorder.stdout is not None
        seconds = 0.0
        while seconds < 4.0:
            seconds = float(recorder.stdout.readline())
        recorder.kill()
    sound = decode(path)
    assert len(sound) / 48_000 > seconds - 2.0
    assert likeness(melody(1, 60.0), sound) > 0.8


def record_until_killed(path: str) -> None:
    """Record a phone, and say now and then for how long."""
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    media.open_room("r")
    with TalkingPhone(media, "r", "desk", melody(1, 60.0)) as phone:
        media.set_recorded("r", "desk", True)
        media.start_recording("r", path)
        while progress := media.recording("r"):
            phone.talk()
            sys.stdout.write(f"{progress.seconds}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    record_until_killed(sys.argv[1])
