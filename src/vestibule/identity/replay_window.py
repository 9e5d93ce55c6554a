"""Which sequence numbers have been used: a sliding window, as in RFC 4303 section 3.4.3 and RFC 3711 section 3.3.2."""

WINDOW = 128
"""How far behind the highest number one may still come."""

LARGEST = 2**53 - 1
"""The largest number that every client can count to."""


class ReplayWindow:
    """Takes each number once; what lies behind the window, never."""

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest = 0
        self._seen = 0
        """Bit i: whether the number i below the highest was taken."""

    def take(self, number: int) -> bool:
        """Use a number up; False if it was used, is too old, or is none. Ask only after the proof was found right."""
        if not 0 < number <= LARGEST:
            return False
        ahead = number - self._highest
        if ahead > 0:
            # A leap beyond the window leaves nothing of it; the shift must not be as wide as the leap.
            self._seen = (self._seen << ahead) & _MASK | 1 if ahead < WINDOW else 1
            self._highest = number
            return True
        # Asked before any shift: one as wide as an attacker likes would take all memory.
        if -ahead >= WINDOW:
            return False
        bit = 1 << -ahead
        if self._seen & bit:
            return False
        self._seen |= bit
        return True


_MASK = (1 << WINDOW) - 1
