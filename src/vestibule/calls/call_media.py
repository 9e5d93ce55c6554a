"""What bridging asks of the media side; `server.py` hands in something that does it."""

from collections.abc import Callable
from typing import Protocol


class CallEnd(Protocol):
    """The media of one end of a bridged call. `seen_at`: the address that its signalling comes from."""

    def check(self, offer: str) -> None:
        """Raises SipRefusal (400, 488) if an offer of its own could not be answered."""

    def offer(self) -> str:
        """An offer of ours, with its keys drawn. Raises SipRefusal (500)."""

    def accept(self, answer: str, *, seen_at: str | None) -> None:
        """Join with the answer to our offer. Raises SipRefusal (400, 488)."""

    def answer(self, offer: str, *, seen_at: str | None) -> str:
        """Join with an offer of its own; our answer. Raises SipRefusal (400, 488)."""

    def renew(self, offer: str, *, seen_at: str | None) -> str:
        """Take a later offer; our answer. Raises SipRefusal (400, 488); then nothing has changed."""


class CallRoom(Protocol):
    """A room of two."""

    def phone(self) -> CallEnd:
        """The end that is a SIP phone."""

    def browser(self) -> CallEnd:
        """The end that is a browser."""

    def settle(self) -> None:
        """Let each end be heard as their newest descriptions say."""

    def close(self) -> None:
        """End all media. No error if it is over."""


class CallRooms(Protocol):
    """Opens rooms."""

    def open(self, on_gone: Callable[[str], None]) -> CallRoom:
        """A new room. `on_gone` hears why an end's media ended by itself."""
