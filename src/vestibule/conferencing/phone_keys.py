"""What the keys of a phone do in a meeting: `*6` mutes oneself, `*9` agrees to be recorded; again, they undo it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Wish(StrEnum):
    """What a phone's keys ask for."""

    MUTE = "*6"
    """To be muted, or heard again."""
    CONSENT = "*9"
    """To be in the recording, or no more."""


_LONGEST = max(map(len, Wish))


@dataclass(slots=True)
class PhoneKeys:
    """The newest keys of each phone, by endpoint."""

    _pressed: dict[str, str] = field(default_factory=dict)

    def press(self, endpoint: str, key: str) -> Wish | None:
        """A key was pressed. The wish that it completes, if any."""
        pressed = (self._pressed.get(endpoint, "") + key)[-_LONGEST:]
        for wish in Wish:
            if pressed.endswith(wish):
                self.forget(endpoint)
                return wish
        self._pressed[endpoint] = pressed
        return None

    def forget(self, endpoint: str) -> None:
        """A phone is gone, or begins anew."""
        self._pressed.pop(endpoint, None)
