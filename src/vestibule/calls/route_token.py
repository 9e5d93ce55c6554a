"""Our route in a call between two devices: sealed, and saying who may use it (ATTACKS 5, 8).

The user part of our Record-Route holds the two ends (address of record, connection and device of
each), sealed together with the Call-ID under a key of this process (AES-256-GCM), for the far end
has no business with our connections and the near end's device. A later request of the call is taken
only from one of the two people, and goes to the other.
"""

import json
from dataclasses import dataclass

from vestibule.identity.sealed_text import SealedText


@dataclass(frozen=True, slots=True)
class End:
    """One end of a call: whose, by which connection, which device (its instance, "" if unknown)."""

    aor: str
    flow: int
    instance: str = ""


@dataclass(frozen=True, slots=True)
class CallRoute:
    """The two ends of a call."""

    caller: End
    callee: End

    def other_than(self, aor: str, flow: int) -> End | None:
        """Where a request of this sender goes; None if the sender is no party to the call."""
        if self.caller.aor == self.callee.aor == aor:
            return self.caller if flow == self.callee.flow else self.callee
        if aor == self.caller.aor:
            return self.callee
        return self.caller if aor == self.callee.aor else None


class RouteTokens:
    """Seals and opens routes."""

    def __init__(self) -> None:
        self._sealed = SealedText()

    def seal(self, route: CallRoute, call_id: str) -> str:
        """The route of a call, as a URI user part."""
        ends = [[end.aor, end.flow, end.instance] for end in (route.caller, route.callee)]
        text = json.dumps(ends, separators=(",", ":")).encode()
        return self._sealed.seal(text, call_id)

    def open(self, token: str, call_id: str) -> CallRoute | None:
        """The route; None if it is not ours, was changed, or belongs to another call."""
        text = self._sealed.open(token, call_id)
        if text is None:
            return None
        caller, callee = json.loads(text)
        return CallRoute(End(*caller), End(*callee))
