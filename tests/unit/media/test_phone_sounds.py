"""Tones that tell a phone what has happened."""

from typing import get_args

import numpy as np
import pytest

from vestibule.media.phone_sounds import RATE, Sound, render


@pytest.mark.parametrize("sound", get_args(Sound))
def test_a_sound_is_short_audible_and_does_not_click(sound: Sound) -> None:
    samples = np.frombuffer(render(sound), "<i2").astype(float) / 32768
    assert 0.2 < len(samples) / RATE < 1.0
    assert 0.1 < np.abs(samples).max() < 0.5
    assert np.abs(np.diff(samples)).max() < 0.05
    assert abs(samples[0]) < 0.01
    assert abs(samples[-1]) < 0.01


def test_sounds_differ() -> None:
    assert len({render(sound) for sound in get_args(Sound)}) == len(get_args(Sound))
