"""Short sounds that tell a phone, which has no screen, what has happened."""

import math
from array import array
from typing import Literal

Sound = Literal[
    "entered", "entered-recorded", "muted", "unmuted", "recorded", "agreed", "disagreed", "bridged"
]

RATE = 48_000
"""Samples a second, mono; each one 16 bits, little-endian."""
_PEAK = 0.2 * 32_767
_FADE = RATE // 100  # 10 ms, so that no note begins or ends with a click
_Notes = tuple[tuple[float, float], ...]  # hertz (0: silence), seconds
_ENTERED: _Notes = ((523.25, 0.12), (659.25, 0.12), (783.99, 0.2))
_RECORDED: _Notes = ((1400.0, 0.15), (0.0, 0.1), (1400.0, 0.15))  # as recorded lines have beeped
_NOTES: dict[Sound, _Notes] = {
    "entered": _ENTERED,
    "entered-recorded": (*_ENTERED, (0.0, 0.1), *_RECORDED),
    "muted": ((659.25, 0.12), (440.0, 0.2)),
    "unmuted": ((440.0, 0.12), (659.25, 0.2)),
    "recorded": _RECORDED,
    "agreed": ((587.33, 0.12), (880.0, 0.2)),
    "disagreed": ((880.0, 0.12), (587.33, 0.2)),
    "bridged": ((440.0, 0.1), (0.0, 0.06), (440.0, 0.1)),
}


def render(sound: Sound) -> bytes:
    """A sound as samples: rising when a door or microphone opens, falling when it closes."""
    samples = array("h")
    for hertz, seconds in _NOTES[sound]:
        length = int(RATE * seconds)
        for n in range(length):
            loudness = _PEAK * min(1.0, n / _FADE, (length - n) / _FADE)
            samples.append(int(loudness * math.sin(2 * math.pi * hertz * n / RATE)))
    return samples.tobytes()
