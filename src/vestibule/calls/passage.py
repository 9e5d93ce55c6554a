"""How a message changes as it passes us on its way between two people (RFC 3261 section 16.6).

Everything that is not named here stays byte for byte as it was sent.
"""

from vestibule.calls.route_token import CallRoute, RouteTokens
from vestibule.identity.principal import Principal
from vestibule.sip.message import SipMessage, address_uri
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.uri import SipUri

_ASSERTIONS = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity", "Identity-Info",
    "Diversion", "History-Info", "Referred-By",
)  # fmt: skip
"""Identities that somebody claims for themselves or others (ATTACKS 1)."""

_PROOFS = ("Authorization", "Proxy-Authorization", "Association-Proof")
"""Meant for us; the other end has no use for them but a bad one."""

_CHALLENGES = (
    "WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Proxy-Authentication-Info",
    "Association-Proof",
)  # fmt: skip
"""A device that asks for a proof would get one that was made for us (ATTACKS 2)."""

_FROM_CLIENTS = (*_ASSERTIONS, *_PROOFS)
_FROM_DEVICES = (*_ASSERTIONS, *_CHALLENGES)
_BREADTH = "Max-Breadth"


class Passage:
    """Rewrites messages between devices. `base` is our host and port in routes."""

    def __init__(self, routes: RouteTokens, base: str) -> None:
        self._routes = routes
        self._base = base

    def onward(
        self,
        message: SipMessage,
        principal: Principal,
        *,
        uri: str | None = None,
        route: CallRoute | None = None,
        breadth: int | None = None,
    ) -> bytes:
        """A request for the next hop. `route` puts us into the route of the dialog that it makes or
        renews; `breadth` is what is left to that branch of Max-Breadth (RFC 5393 section 5.3).
        """
        add = [("P-Asserted-Identity", name_address(principal))]
        if message.method == "REFER":
            add.append(("Referred-By", f"<{principal.aor}>"))
        if breadth is not None:
            add.append((_BREADTH, str(breadth)))
        return message.forwarded(
            uri=uri,
            pop_routes=self._own_routes(message),
            push_record_route=self._record_route(route, message.call_id) if route else None,
            max_forwards=message.max_forwards - 1,
            drop=_FROM_CLIENTS if breadth is None else (*_FROM_CLIENTS, _BREADTH),
            add=add,
        )

    def onward_ack(self, message: SipMessage) -> bytes:
        """An ACK for the next hop."""
        return message.forwarded(
            pop_routes=self._own_routes(message),
            max_forwards=max(message.max_forwards - 1, 0),
            drop=_FROM_CLIENTS,
        )

    def back(self, response: SipMessage) -> bytes:
        """A device's response for whoever asked."""
        return response.forwarded(pop_via=True, drop=_FROM_DEVICES)

    def route_of(self, message: SipMessage) -> CallRoute | None:
        """The call that a request's first Route says it belongs to; None if that is not ours."""
        routes = _routes(message)
        if not routes or not routes[0].user or not self._is_own(routes[0]):
            return None
        return self._routes.open(routes[0].user, message.call_id)

    def beyond_us(self, message: SipMessage) -> list[str]:
        """Record-Route values between us and who answered, in the order of a Route."""
        beyond = []
        for value in message.values("Record-Route"):
            if self._is_own(SipUri.parse(address_uri(value))):
                break
            beyond.append(value)
        return beyond[::-1]

    def _own_routes(self, message: SipMessage) -> int:
        """How many Routes there are. Raises SipRefusal (403) if one leads elsewhere."""
        routes = _routes(message)
        if not all(self._is_own(uri) for uri in routes):
            raise SipRefusal(403, "No relaying")
        return len(routes)

    def _record_route(self, route: CallRoute, call_id: str) -> str:
        return f"<sip:{self._routes.seal(route, call_id)}@{self._base};transport=tls;lr>"

    def _is_own(self, uri: SipUri) -> bool:
        port = f":{uri.port}" if uri.port else ""
        return f"{uri.host}{port}" == self._base


def breadth_left(message: SipMessage, branches: int) -> int | None:
    """What each branch of a fork may still fork; None if nobody counts. Raises SipRefusal (440)."""
    text = message.header(_BREADTH)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise SipRefusal(400, "Malformed Max-Breadth")
    if int(text) < branches:
        raise SipRefusal(440, "Max-Breadth Exceeded")
    return int(text) // branches


def _routes(message: SipMessage) -> list[SipUri]:
    return [SipUri.parse(address_uri(value)) for value in message.values("Route")]


def name_address(principal: Principal) -> str:
    """The person as proven, with the name that the directory knows."""
    name = principal.display_name.replace("\\", "\\\\").replace('"', '\\"')
    printable = "".join(character for character in name if character.isprintable())
    return f'"{printable}" <{principal.aor}>' if printable else f"<{principal.aor}>"
