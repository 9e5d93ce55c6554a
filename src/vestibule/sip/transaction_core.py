"""What server and client transactions share: a state that moves by a table, and its deadline."""

from collections.abc import Callable
from typing import Protocol

from vestibule.sip.message import SipMessage, Transport
from vestibule.sip.states import Event, Machine, State
from vestibule.sip.timers import Timer, TimerWheel


class TransactionHome(Protocol):
    """What a transaction needs of the layer that keeps it."""

    transport: Transport
    wheel: TimerWheel

    def send_request(
        self,
        data: bytes,
        flow: int,
        on_response: Callable[[SipMessage], None],
        on_failure: Callable[[int, str], None],
    ) -> object:
        """Send a request; see `TransactionLayer.send_request`."""

    def send_ack(self, data: bytes, flow: int) -> None:
        """Send an ACK to a 2xx."""


class StatefulTransaction:
    """A state that moves by its machine's table, with one timer for states that may not last."""

    __slots__ = ("_forget", "_home", "_machine", "_timer", "flow", "state")

    def __init__(
        self, home: TransactionHome, machine: Machine, flow: int, forget: Callable[[], object]
    ) -> None:
        self._home = home
        self._machine = machine
        self._forget = forget
        self.flow = flow
        self.state = machine.start
        self._timer: Timer | None = None
        self._set_deadline(machine.seconds.get(machine.start))

    @property
    def home(self) -> TransactionHome:
        """The layer that keeps it."""
        return self._home

    def _step(self, event: Event) -> bool:
        """Move; False if the event means nothing in this state."""
        after = self._machine.transitions.get((self.state, event))
        if after is None:
            return False
        if after is not self.state:
            self.state = after
            self._set_deadline(self._machine.seconds.get(after))
            if after is State.TERMINATED:
                self._forget()
        return True

    def _set_deadline(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self._home.wheel.schedule(seconds, self._timed_out)

    def _timed_out(self) -> None:
        self._step(Event.TIMEOUT)
