"""Where people can be reached: which connection leads to which of their devices.

Bindings of addresses of record (RFC 3261 section 10, RFC 5626), all in memory: a lost node loses
them, and devices register again within their refresh. A binding is reached down the connection that
registered it, whatever its contact says, and dies with that connection.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

MOST_CONTACTS = 10
"""Devices of one person: each call is forked to all of them (ATTACKS 6)."""

BindingKey = tuple[str, str]


class Timer(Protocol):
    """Something scheduled."""

    def cancel(self) -> None:
        """Call it off."""


Schedule = Callable[[float, Callable[[], None]], Timer]


@dataclass(frozen=True, slots=True)
class Binding:
    """One device's place. `expires_at` is in seconds of the clock given to `Bindings`."""

    contact: str
    flow: int
    instance: str
    """The device's `+sip.instance`, such as `<urn:uuid:…>`; "" if it has none."""
    reg_id: str
    gruu: str
    """The device's public GRUU (RFC 5627); "" without an instance."""
    expires_at: float
    call_id: str
    cseq: int

    @property
    def key(self) -> BindingKey:
        """What makes it the same binding at a refresh: the device (RFC 5626 section 6), or for one
        without an instance its contact.
        """
        return (self.instance, self.reg_id) if self.instance else ("", self.contact)


class TooManyContacts(Exception):
    """More devices than one person may have."""


class Bindings:
    """Every binding of this node."""

    def __init__(self, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._schedule = schedule
        self._clock = clock
        self._of_person: dict[str, dict[BindingKey, Binding]] = {}
        self._of_flow: dict[int, dict[tuple[str, BindingKey], None]] = {}
        self._timers: dict[tuple[str, BindingKey], Timer] = {}

    def change(self, aor: str, put: Iterable[Binding], remove: Iterable[BindingKey]) -> None:
        """Remove some bindings, then add or refresh others.

        Raises TooManyContacts; then nothing has changed.
        """
        adding, removing = tuple(put), frozenset(remove)
        after = (self._of_person.get(aor, {}).keys() - removing) | {b.key for b in adding}
        if len(after) > MOST_CONTACTS:
            raise TooManyContacts
        for key in removing:
            self.remove(aor, key)
        for binding in adding:
            self._put(aor, binding)

    def remove(self, aor: str, key: BindingKey) -> None:
        """Drop a binding. No error if there is none."""
        binding = self._of_person.get(aor, {}).pop(key, None)
        if binding is None:
            return
        place = (aor, key)
        if not self._of_person[aor]:
            del self._of_person[aor]
        places = self._of_flow[binding.flow]
        del places[place]
        if not places:
            del self._of_flow[binding.flow]
        self._timers.pop(place).cancel()

    def close_flow(self, flow: int) -> None:
        """A connection is gone, and its bindings with it."""
        for aor, key in list(self._of_flow.get(flow, ())):
            self.remove(aor, key)

    def lookup(self, aor: str) -> list[Binding]:
        """The bindings of a person, newest last."""
        return list(self._of_person.get(aor, {}).values())

    def lookup_gruu(self, aor: str, instance: str) -> Binding | None:
        """The newest binding of one device (`instance` as in a GRUU's `gr` parameter)."""
        for binding in reversed(self.lookup(aor)):
            if binding.instance.strip("<>") == instance:
                return binding
        return None

    def _put(self, aor: str, binding: Binding) -> None:
        self.remove(aor, binding.key)
        place = (aor, binding.key)
        self._of_person.setdefault(aor, {})[binding.key] = binding
        self._of_flow.setdefault(binding.flow, {})[place] = None
        left = binding.expires_at - self._clock()
        self._timers[place] = self._schedule(left, lambda: self.remove(*place))
