"""The names of a meeting: its id, its conference key, and the URIs made of them.

A focus is addressed as Skype-for-Business-era clients expect it:
`sip:alice@example.org;gruu;opaque=app:conf:focus:id:ID`; the audio-video endpoint carries
`audio-video` in place of `focus`.
"""

import re
import secrets
from dataclasses import dataclass

_RANDOM_BYTES = 16  # 128 bits: neither ids nor keys can be found by trying (ATTACKS 39)
_NAME = re.compile(r"[A-Za-z0-9_-]{22}")
_OPAQUE = re.compile(r"app:conf:(focus|audio-video):id:([A-Za-z0-9_-]{22})")


def new_meeting_id() -> str:
    """A random meeting id of 22 URL-safe characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_conference_key() -> str:
    """A random conference key of 22 URL-safe characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def is_meeting_id(text: str) -> bool:
    """Whether the text has the form of a meeting id."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class MeetingAddress:
    """Organizer's user part and domain, and the meeting's id."""

    user: str
    domain: str
    meeting_id: str

    @property
    def focus(self) -> str:
        """URI of the focus."""
        return self._uri("focus")

    @property
    def audio_video(self) -> str:
        """URI of the audio-video endpoint."""
        return self._uri("audio-video")

    def _uri(self, part: str) -> str:
        return f"sip:{self.user}@{self.domain};gruu;opaque=app:conf:{part}:id:{self.meeting_id}"


def meeting_id_of(opaque: str | None) -> str | None:
    """The meeting id within a URI's `opaque` parameter; None if it names no meeting."""
    match = _OPAQUE.fullmatch(opaque or "")
    return match.group(2) if match else None
