"""What aiortc sends in tests, and what it makes of what it gets."""

import asyncio
import fractions
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from tests.clients.audio import RATE, Samples

_FRAME = RATE // 50
Colour = tuple[int, int, int]


class Microphone(MediaStreamTrack):
    """Says some samples, over and over."""

    kind = "audio"

    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self._pcm = (samples * 32767).astype("<i2")
        self._sent = 0
        self._start = 0.0

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, when they are due."""
        now = asyncio.get_running_loop().time()
        self._start = self._start or now
        await asyncio.sleep(max(0.0, self._start + self._sent / RATE - now))
        positions = np.arange(self._sent, self._sent + _FRAME) % len(self._pcm)
        frame = av.AudioFrame.from_ndarray(self._pcm[positions].reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = (
            RATE,
            self._sent,
            fractions.Fraction(1, RATE),
        )
        self._sent += _FRAME
        return frame


class Picture(VideoStreamTrack):
    """A colour, with a bar that moves over it."""

    def __init__(self, colour: Colour) -> None:
        super().__init__()
        self._colour = np.array(colour, np.uint8)
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        """The next frame, when it is due."""
        pts, time_base = await self.next_timestamp()
        pixels = np.broadcast_to(self._colour, (240, 320, 3)).copy()
        at = self._number * 4 % 310
        pixels[:, at : at + 10] = 255
        self._number += 1
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Encoded(MediaStreamTrack):
    """VP8 frames as they are, each a fiftieth of a second, over and over."""

    kind = "video"

    def __init__(self, frames: list[bytes]) -> None:
        super().__init__()
        self._frames = frames
        self._sent = 0
        self._start = 0.0

    async def recv(self) -> "av.Packet[Any]":
        """The next one, when it is due."""
        now = asyncio.get_running_loop().time()
        self._start = self._start or now
        await asyncio.sleep(max(0.0, self._start + self._sent / 50 - now))
        packet = av.Packet(self._frames[self._sent % len(self._frames)])
        packet.pts, packet.time_base = self._sent, fractions.Fraction(1, 50)
        self._sent += 1
        return packet


class Slot:
    """What came in one place to receive."""

    def __init__(self) -> None:
        self.frames = 0
        self.colour: Colour = (0, 0, 0)
        """Of the newest picture, the middle of its pixels."""
        self._heard: list[NDArray[np.int16]] = []

    def take(self, frame: Any) -> None:
        """One more decoded frame."""
        self.frames += 1
        if isinstance(frame, av.AudioFrame):
            left = frame.to_ndarray().reshape(-1)[:: len(frame.layout.channels)]
            self._heard.append(left.astype(np.int16))
        elif isinstance(frame, av.VideoFrame):
            pixels = frame.to_ndarray(format="rgb24").reshape(-1, 3)
            red, green, blue = (int(value) for value in np.median(pixels, axis=0))
            self.colour = red, green, blue

    async def receive(self, track: MediaStreamTrack) -> None:
        """Take all that comes, until the connection is over."""
        try:
            while True:
                self.take(await track.recv())
        except MediaStreamError:
            return

    def heard(self) -> Samples:
        """All sound so far."""
        heard = self._heard or [np.zeros(0, np.int16)]
        return np.concatenate(heard).astype(np.float64) / 32767
