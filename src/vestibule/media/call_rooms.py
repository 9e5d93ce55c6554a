"""Rooms of two: a phone and a browser that have no media in common hear each other through one (docs/adr/0017)."""

import secrets
from collections.abc import Callable

from vestibule._native import Media
from vestibule.media.call_ends import BrowserEnd, CallEnd, PhoneEnd, Place
from vestibule.media.quality import EndpointQuality
from vestibule.media.rooms import Rooms

_SENDS = frozenset({"sendrecv", "sendonly"})
_HEARS = frozenset({"sendrecv", "recvonly"})


class CallRoom:
    """One room of two, and who hears when its media ends by itself."""

    def __init__(self, rooms: Rooms, place: Place, on_gone: Callable[[str], None]) -> None:
        self._rooms = rooms
        self._place = place
        self._on_gone = on_gone
        self._ends: list[CallEnd] = []

    def phone(self) -> PhoneEnd:
        """The end of the call that is a SIP phone."""
        end = PhoneEnd(self._of("phone"))
        self._ends.append(end)
        return end

    def browser(self) -> BrowserEnd:
        """The end of the call that is a browser."""
        end = BrowserEnd(self._of("browser"))
        self._ends.append(end)
        return end

    def settle(self) -> None:
        """Let each end be heard if it sends and the other listens, as their newest descriptions say."""
        for end, other in (self._ends, self._ends[::-1]):
            heard = end.direction in _SENDS and other.direction in _HEARS
            media = self._place.media
            media.set_rights(self._place.room, end.name, audio=heard, video=False, screen=False)

    def close(self) -> None:
        """End all media. No error if it is over."""
        self._rooms.close(self._place.room)

    # --- what the core tells (Listener) ---

    def connected(self, room: str, endpoint: str) -> None:
        """A phone has no screen to say that this call isn't encrypted from end to end."""
        self._rooms.play(room, endpoint, "bridged")

    def gone(self, room: str, endpoint: str, why: str, quality: EndpointQuality) -> None:
        """An end's media ended by itself, and so does the call."""
        if any(end.name == endpoint for end in self._ends):
            self._on_gone(why)

    def pressed(self, room: str, endpoint: str, key: str) -> None:
        """Keys mean nothing here."""

    # --- inside ---

    def _of(self, name: str) -> Place:
        place = self._place
        return Place(place.media, place.room, name, place.address, place.fips)


class CallRooms:
    """Opens rooms of two. `address` stands in what we say to phones; `fips`: approved algorithms only."""

    def __init__(self, media: Media, rooms: Rooms, address: str, *, fips: bool = False) -> None:
        self._media = media
        self._rooms = rooms
        self._address = address
        self._fips = fips

    def open(self, on_gone: Callable[[str], None]) -> CallRoom:
        """A new room. `on_gone` hears why an end's media ended by itself."""
        name = f"call:{secrets.token_urlsafe(16)}"
        place = Place(self._media, name, "", self._address, self._fips)
        room = CallRoom(self._rooms, place, on_gone)
        self._rooms.open(name, room)
        return room
