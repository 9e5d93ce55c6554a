"""The measure that interop tests trust: it must tell its own melody from another, and from silence."""

import numpy as np

from tests.clients.audio import RATE, likeness, loudness_at, melody, tone


def test_a_delayed_noisy_copy_is_alike_and_another_melody_is_not() -> None:
    played = melody(1, 6.0)
    noise = np.random.default_rng(0).normal(0, 0.02, len(played))
    recorded = np.concatenate([np.zeros(RATE // 3), 0.7 * played + noise])
    assert likeness(played, recorded) > 0.9
    assert likeness(melody(2, 6.0), recorded) < 0.6


def test_silence_is_like_nothing() -> None:
    assert likeness(melody(1, 3.0), np.zeros(3 * RATE)) == 0.0


def test_loudness_at_a_frequency() -> None:
    assert loudness_at(tone(1000, 1.0), 1000) > 0.95
    assert loudness_at(tone(1000, 1.0), 600) < 0.01
