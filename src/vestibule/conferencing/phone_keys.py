"""What the keys of a phone do in a meeting: `*6` mutes oneself, and lifts it again."""

from dataclasses import dataclass, field

_MUTE = "*6"


@dataclass(slots=True)
class PhoneKeys:
    """The newest keys of each phone, by endpoint."""

    _pressed: dict[str, str] = field(default_factory=dict)

    def press(self, endpoint: str, key: str) -> bool:
        """A key was pressed. Whether that completes the wish to be muted, or heard again."""
        pressed = (self._pressed.get(endpoint, "") + key)[-len(_MUTE) :]
        if pressed == _MUTE:
            self.forget(endpoint)
            return True
        self._pressed[endpoint] = pressed
        return False

    def forget(self, endpoint: str) -> None:
        """A phone is gone, or begins anew."""
        self._pressed.pop(endpoint, None)
