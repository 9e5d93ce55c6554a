"""Rooms over the native core: who sends what, and what the core tells back."""

import asyncio
import errno
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from vestibule._native import (
    ActiveSpeaker,
    EndpointConnected,
    EndpointDigit,
    EndpointGone,
    Media,
    MediaRefused,
    PicturesWithheld,
    RecordingEnded,
    TranscodingFailed,
)
from vestibule.media.phone_offer import PhoneOffer, read_phone_offer, write_answer
from vestibule.media.phone_sounds import Sound, render
from vestibule.media.phone_video_offer import VideoOffer
from vestibule.media.quality import EndpointQuality, quality_of
from vestibule.sip.refusal import SipRefusal

_log = structlog.get_logger(__name__)


class Rights(Protocol):
    """What an endpoint may send."""

    @property
    def audio(self) -> bool:
        """Microphone."""

    @property
    def video(self) -> bool:
        """Camera."""

    @property
    def screen(self) -> bool:
        """Screen."""


class Listener(Protocol):
    """Who hears what happens to endpoints."""

    def connected(self, room: str, endpoint: str) -> None:
        """Media flows."""

    def gone(self, room: str, endpoint: str, why: str, quality: EndpointQuality) -> None:
        """The endpoint ended by itself; how its media fared in the end."""

    def pressed(self, room: str, endpoint: str, key: str) -> None:
        """A key of a phone was pressed: 0-9, *, # or A-D."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is."""

    seconds: float
    octets: int


class RecordingListener(Protocol):
    """Who hears what becomes of recordings."""

    def recording_ended(self, room: str, seconds: float, octets: int, problem: str | None) -> None:
        """The file is finished, or it could not go on for this reason."""


class Rooms:
    """Rooms by name; one opens with its first endpoint. `address` stands in phones' answers; `fips`: phones have
    approved algorithms only; `h264`: pictures are transcoded for phones that have no VP8.
    """

    def __init__(
        self, media: Media, address: str, *, fips: bool = False, h264: bool = True
    ) -> None:
        self._fips = fips
        self._h264 = h264
        self._media = media
        self._address = address
        self._open: set[str] = set()
        self._listener: Listener | None = None
        self._recordings: RecordingListener | None = None
        self._listeners: dict[str, Listener] = {}
        """Who hears of rooms that are no meeting's."""
        self._sounds: dict[Sound, bytes] = {}
        self._lost = Counter[str]()

    def start(self, listener: Listener, recordings: RecordingListener) -> None:
        """Begin to take the core's events in this event loop."""
        self._listener = listener
        self._recordings = recordings
        asyncio.get_running_loop().add_reader(self._media.fileno(), self._drain)

    def stop(self) -> None:
        """Take no more."""
        asyncio.get_running_loop().remove_reader(self._media.fileno())

    def open(self, room: str, listener: Listener) -> None:
        """Open a room of which only that listener hears, until it is closed."""
        self._ensure(room)
        self._listeners[room] = listener

    def join_browser(self, room: str, endpoint: str, offer: str, rights: Rights) -> str:
        """Take a browser's offer, return the answer. Raises SipRefusal (488)."""
        self._ensure(room)
        try:
            return self._media.join_browser(
                room, endpoint, offer, audio=rights.audio, video=rights.video, screen=rights.screen
            )
        except MediaRefused as refused:
            raise refusal_of(refused) from refused

    def check_phone(self, offer: str) -> None:
        """Raises SipRefusal (488) if a phone's offer can't be served."""
        read_phone_offer(offer, fips=self._fips)

    def join_phone(
        self, room: str, endpoint: str, offer: str, rights: Rights, *, seen_at: str | None
    ) -> str:
        """Take a phone's offer, return the answer. Raises SipRefusal (488).

        `seen_at` is the address that its signalling comes from: only there is media sent before any
        has come from the phone.
        """
        chosen = read_phone_offer(offer, fips=self._fips)
        self._ensure(room)
        port = join_phone(self._media, room, endpoint, chosen, audio=rights.audio, seen_at=seen_at)
        video_port = None
        if chosen.video is not None:
            video_port = self._add_video(room, endpoint, chosen.video, rights, seen_at)
        return write_answer(chosen, self._address, port, video_port)

    def _add_video(
        self, room: str, endpoint: str, video: VideoOffer, rights: Rights, seen_at: str | None
    ) -> int | None:
        """A phone's pictures; our port, or None if they can't be: then it has its sound."""
        if video.h264 is not None and not self._h264:
            return None
        try:
            return self._media.add_phone_video(
                room,
                endpoint,
                payload_type=video.described.payload_type,
                suite=video.suite,
                local_key=video.local_key,
                remote_key=video.remote_key,
                remote_host=video.host,
                remote_port=video.port,
                remote_is_known=video.host == seen_at,
                rtcp_mux=video.rtcp_mux,
                bandwidth=video.bandwidth,
                repairs="nack" in video.feedback,
                receives=video.receives,
                video=rights.video and video.h264 is None,
                h264_level=video.h264.level if video.h264 else None,
            )
        except MediaRefused as refused:
            _log.warning("media.pictures_declined", meeting=room, reason=refused.reason)
            return None

    def set_rights(self, room: str, endpoint: str, rights: Rights) -> None:
        """Change what an endpoint may send, at once."""
        self._media.set_rights(
            room, endpoint, audio=rights.audio, video=rights.video, screen=rights.screen
        )

    def play(self, room: str, endpoint: str, sound: Sound) -> None:
        """Let a phone alone hear a sound. Nothing happens to a browser, or if it is gone."""
        if sound not in self._sounds:
            self._sounds[sound] = render(sound)
        self._media.play(room, endpoint, self._sounds[sound])

    def start_recording(self, room: str, path: str) -> None:
        """Write a room's sound, and the picture of who speaks, to a new file. Raises OSError."""
        self._ensure(room)
        try:
            self._media.start_recording(room, path)
        except MediaRefused as refused:
            raise OSError(errno.EBUSY, refused.reason) from refused

    def stop_recording(self, room: str) -> None:
        """Finish the file; the listener hears when it is. No error if there is none."""
        self._media.stop_recording(room)

    def set_recorded(self, room: str, endpoint: str, *, recorded: bool) -> None:
        """Whether what an endpoint sends may be in a recording: not before this says so."""
        self._media.set_recorded(room, endpoint, recorded)

    def recording(self, room: str) -> Progress | None:
        """How far a room's recording is; None if there is none."""
        progress = self._media.recording(room)
        return Progress(progress.seconds, progress.octets) if progress else None

    def leave(self, room: str, endpoint: str) -> None:
        """End an endpoint. No error if it is gone."""
        self._media.leave(room, endpoint)

    def quality(self, room: str, endpoint: str) -> EndpointQuality | None:
        """How one endpoint's media fares; None if it is gone."""
        native = self._media.quality(room, endpoint)
        return quality_of(native) if native else None

    def qualities(self, room: str) -> list[EndpointQuality]:
        """How everyone's media in a room fares; empty if there is no such room."""
        return [quality_of(native) for native in self._media.qualities(room)]

    def all_qualities(self) -> list[EndpointQuality]:
        """How everyone's media fares, nobody named."""
        return [quality_of(native) for native in self._media.all_qualities()]

    @property
    def transcodings(self) -> int:
        """Pictures that are being transcoded for phones."""
        return self._media.transcodings()

    @property
    def pictures_lost(self) -> Mapping[str, int]:
        """How often a phone was not shown a picture, by why: `withheld` (too many are transcoded), `failed`."""
        return self._lost

    def close(self, room: str) -> None:
        """End a room. No error if there is none."""
        if room in self._open:
            self._open.discard(room)
            self._listeners.pop(room, None)
            self._media.close_room(room)

    def _ensure(self, room: str) -> None:
        if room not in self._open:
            self._media.open_room(room)
            self._open.add(room)

    def _drain(self) -> None:
        for event in self._media.drain():
            if self._listener is None or self._recordings is None:
                continue
            if isinstance(event, RecordingEnded):
                self._recordings.recording_ended(
                    event.room, event.seconds, event.octets, event.problem
                )
            elif isinstance(event, PicturesWithheld | TranscodingFailed):
                self._note_lost(event)
            elif not isinstance(event, ActiveSpeaker):
                self._tell(self._listeners.get(event.room, self._listener), event)

    def _note_lost(self, event: PicturesWithheld | TranscodingFailed) -> None:
        why = "withheld" if isinstance(event, PicturesWithheld) else "failed"
        self._lost[why] += 1
        _log.warning("media.pictures_lost", meeting=event.room, endpoint=event.endpoint, why=why)

    @staticmethod
    def _tell(listener: Listener, event: EndpointConnected | EndpointGone | EndpointDigit) -> None:
        if isinstance(event, EndpointConnected):
            listener.connected(event.room, event.endpoint)
        elif isinstance(event, EndpointGone):
            quality = quality_of(event.quality)
            listener.gone(event.room, event.endpoint, event.reason, quality)
        else:
            listener.pressed(event.room, event.endpoint, event.digit)


def join_phone(
    media: Media,
    room: str,
    endpoint: str,
    chosen: PhoneOffer,
    *,
    audio: bool,
    seen_at: str | None,
) -> int:
    """Let a phone join an open room with what was chosen; its port here. Raises SipRefusal (488)."""
    try:
        return media.join_phone(
            room,
            endpoint,
            codec=chosen.codec,
            payload_type=chosen.described.payload_type,
            dtmf_payload_type=chosen.dtmf.payload_type if chosen.dtmf else None,
            suite=chosen.suite,
            local_key=chosen.local_key,
            remote_key=chosen.remote_key,
            remote_host=chosen.host,
            remote_port=chosen.port,
            remote_is_known=chosen.host == seen_at,
            rtcp_mux=chosen.rtcp_mux,
            audio=audio,
        )
    except MediaRefused as refused:
        raise refusal_of(refused) from refused


def refusal_of(refused: MediaRefused) -> SipRefusal:
    """What the wire says of an offer that the core refuses."""
    text = refused.reason.replace('"', "'")
    return SipRefusal(refused.status, headers=(("Warning", f'399 vestibule "{text}"'),))
