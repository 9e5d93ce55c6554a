"""aiortc: a WebRTC stack that shares no code with Chromium or with our server.

Its event loop runs in a thread on a host of the test's own.
"""

import asyncio
import json
import re
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from tests.clients.aiortc_media import Slot
from tests.clients.namespaces import Host

AUDIO_SLOTS, VIDEO_SLOTS = 3, 4
_PATIENCE_SECONDS = 20.0
T = TypeVar("T")


class AiortcPeer:
    """One peer connection. `servers`: of them aiortc takes the first for STUN and the first for TURN."""

    def __init__(self, host: Host, servers: Sequence[RTCIceServer] = ()) -> None:
        self._host = host
        self._servers = list(servers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._receiving: list[asyncio.Task[None]] = []
        self.slots: dict[str, Slot] = {}
        """Places to receive, by mid, in the order of the offer."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._build())
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
        """The SDP to send, with all candidates."""
        return self._do(self._offer())

    def answer(self, offer: str) -> str:
        """Take an offer; the SDP to answer with. ICE and DTLS begin."""
        return self._do(self._answer(offer))

    def accept(self, answer: str) -> None:
        """Take the answer; ICE and DTLS begin."""
        self._do(self._accept(answer))

    @property
    def state(self) -> str:
        """Of the connection: "connected" and so on."""
        return str(self._connection.connectionState)

    # --- in the thread ---

    def _run(self) -> None:
        self._host.enter()
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(_PATIENCE_SECONDS)

    async def _build(self) -> None:
        self._connection = RTCPeerConnection(
            RTCConfiguration(self._servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._add_lines(self._connection)

    def _add_lines(self, connection: RTCPeerConnection) -> None:
        """Give the connection its m-lines."""
        raise NotImplementedError

    async def _offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def _answer(self, offer: str) -> str:
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        self._receive()
        return str(self._connection.localDescription.sdp)

    async def _accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        # The candidates of a bundle are in its first line (RFC 8843); aiortc reads those of its last.
        for line in re.findall(r"(?m)^a=candidate:(.*?)\r?$", answer):
            candidate = candidate_from_sdp(line)
            candidate.sdpMLineIndex = 0
            await self._connection.addIceCandidate(candidate)
        self._receive()

    def _receive(self) -> None:
        for transceiver in self._connection.getTransceivers():
            if transceiver.direction != "sendonly":
                slot = self.slots[str(transceiver.mid)] = Slot()
                receiving = slot.receive(transceiver.receiver.track)
                self._receiving.append(asyncio.create_task(receiving))

    async def _close(self) -> None:
        await self._connection.close()
        for task in self._receiving:
            task.cancel()
        await asyncio.gather(*self._receiving, return_exceptions=True)


class CallPeer(AiortcPeer):
    """An end of a call of two: sound both ways."""

    def __init__(
        self, host: Host, microphone: MediaStreamTrack, servers: Sequence[RTCIceServer] = ()
    ) -> None:
        super().__init__(host, servers)
        self._microphone = microphone

    def _add_lines(self, connection: RTCPeerConnection) -> None:
        connection.addTrack(self._microphone)


class RoomPeer(AiortcPeer):
    """Joins a meeting's room as the web client does (docs/protocol/room.md): microphone, camera and screen to send, a
    fixed set of slots to receive, and the data channel "room".
    """

    def __init__(self, host: Host, servers: Sequence[RTCIceServer] = ()) -> None:
        super().__init__(host, servers)
        self._senders: dict[str, RTCRtpSender] = {}
        self.messages: list[dict[str, Any]] = []
        """What the room has said over the data channel."""

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

    def _add_lines(self, connection: RTCPeerConnection) -> None:
        for name, medium in (("audio", "audio"), ("camera", "video"), ("screen", "video")):
            self._senders[name] = connection.addTransceiver(medium, "sendonly").sender
        self._channel = connection.createDataChannel("room")
        self._channel.on("message", lambda text: self.messages.append(json.loads(text)))
        for _ in range(AUDIO_SLOTS):
            connection.addTransceiver("audio", "recvonly")
        for _ in range(VIDEO_SLOTS + 1):
            connection.addTransceiver("video", "recvonly")
