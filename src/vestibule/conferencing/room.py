"""What conferencing asks of the media side; `server.py` hands in something that does it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from vestibule.conferencing.conference import Seat
from vestibule.conferencing.roles import Act

Sound = Literal[
    "entered", "entered-recorded", "muted", "unmuted", "recorded", "agreed", "disagreed"
]
"""What a phone, which has no screen, is told by a tone."""


@dataclass(frozen=True, slots=True)
class MediaRights:
    """What an endpoint may send; the room enforces it, whatever the client says (ATTACKS 42)."""

    audio: bool
    video: bool
    screen: bool


def rights_of(seat: Seat) -> MediaRights:
    """What a seat may send now."""
    return MediaRights(
        audio=seat.may_be_heard,
        video=seat.may(Act.SEND_VIDEO),
        screen=seat.may(Act.SHARE_SCREEN),
    )


class EndpointQuality(Protocol):
    """How one endpoint's media fares, as far as meetings care."""

    @property
    def endpoint(self) -> str:
        """Its id."""

    @property
    def is_connected(self) -> bool:
        """Whether media has ever flowed."""

    @property
    def round_trip(self) -> float | None:
        """Seconds to the endpoint and back, if known."""

    @property
    def mos_received(self) -> float | None:
        """How its speech sounds here, 1.0 to 4.5, if known."""

    @property
    def mos_sent(self) -> float | None:
        """How speech sounds there, if known."""


class Rooms(Protocol):
    """Rooms by meeting id, endpoints by endpoint id."""

    def join_browser(self, room: str, endpoint: str, offer: str, rights: MediaRights) -> str:
        """Take a browser's offer, return the answer. Raises SipRefusal (488)."""

    def check_phone(self, offer: str) -> None:
        """Raises SipRefusal (488) if a phone's offer can't be served, such as one without a key."""

    def join_phone(
        self, room: str, endpoint: str, offer: str, rights: MediaRights, *, seen_at: str | None
    ) -> str:
        """Take a SIP phone's offer, return the answer. Raises SipRefusal (488).

        `seen_at`: the address that its signalling comes from.
        """

    def set_rights(self, room: str, endpoint: str, rights: MediaRights) -> None:
        """Change what an endpoint may send, at once."""

    def set_recorded(self, room: str, endpoint: str, *, recorded: bool) -> None:
        """Whether what an endpoint sends may be in a recording: not before this says so."""

    def play(self, room: str, endpoint: str, sound: Sound) -> None:
        """Let a phone alone hear a sound. Nothing happens to a browser, or if it is gone."""

    def leave(self, room: str, endpoint: str) -> None:
        """End an endpoint. No error if it is gone."""

    def quality(self, room: str, endpoint: str) -> EndpointQuality | None:
        """How one endpoint's media fares; None if it is gone."""

    def close(self, room: str) -> None:
        """End a room. No error if there is none."""


class RelayAccess(Protocol):
    """Where the relay is and with what to use it; the password is secret."""

    @property
    def udp_uri(self) -> str:
        """Such as turn:192.0.2.1:3478?transport=udp."""

    @property
    def tcp_uri(self) -> str:
        """Such as turn:192.0.2.1:3478?transport=tcp."""

    @property
    def tls_uri(self) -> str:
        """Such as turns:192.0.2.1:443?transport=tcp."""

    @property
    def username(self) -> str:
        """Of the credential."""

    @property
    def password(self) -> str:
        """Of the credential."""

    @property
    def lifetime(self) -> int:
        """Seconds."""


class RelayAccessIssuer(Protocol):
    """Issues and takes back relay credentials."""

    def issue(self, holder: str) -> RelayAccess:
        """A new credential for a holder."""

    def revoke(self, holder: str) -> None:
        """End everything issued to a holder."""
