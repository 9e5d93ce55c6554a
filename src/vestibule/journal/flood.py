"""Floods of refusals: the first ones of a source stand one by one, a count stands for the rest (N11).

A source is a client's address, or the part of it that one subscriber holds. It is one again that
writes one by one after an interval in which nothing came from it. Who comes from more sources than we
keep apart, or when an interval has had its fill of single entries, is counted under `EVERYWHERE`.
So an interval has at most `MOST_SINGLE + MOST_SOURCES` and a few more entries of refusals, and
everything that happened is in one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.journal.kinds import COUNTED_AFTER, Kind, Outcome
from vestibule.journal.note import Detail, Note

INTERVAL = 60.0
"""Seconds that one count covers."""

FIRST = 20
"""Refusals of one kind and source that are written one by one."""

MOST_SINGLE = 400
"""Refusals, of all sources, that are written one by one within an interval."""

MOST_SOURCES = 200
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class _Key:
    kind: Kind
    outcome: Outcome
    source: str


@dataclass(slots=True)
class _State:
    single: int = 0
    counted: int = 0
    seen: bool = False


class Flood:
    """Says which notes are written as they are, and sums up the others.

    `source_of` gives the source that an address belongs to. Times are monotonic seconds.
    """

    def __init__(self, source_of: Callable[[str], str], now: float) -> None:
        self._source_of = source_of
        self._began = now
        self._left = MOST_SINGLE
        self._states: dict[_Key, _State] = {}

    def passes(self, note: Note, *, room: bool) -> bool:
        """Whether a note is to be written as it is; if not, it has been counted.

        `room`: whether there is any for it.
        """
        key = _Key(note.kind, note.result, self._source_of(note.address or ""))
        state = self._states.get(key)
        if state is None:
            crowded = len(self._states) >= MOST_SOURCES
            key = _Key(note.kind, note.result, EVERYWHERE) if crowded else key
            state = self._states.setdefault(key, _State())
        state.seen = True
        first = COUNTED_AFTER.get(note.kind, FIRST)
        if room and key.source != EVERYWHERE and state.single < first and self._left > 0:
            state.single += 1
            self._left -= 1
            return True
        state.counted += 1
        return False

    def summaries(self, now: float, *, at_once: bool = False) -> list[Note]:
        """What was counted, once an interval is over or `at_once`; each event is in one summary."""
        length = now - self._began
        if length < INTERVAL and not at_once:
            return []
        notes = [
            _summary(key, state.counted, length)
            for key, state in self._states.items()
            if state.counted
        ]
        self._states = {
            key: _State(state.single) for key, state in self._states.items() if state.seen
        }
        self._began, self._left = now, MOST_SINGLE
        return notes


def _summary(key: _Key, count: int, length: float) -> Note:
    details = {Detail.COUNT: str(count), Detail.SECONDS: str(max(1, round(length)))}
    return Note(key.kind, key.outcome, address=key.source or None, details=details)
