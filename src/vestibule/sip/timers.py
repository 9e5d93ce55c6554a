"""One timer wheel per process: every deadline of transactions, bindings and subscriptions.

Setting and cancelling a timer costs two dictionary operations and no handle of the event loop.
Time is passed in, so that tests need no clock.
"""

import heapq
from collections.abc import Callable

RESOLUTION = 0.1
"""Seconds; a timer fires at the first `advance` past its deadline, never before it."""


class Timer:
    """A deadline that can be called off."""

    __slots__ = ("_slot", "callback")

    def __init__(self, slot: "dict[Timer, None]", callback: Callable[[], None]) -> None:
        self._slot = slot
        self.callback = callback

    def cancel(self) -> None:
        """Never fire. No error if it fired already."""
        self._slot.pop(self, None)


class TimerWheel:
    """Deadlines sorted into slots of 0.1 s. `now` is the time of the last `advance`, in seconds."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._slots: dict[int, dict[Timer, None]] = {}
        self._order: list[int] = []

    def schedule(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back once, `delay` seconds from now."""
        number = int((self.now + max(delay, 0.0)) / RESOLUTION) + 1
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            heapq.heappush(self._order, number)
        timer = Timer(slot, callback)
        slot[timer] = None
        return timer

    def advance(self, now: float) -> None:
        """Fire what is due. Callbacks may set and cancel timers; one that raises stops no other."""
        self.now = max(now, self.now)
        current = int(self.now / RESOLUTION)
        errors: list[Exception] = []
        while self._order and self._order[0] <= current:
            slot = self._slots.pop(heapq.heappop(self._order))
            while slot:
                timer = next(iter(slot))
                del slot[timer]
                try:
                    timer.callback()
                except Exception as error:
                    errors.append(error)
        if errors:
            raise ExceptionGroup("timers failed", errors)

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())
