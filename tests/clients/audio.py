"""Signals that can be told apart after a codec, and the measure of how much of one is in a recording."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 48000
_STEP_SECONDS = 0.25
_WINDOWS = 12  # each costs a transform as long as what was played
_COARSE = 6  # samples taken together: 8 kHz hold all notes, and most of the work is saved

Samples = NDArray[np.float64]


def melody(seed: int, seconds: float) -> Samples:
    """Random notes between 400 and 2800 Hz: fits a telephone, and no two seeds sound alike."""
    random = np.random.default_rng(seed)
    step = int(_STEP_SECONDS * RATE)
    notes = random.uniform(400.0, 2800.0, int(np.ceil(seconds / _STEP_SECONDS)))
    phase = 2 * np.pi * np.cumsum(np.repeat(notes, step)) / RATE
    return 0.5 * np.sin(phase)


def tone(hertz: float, seconds: float) -> Samples:
    """A steady tone."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def write_wav(path: Path, samples: Samples, channels: int = 1) -> None:
    """16-bit PCM at 48 kHz."""
    pcm = np.repeat((samples * 32767).astype("<i2"), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())


def read_wav(path: Path) -> Samples:
    """The first channel, at 48 kHz. Tolerates a header whose length was never filled in."""
    data = path.read_bytes()
    channels = int.from_bytes(data[22:24], "little")
    rate = int.from_bytes(data[24:28], "little")
    start = data.index(b"data") + 8
    pcm = np.frombuffer(data[start : start + (len(data) - start) // 2 * 2], "<i2")
    pcm = pcm[: len(pcm) // channels * channels].reshape(-1, channels)[:, 0]
    samples = pcm.astype(np.float64) / 32767
    if rate == RATE:
        return samples
    positions = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    return np.interp(positions, np.arange(len(samples)), samples)


def likeness(played: Samples, recorded: Samples, window_seconds: float = 0.5) -> float:
    """How much of what was played is in the recording: 0 (nothing) to 1 (the same).

    The median, over a dozen windows of the recording that are not silent, of the best normalised
    cross-correlation with the played signal at any lag.
    """
    played, recorded = _coarse(played), _coarse(recorded)
    window = int(window_seconds * RATE / _COARSE)
    pieces = [
        piece
        for piece in (recorded[i : i + window] for i in range(0, len(recorded) - window, window))
        if np.sqrt(np.mean(piece**2)) > 0.02
    ]
    if len(pieces) < 3:
        return 0.0
    chosen = np.linspace(0, len(pieces) - 1, min(len(pieces), _WINDOWS)).astype(int)
    size = 1 << int(np.ceil(np.log2(len(played) + window)))
    spectrum = np.fft.rfft(played, size)
    energy = np.cumsum(np.concatenate(([0.0], played**2)))
    local = energy[window:] - energy[:-window]
    return float(np.median([_best_correlation(spectrum, size, local, pieces[i]) for i in chosen]))


def loudness_at(samples: Samples, hertz: float) -> float:
    """The share of the signal's energy within 20 Hz of a frequency."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    near = spectrum[np.abs(frequencies - hertz) < 20].sum()
    total = spectrum[frequencies > 50].sum()
    return float(near / total) if total else 0.0


def _coarse(samples: Samples) -> Samples:
    """Means of so many samples."""
    whole = samples[: len(samples) // _COARSE * _COARSE]
    means: Samples = whole.reshape(-1, _COARSE).mean(axis=1)
    return means


def _best_correlation(
    spectrum: NDArray[np.complex128], size: int, local_energy: Samples, piece: Samples
) -> float:
    """The best match of a piece anywhere in a signal given by its spectrum of that size."""
    product = spectrum * np.conj(np.fft.rfft(piece, size))
    correlation = np.abs(np.fft.irfft(product, size))[: len(local_energy)]
    norm = np.sqrt(local_energy[: len(correlation)] * np.sum(piece**2)) + 1e-9
    return float(np.max(correlation / norm))
