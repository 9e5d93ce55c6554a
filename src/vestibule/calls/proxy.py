"""Requests between people: a forking proxy (RFC 3261 section 16) down registered connections."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from vestibule.calls.bridges import Bridges
from vestibule.calls.fork import Branch, Fork
from vestibule.calls.media_keys import require_keys
from vestibule.calls.passage import Passage, breadth_left
from vestibule.calls.referral import require_callable
from vestibule.calls.route_token import CallRoute, End, RouteTokens
from vestibule.directory.model import Person
from vestibule.identity.principal import Principal
from vestibule.registrar.bindings import Binding, Bindings
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage, tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

METHODS = ("INVITE", "MESSAGE", "OPTIONS")
"""What may reach a person outside a call. A REFER or NOTIFY out of nowhere may not (ATTACKS 14)."""

_SEIZES_A_CALL = ("Replaces", "Join")


class People(Protocol):
    """What of the directory is needed here."""

    def person(self, aor: str) -> Person | None:
        """The person with that address."""


@dataclass(frozen=True, slots=True)
class ProxyParts:
    """What the proxy works with. `route_base` is our host and port as clients reach it,
    `serves` says whether a host is one of our domains.
    """

    layer: TransactionLayer
    bindings: Bindings
    gruus: TemporaryGruus
    people: People
    wheel: TimerWheel
    routes: RouteTokens
    route_base: str
    serves: Callable[[str], bool]
    bridges: Bridges


class Proxy:
    """Sends people's requests on to people's devices."""

    def __init__(self, parts: ProxyParts) -> None:
        self._parts = parts
        self._passage = Passage(parts.routes, parts.route_base)

    # --- outside dialogs ---

    def request(self, transaction: ServerTransaction) -> None:
        """A request for a person.

        Raises SipRefusal: 403, 404, 405, 415, 420, 440, 480, 483, 488.
        """
        message = transaction.request
        principal = _proven(transaction)
        uri = SipUri.parse(message.uri)
        aor, device = self._whom(uri)
        person = self._parts.people.person(aor)
        if person is None or not person.enabled:
            raise SipRefusal(404)
        _check(message)
        _check_outside_call(message)
        require_keys(message)
        targets = self._targets(person.aor, device)
        if not targets:
            raise SipRefusal(480)
        breadth = breadth_left(message, len(targets))
        caller = self._end_of(principal.aor, transaction.flow)
        branches = []
        for target in targets:
            callee = End(person.aor, target.flow, target.instance)
            route = CallRoute(caller, callee) if message.method == "INVITE" else None
            data = self._passage.onward(
                message, principal, uri=target.contact, route=route, breadth=breadth
            )
            instead = partial(self._parts.bridges.begin, transaction, target, person.aor)
            is_call = message.method == "INVITE"
            branches.append(Branch(target.flow, data, instead if is_call else None))
        self._fork(transaction, branches)

    def _whom(self, uri: SipUri) -> tuple[str, str | None]:
        """The person that a URI stands for, and which device if it is a GRUU."""
        device = uri.param("gr")
        temporary = self._parts.gruus.read(uri.user) if device is not None else None
        return temporary or (uri.aor.lower(), device)

    def _targets(self, aor: str, device: str | None) -> list[Binding]:
        if device is None:
            return self._parts.bindings.lookup(aor)
        binding = self._parts.bindings.lookup_gruu(aor, device.strip("<>"))
        return [binding] if binding is not None else []

    # --- within dialogs ---

    def in_dialog(self, transaction: ServerTransaction) -> bool:
        """A later request of a call that we routed; False if it isn't one.

        Raises SipRefusal: 400, 403 (for who is no party to the call, for a transfer to where nobody
        here could call, for a call that would take another's place), 415, 416, 420, 483, 488.
        """
        message = transaction.request
        principal = _proven(transaction)
        route = self._passage.route_of(message)
        if route is None:
            return False
        far = route.other_than(principal.aor, transaction.flow)
        if far is None:
            raise SipRefusal(403, "Not your call")
        _check(message)
        _check_takes_no_place(message)
        if message.method == "REFER":
            require_callable(message, self._parts.serves)
        require_keys(message)
        renewed = route if message.method == "INVITE" else None
        data = self._passage.onward(message, principal, route=renewed)
        self._fork(transaction, [Branch(self._flow_of(far, message.uri), data)])
        return True

    def ack(self, message: SipMessage) -> bool:
        """The ACK to a 2xx of a call that we routed; False if it isn't one.

        An ACK can't be refused: from a stranger, or with an answer that brings no keys, it is lost.
        """
        route = self._passage.route_of(message)
        if route is None:
            return False
        for near, far in ((route.caller, route.callee), (route.callee, route.caller)):
            if self._is_at(near, message.flow):
                try:
                    require_keys(message)
                    data = self._passage.onward_ack(message)
                except SipRefusal:
                    return True
                self._parts.layer.send_ack(data, self._flow_of(far, message.uri))
                return True
        return False

    # --- ends of calls ---

    def _end_of(self, aor: str, flow: int) -> End:
        """The sender as an end of a call; which device, if it registered by this connection."""
        for binding in self._parts.bindings.lookup(aor):
            if binding.flow == flow:
                return End(aor, flow, binding.instance)
        return End(aor, flow)

    def _is_at(self, end: End, flow: int) -> bool:
        return end.flow == flow or any(
            binding.flow == flow for binding in self._parts.bindings.lookup(end.aor)
        )

    def _flow_of(self, end: End, contact: str) -> int:
        """The connection of an end; if its device came back by another one since, that one."""
        bindings = self._parts.bindings.lookup(end.aor)
        if any(binding.flow == end.flow for binding in bindings):
            return end.flow
        for binding in reversed(bindings):
            if binding.contact == contact or (end.instance and binding.instance == end.instance):
                return binding.flow
        return end.flow

    # --- sending ---

    def _fork(self, transaction: ServerTransaction, branches: list[Branch]) -> None:
        parts = self._parts
        Fork(transaction, parts.layer, self._passage, parts.wheel).send(branches)


def _check(message: SipMessage) -> None:
    """What every proxy checks first (RFC 3261 section 16.3)."""
    if message.max_forwards == 0:
        raise SipRefusal(483)
    unsupported = tokens_of(message, "Proxy-Require")
    if unsupported:
        raise SipRefusal(420, headers=(("Unsupported", ", ".join(sorted(unsupported))),))


def _check_outside_call(message: SipMessage) -> None:
    if message.method not in METHODS:
        raise SipRefusal(405, headers=(("Allow", ", ".join((*METHODS, "ACK", "CANCEL"))),))
    _check_takes_no_place(message)


def _check_takes_no_place(message: SipMessage) -> None:
    """Within a call too: the far end has others, and the tags of the request needn't be this call's."""
    if any(message.header(name) is not None for name in _SEIZES_A_CALL):
        raise SipRefusal(403, "Calls can't be taken over")


def _proven(transaction: ServerTransaction) -> Principal:
    if transaction.principal is None:
        raise SipRefusal(401)
    return transaction.principal
