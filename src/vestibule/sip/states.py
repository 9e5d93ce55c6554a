"""The four transaction state machines of RFC 3261 section 17, with RFC 6026, as tables.

All our transports are reliable streams, which takes away every retransmission and every timer that
is zero on them (D, I, J, K): what RFC 3261 calls Completed or Confirmed for the length of such a
timer is Terminated here. Non-INVITE transactions need no Proceeding, which only slows down
retransmissions. An event that has no entry for a state changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

T1 = 0.5
"""Seconds: the round trip that RFC 3261 counts in."""

TRANSACTION_SECONDS = 64 * T1


class State(Enum):
    """Where a transaction stands."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Event(Enum):
    """What can happen: a response of a class (sent or received), an ACK, the end of a wait."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    ACK = auto()
    TIMEOUT = auto()
    FLOW_LOST = auto()


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of transaction: its first state, its transitions, and how long a state may last."""

    start: State
    transitions: Mapping[tuple[State, Event], State]
    seconds: Mapping[State, float]


def _machine(
    start: State, transitions: dict[tuple[State, Event], State], seconds: dict[State, float]
) -> Machine:
    states = {start, *transitions.values()} - {State.TERMINATED}
    lost = {(state, Event.FLOW_LOST): State.TERMINATED for state in states}
    ends = {(state, Event.TIMEOUT): State.TERMINATED for state in seconds}
    return Machine(
        start, MappingProxyType(transitions | lost | ends), MappingProxyType(dict(seconds))
    )


INVITE_SERVER = _machine(
    State.PROCEEDING,
    {
        (State.PROCEEDING, Event.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Event.SUCCESS): State.ACCEPTED,
        (State.PROCEEDING, Event.FAILURE): State.COMPLETED,
        (State.ACCEPTED, Event.SUCCESS): State.ACCEPTED,  # a proxy passes every 2xx on
        (State.COMPLETED, Event.ACK): State.TERMINATED,
    },
    {
        State.ACCEPTED: TRANSACTION_SECONDS,  # timer L
        State.COMPLETED: TRANSACTION_SECONDS,  # timer H
    },
)

NON_INVITE_SERVER = _machine(
    State.TRYING,
    {
        (State.TRYING, Event.PROVISIONAL): State.TRYING,
        (State.TRYING, Event.SUCCESS): State.TERMINATED,
        (State.TRYING, Event.FAILURE): State.TERMINATED,
    },
    {State.TRYING: TRANSACTION_SECONDS},  # by then the client has given up (RFC 4320 section 4.2)
)

INVITE_CLIENT = _machine(
    State.CALLING,
    {
        (State.CALLING, Event.PROVISIONAL): State.PROCEEDING,
        (State.CALLING, Event.SUCCESS): State.ACCEPTED,
        (State.CALLING, Event.FAILURE): State.TERMINATED,
        (State.PROCEEDING, Event.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Event.SUCCESS): State.ACCEPTED,
        (State.PROCEEDING, Event.FAILURE): State.TERMINATED,
        (State.PROCEEDING, Event.TIMEOUT): State.TERMINATED,  # set by a CANCEL (section 9.1)
        (State.ACCEPTED, Event.SUCCESS): State.ACCEPTED,
    },
    {
        State.CALLING: TRANSACTION_SECONDS,  # timer B
        State.ACCEPTED: TRANSACTION_SECONDS,  # timer M
    },
)

NON_INVITE_CLIENT = _machine(
    State.TRYING,
    {
        (State.TRYING, Event.PROVISIONAL): State.TRYING,
        (State.TRYING, Event.SUCCESS): State.TERMINATED,
        (State.TRYING, Event.FAILURE): State.TERMINATED,
    },
    {State.TRYING: TRANSACTION_SECONDS},  # timer F
)


def event_of_status(status: int) -> Event:
    """The event that a response's status stands for."""
    if status < 200:
        return Event.PROVISIONAL
    return Event.SUCCESS if status < 300 else Event.FAILURE
