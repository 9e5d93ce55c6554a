"""The calls between people that have been answered: who their two ends are, while they last.

A call's route needs no table (`route_token.py`); this one is for transfers, which are about another call
than the one that they are asked for in. What isn't here can't be transferred, so it may forget: a call whose
connection is lost, or the oldest of somebody who has very many. A restart forgets them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from vestibule.calls.route_token import End

MOST_OF_PERSON = 16
"""Answered calls of one person that are remembered."""

_Key = tuple[str, str, str]
_Place = TypeVar("_Place")


@dataclass(frozen=True, slots=True)
class Party:
    """One end of an answered call: its tag in the dialog, and the Contact that its device gave."""

    end: End
    tag: str
    contact: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may take one end's place in a call: a person, by one connection, until a time of the timer wheel.

    `leaving` is the tag of the end that gives its place away.
    """

    aor: str
    flow: int
    until: float
    leaving: str


@dataclass(slots=True, eq=False)
class ConfirmedCall:
    """An answered call, and the leave to replace it, if one was given."""

    call_id: str
    caller: Party
    callee: Party
    grant: Grant | None = None

    @property
    def key(self) -> _Key:
        """Its name in the table."""
        return (self.call_id, self.caller.tag, self.callee.tag)

    @property
    def parties(self) -> tuple[Party, Party]:
        """Both ends."""
        return (self.caller, self.callee)


@dataclass(frozen=True, slots=True)
class Seat:
    """A call as one of its ends knows it."""

    call: ConfirmedCall
    own: Party
    other: Party


class ConfirmedCalls:
    """The answered calls of this node."""

    def __init__(self) -> None:
        self._calls: dict[_Key, ConfirmedCall] = {}
        self._of_person: dict[str, dict[_Key, None]] = {}
        self._of_flow: dict[int, dict[_Key, None]] = {}

    def add(self, call: ConfirmedCall) -> None:
        """Remember a call. One of that name that is there already stays: who chooses the same Call-ID and tags
        as other people's call must not have them forgotten.
        """
        if call.key in self._calls:
            return
        self._calls[call.key] = call
        for aor, flow in _places(call):
            self._of_person.setdefault(aor, {})[call.key] = None
            self._of_flow.setdefault(flow, {})[call.key] = None
        for party in call.parties:
            keys = self._of_person.get(party.end.aor, {})
            if len(keys) > MOST_OF_PERSON:
                self._remove(self._calls[next(iter(keys))])

    def seat(self, call_id: str, own_tag: str, other_tag: str) -> Seat | None:
        """The call in which one end has that tag and the other that; None if there is none."""
        call = self._calls.get((call_id, own_tag, other_tag))
        if call is not None:
            return Seat(call, call.caller, call.callee)
        call = self._calls.get((call_id, other_tag, own_tag))
        return Seat(call, call.callee, call.caller) if call is not None else None

    def end(self, call_id: str, own_tag: str, other_tag: str, aor: str) -> None:
        """That person hangs up. No error if it is no call of theirs."""
        seat = self.seat(call_id, own_tag, other_tag)
        if seat is not None and seat.own.end.aor == aor:
            self._remove(seat.call)

    def close_flow(self, flow: int) -> None:
        """A connection is gone: whose calls went over it can't be told any more."""
        for key in list(self._of_flow.get(flow, ())):
            self._remove(self._calls[key])

    def __len__(self) -> int:
        return len(self._calls)

    def _remove(self, call: ConfirmedCall) -> None:
        del self._calls[call.key]
        for aor, flow in _places(call):
            _forget(self._of_person, aor, call.key)
            _forget(self._of_flow, flow, call.key)


def _places(call: ConfirmedCall) -> Iterator[tuple[str, int]]:
    return ((party.end.aor, party.end.flow) for party in call.parties)


def _forget(index: dict[_Place, dict[_Key, None]], place: _Place, key: _Key) -> None:
    keys = index.get(place)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[place]
