"""Our route in a call between two devices: signed, and saying who may use it (ATTACKS 5, 8).

The user part of our Record-Route holds the two ends (address of record and connection of each), sealed with a key of
this process. A later request of the call is taken only from one of the two people, and goes to the other.
"""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass

_SEAL_OCTETS = 16


@dataclass(frozen=True, slots=True)
class End:
    """One end of a call: whose, by which connection, and which device (its instance, "" if unknown)."""

    aor: str
    flow: int
    instance: str = ""


@dataclass(frozen=True, slots=True)
class CallRoute:
    """The two ends of a call, and the Call-ID that the route is good for."""

    caller: End
    callee: End
    call_id: str

    def other_than(self, aor: str, flow: int) -> End | None:
        """The end to which a request of this sender goes; None if the sender is no party to the call."""
        if self.caller.aor == self.callee.aor == aor:
            return self.callee if flow == self.caller.flow else self.caller
        if aor == self.caller.aor:
            return self.callee
        return self.caller if aor == self.callee.aor else None


class RouteTokens:
    """Seals and opens routes."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def seal(self, route: CallRoute) -> str:
        """The route as a URI user part."""
        fields = [
            route.caller.aor, route.caller.flow, route.caller.instance,
            route.callee.aor, route.callee.flow, route.callee.instance, route.call_id,
        ]  # fmt: skip
        text = json.dumps(fields, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._seal(text) + text).rstrip(b"=").decode()

    def open(self, token: str, call_id: str) -> CallRoute | None:
        """The route; None if it is not ours, was changed, or belongs to another call."""
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        seal, text = data[:_SEAL_OCTETS], data[_SEAL_OCTETS:]
        if not hmac.compare_digest(seal, self._seal(text)):
            return None
        fields = json.loads(text)
        route = CallRoute(End(*fields[0:3]), End(*fields[3:6]), fields[6])
        return route if route.call_id == call_id else None

    def _seal(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, "sha256")[:_SEAL_OCTETS]
