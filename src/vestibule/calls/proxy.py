"""Requests between people: a forking proxy (RFC 3261 section 16) down registered connections."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from vestibule.calls.attended_transfer import AttendedTransfers, Target
from vestibule.calls.bridges import Bridges
from vestibule.calls.confirmed_calls import ConfirmedCall, ConfirmedCalls, Party
from vestibule.calls.fork import Branch, Fork
from vestibule.calls.media_keys import require_keys
from vestibule.calls.passage import Passage, breadth_left
from vestibule.calls.referral import Referral, referral_of
from vestibule.calls.route_token import CallRoute, End, RouteTokens
from vestibule.directory.model import Person
from vestibule.identity.principal import Principal
from vestibule.registrar.bindings import Binding, Bindings
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage, address_uri, tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import require_own_place, takes_a_place
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

METHODS = ("INVITE", "MESSAGE", "OPTIONS")
"""What may reach a person outside a call. A REFER or NOTIFY out of nowhere may not (ATTACKS 14)."""


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
        self._confirmed = ConfirmedCalls()
        self._transfers = AttendedTransfers(self._confirmed, lambda: parts.wheel.now)

    def close_flow(self, flow: int) -> None:
        """A connection is gone: the calls over it can't be transferred any more."""
        self._confirmed.close_flow(flow)

    # --- outside dialogs ---

    def request(self, transaction: ServerTransaction) -> None:
        """A request for a person.

        Raises SipRefusal: 403, 404, 405, 415, 420, 440, 480, 483, 488.
        """
        message = transaction.request
        principal = _proven(transaction)
        target = self._target_of(SipUri.parse(message.uri))
        person = self._parts.people.person(target.aor)
        if person is None or not person.enabled:
            raise SipRefusal(404)
        _check(message)
        if message.method not in METHODS:
            raise SipRefusal(405, headers=(("Allow", ", ".join((*METHODS, "ACK", "CANCEL"))),))
        require_keys(message)
        if takes_a_place(message):
            self._replace(transaction, principal, target)
            return
        bindings = self._bindings_of(target)
        if not bindings:
            raise SipRefusal(480)
        breadth = breadth_left(message, len(bindings))
        branches = []
        for binding in bindings:
            callee = End(person.aor, binding.flow, binding.instance)
            branch = self._branch(transaction, principal, callee, binding.contact, breadth)
            if message.method == "INVITE":
                begin = self._parts.bridges.begin
                instead = partial(begin, transaction, binding, person.aor)
                branch = replace(branch, instead=instead)
            branches.append(branch)
        self._fork(transaction, branches)

    def _replace(
        self, transaction: ServerTransaction, principal: Principal, target: Target
    ) -> None:
        """A call that takes another's place goes to the device that is in that one, and to no other. It isn't
        bridged: the device would be called with another dialog, and ring.
        """
        message = transaction.request
        replacement = self._transfers.replacement(message, target, principal)
        stays = replacement.stays
        breadth = breadth_left(message, 1)
        branch = self._branch(transaction, principal, stays.end, stays.contact, breadth)
        replacement.use()
        self._fork(transaction, [branch])

    def _branch(
        self,
        transaction: ServerTransaction,
        principal: Principal,
        callee: End,
        contact: str,
        breadth: int | None,
    ) -> Branch:
        """The request as it goes to one device."""
        message = transaction.request
        route, accepted = None, None
        if message.method == "INVITE":
            route = CallRoute(self._end_of(principal.aor, transaction.flow), callee)
            accepted = partial(self._remember, message, route)
        data = self._passage.onward(message, principal, uri=contact, route=route, breadth=breadth)
        return Branch(callee.flow, data, accepted=accepted)

    def _remember(self, invite: SipMessage, route: CallRoute, accepted: SipMessage) -> None:
        """Who is in the call that a device has accepted."""
        caller = _party(route.caller, invite.from_tag, invite)
        callee = _party(route.callee, accepted.to_tag, accepted)
        if caller is not None and callee is not None:
            self._confirmed.add(ConfirmedCall(invite.call_id, caller, callee))

    def _target_of(self, uri: SipUri) -> Target:
        """The person that a URI stands for, and which device if it is a GRUU."""
        device = uri.param("gr")
        temporary = self._parts.gruus.read(uri.user) if device is not None else None
        aor, device = temporary or (uri.aor.lower(), device)
        return Target(aor, device.strip("<>") if device is not None else None)

    def _bindings_of(self, target: Target) -> list[Binding]:
        if target.device is None:
            return self._parts.bindings.lookup(target.aor)
        binding = self._parts.bindings.lookup_gruu(target.aor, target.device)
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
        require_own_place(message)  # the far end has others, and these tags needn't be this call's
        require_keys(message)
        far = replace(far, flow=self._flow_of(far, message.uri))
        renewed = route if message.method == "INVITE" else None
        data = self._passage.onward(message, principal, route=renewed)
        if message.method == "REFER":
            self._refer(referral_of(message, self._parts.serves), transaction, principal, far)
        elif message.method == "BYE":
            tags = (message.from_tag, message.to_tag)
            self._confirmed.end(message.call_id, *tags, principal.aor)
        self._fork(transaction, [Branch(far.flow, data)])
        return True

    def _refer(
        self, referral: Referral, transaction: ServerTransaction, principal: Principal, far: End
    ) -> None:
        if referral.replaces is not None:
            target = self._target_of(referral.target)
            flow = transaction.flow
            self._transfers.grant(referral.replaces, target, principal, flow, far)

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


def _party(end: End, tag: str, message: SipMessage) -> Party | None:
    """An end of a call as its own message says it; None if nobody could call it there."""
    try:
        contact = address_uri(message.header("Contact") or "")
        SipUri.parse(contact)
    except SipRefusal:
        return None
    return Party(end, tag, contact) if tag else None


def _proven(transaction: ServerTransaction) -> Principal:
    if transaction.principal is None:
        raise SipRefusal(401)
    return transaction.principal
