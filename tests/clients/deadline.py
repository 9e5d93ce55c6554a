"""Waiting for something to become true, with a deadline that says what was waited for."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """The probe's first answer that is not None or False. Raises AssertionError at the deadline."""
    end = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        found = probe()
        if found:
            return found
        now = time.monotonic()
        assert now < end, f"waited {seconds:.0f} s for {what}"
        # The interval of looking, not a guess at how long things take: a costly look isn't taken all the time.
        time.sleep(max(0.05, now - begun))


async def eventually_async(probe: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """The same, while the event loop goes on."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(0.02)
