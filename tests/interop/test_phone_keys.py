"""A phone without a screen: a chime when one is in, `*6` to be muted and heard again (T1, RFC 4733)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.clients.audio import RATE, loudness_at, read_wav
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.interop.test_baresip_calls import phone

_SECOND_NOTE_OF_MUTED = 440.0


def latest_loudness(listener: Baresip, seconds: float = 1.0) -> float | None:
    """Root mean square of the newest sound in a phone's recording."""
    path = listener.heard()
    samples = read_wav(path) if path and path.stat().st_size > 4000 else np.zeros(0)
    newest = samples[-int(seconds * RATE) :]
    return float(np.sqrt(np.mean(newest**2))) if len(newest) == int(seconds * RATE) else None


def becomes(listener: Baresip, what: str, wanted: Callable[[float], bool]) -> None:
    """Wait until what a phone hears is so."""

    def is_so() -> bool:
        loudness = latest_loudness(listener)
        return loudness is not None and wanted(loudness)

    eventually(is_so, what, 30.0)


def heard_tone(listener: Baresip, hertz: float) -> bool:
    """Whether a tenth of a second of the recording was hardly anything but a tone."""
    path = listener.heard()
    assert path
    samples = read_wav(path)
    step = RATE // 10
    windows = (samples[start : start + step] for start in range(0, len(samples) - step, step // 2))
    return any(
        loudness_at(window, hertz) > 0.6 for window in windows if np.sqrt(np.mean(window**2)) > 0.05
    )


def test_star_six_mutes_and_is_confirmed_by_a_tone(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    focus = deployment.facts["meeting"]["focus"]
    with (
        phone(network, deployment, "alice", tmp_path / "alice", 1) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
    ):
        for each in (alice, bob):
            each.wait_registered()
            each.dial(focus)
            each.wait_event("CALL_ESTABLISHED")
        becomes(bob, "alice's voice", lambda loudness: loudness > 0.1)
        alice.command("sndcode", "*")
        alice.command("sndcode", "6")
        becomes(bob, "silence", lambda loudness: loudness < 0.01)
        assert heard_tone(alice, _SECOND_NOTE_OF_MUTED)
        assert not heard_tone(bob, _SECOND_NOTE_OF_MUTED)
        alice.command("sndcode", "*")
        alice.command("sndcode", "6")
        becomes(bob, "alice's voice again", lambda loudness: loudness > 0.1)
