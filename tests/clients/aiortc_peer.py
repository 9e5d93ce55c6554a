"""aiortc in a meeting: a WebRTC stack that shares no code with Chromium or with our server.

It joins as the web client does (docs/protocol/room.md): microphone, camera and screen to send, a fixed set of slots to
receive, and the data channel "room". Its event loop runs in a thread on a host of the test's own.
"""

import asyncio
import fractions
import json
import re
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from numpy.typing import NDArray

from tests.clients.audio import RATE, Samples
from tests.clients.namespaces import Host

AUDIO_SLOTS, VIDEO_SLOTS = 3, 4
_FRAME = RATE // 50
_PATIENCE_SECONDS = 20.0
Colour = tuple[int, int, int]
T = TypeVar("T")


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

    def heard(self) -> Samples:
        """All sound so far."""
        heard = self._heard or [np.zeros(0, np.int16)]
        return np.concatenate(heard).astype(np.float64) / 32767


class AiortcPeer:
    """One peer connection to a room."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._receiving: list[asyncio.Task[None]] = []
        self._senders: dict[str, RTCRtpSender] = {}
        self.slots: dict[str, Slot] = {}
        """Places to receive, by mid, in the order of the offer."""
        self.messages: list[dict[str, Any]] = []
        """What the room has said over the data channel."""

    def __enter__(self) -> "AiortcPeer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def offer(self) -> str:
        """The SDP to send to the room."""
        return self._do(self._offer())

    def accept(self, answer: str) -> None:
        """Take the room's answer; ICE and DTLS begin."""
        self._do(self._accept(answer))

    def send(self, what: str, track: MediaStreamTrack | None) -> None:
        """Send that from now on as "audio", "camera" or "screen", or nothing."""

        async def replace() -> None:
            self._senders[what].replaceTrack(track)

        self._do(replace())

    def want(self, heights: dict[str, int]) -> None:
        """Say how large pictures are shown."""

        async def say() -> None:
            self._channel.send(json.dumps({"type": "want", "heights": heights}))

        self._do(say())

    @property
    def state(self) -> str:
        """Of the connection: "connected" and so on."""
        return str(self._connection.connectionState)

    def slot_of(self, endpoint: str, source: str) -> Slot | None:
        """The place where the room says that source of that endpoint is now."""
        mid = self.mid_of(endpoint, source)
        return self.slots[mid] if mid else None

    def mid_of(self, endpoint: str, source: str) -> str | None:
        """By the newest map that the room has told."""
        maps = [message["slots"] for message in self.messages if message["type"] == "slots"]
        for mid, content in (maps[-1] if maps else {}).items():
            if content and (content["endpoint"], content["source"]) == (endpoint, source):
                return str(mid)
        return None

    # --- in the thread ---

    def _run(self) -> None:
        self._host.enter()
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(_PATIENCE_SECONDS)

    async def _offer(self) -> str:
        connection = self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        for name, medium in (("audio", "audio"), ("camera", "video"), ("screen", "video")):
            self._senders[name] = connection.addTransceiver(medium, "sendonly").sender
        self._channel = connection.createDataChannel("room")
        self._channel.on("message", lambda text: self.messages.append(json.loads(text)))
        for _ in range(AUDIO_SLOTS):
            connection.addTransceiver("audio", "recvonly")
        for _ in range(VIDEO_SLOTS + 1):
            connection.addTransceiver("video", "recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)

    async def _accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        # The candidates of a bundle are in its first line (RFC 8843); aiortc reads those of its last.
        for line in re.findall(r"(?m)^a=candidate:(.*?)\r?$", answer):
            candidate = candidate_from_sdp(line)
            candidate.sdpMLineIndex = 0
            await self._connection.addIceCandidate(candidate)
        for transceiver in self._connection.getTransceivers()[len(self._senders) :]:
            slot = self.slots[str(transceiver.mid)] = Slot()
            self._receiving.append(asyncio.create_task(_receive(transceiver.receiver.track, slot)))

    async def _close(self) -> None:
        await self._connection.close()
        for task in self._receiving:
            task.cancel()
        await asyncio.gather(*self._receiving, return_exceptions=True)


async def _receive(track: MediaStreamTrack, slot: Slot) -> None:
    try:
        while True:
            slot.take(await track.recv())
    except MediaStreamError:  # the connection is over
        return
