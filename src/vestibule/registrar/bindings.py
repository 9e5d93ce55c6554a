"""Where people can be reached: bindings of addresses of record to connections (RFC 3261 section 10, RFC 5626).

All in memory: a lost node loses them, and devices register again within their refresh. A binding is reached down
the connection that registered it and dies with that connection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_CONTACTS = 10


class Timer(Protocol):
    """Something scheduled."""

    def cancel(self) -> None:
        """Call it off."""


Schedule = Callable[[float, Callable[[], None]], Timer]


@dataclass(frozen=True, slots=True)
class Binding:
    """One device's place. `expires_at` in the seconds of the caller's clock; `gruu` as RFC 5627 has it."""

    contact: str
    flow: int
    instance: str
    """The device's `+sip.instance`, such as `<urn:uuid:…>`; "" if it has none."""
    reg_id: str
    gruu: str
    expires_at: float
    call_id: str
    cseq: int

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same binding at a refresh (RFC 5626 section 6): instance and reg-id, or contact."""
        return (self.instance, self.reg_id) if self.instance and self.reg_id else ("", self.contact)


class TooManyContacts(Exception):
    """More devices than one person may have."""


class Bindings:
    """Every binding of this node."""

    def __init__(self, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._schedule = schedule
        self._clock = clock
        self._of_person: dict[str, dict[tuple[str, str], Binding]] = {}
        self._of_flow: dict[int, set[tuple[str, tuple[str, str]]]] = {}
        self._timers: dict[tuple[str, tuple[str, str]], Timer] = {}

    def put(self, aor: str, binding: Binding) -> None:
        """Add or refresh a binding. Raises TooManyContacts."""
        bindings = self._of_person.setdefault(aor, {})
        if binding.key not in bindings and len(bindings) >= MOST_CONTACTS:
            raise TooManyContacts
        self.remove(aor, binding.key)
        place = (aor, binding.key)
        self._of_person.setdefault(aor, {})[binding.key] = binding
        self._of_flow.setdefault(binding.flow, set()).add(place)
        left = binding.expires_at - self._clock()
        self._timers[place] = self._schedule(left, lambda: self.remove(*place))

    def remove(self, aor: str, key: tuple[str, str]) -> None:
        """Drop a binding. No error if there is none."""
        bindings = self._of_person.get(aor, {})
        binding = bindings.pop(key, None)
        if binding is None:
            return
        if not bindings:
            del self._of_person[aor]
        places = self._of_flow.get(binding.flow, set())
        places.discard((aor, key))
        if not places:
            self._of_flow.pop(binding.flow, None)
        timer = self._timers.pop((aor, key), None)
        if timer is not None:
            timer.cancel()

    def close_flow(self, flow: int) -> None:
        """A connection is gone, and its bindings with it."""
        for aor, key in list(self._of_flow.get(flow, ())):
            self.remove(aor, key)

    def lookup(self, aor: str) -> list[Binding]:
        """The bindings of a person, newest last."""
        return list(self._of_person.get(aor, {}).values())

    def lookup_gruu(self, aor: str, instance: str) -> Binding | None:
        """The binding of one device (`instance` as in a GRUU's `gr` parameter)."""
        for binding in self.lookup(aor):
            if binding.instance.strip("<>") == instance:
                return binding
        return None
