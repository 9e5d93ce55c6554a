"""Requests between people: a forking proxy (RFC 3261 section 16) down the connections that registered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import structlog

from vestibule.calls.media_keys import require_keys
from vestibule.calls.route_token import CallRoute, End, RouteTokens
from vestibule.directory.model import Person
from vestibule.identity.principal import Principal
from vestibule.registrar.bindings import Binding, Bindings
from vestibule.sip.client_transaction import ClientTransaction
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage, address_uri, tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import Timer, TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

RING_SECONDS = 180.0
ASSERTIONS = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity", "Identity-Info",
    "Diversion", "History-Info", "Authorization", "Proxy-Authorization",
)  # fmt: skip
"""Never passed on: identities claimed by others (ATTACKS 1), and proofs meant for us."""

_DIALOG_MAKERS = frozenset({"INVITE", "SUBSCRIBE", "REFER"})
_log = structlog.get_logger(__name__)


class People(Protocol):
    """What of the directory is needed here."""

    def person(self, aor: str) -> Person | None:
        """The person with that address."""


@dataclass(frozen=True, slots=True)
class ProxyParts:
    """What the proxy works with. `route_base` is our host and port as clients reach it."""

    layer: TransactionLayer
    bindings: Bindings
    people: People
    wheel: TimerWheel
    routes: RouteTokens
    route_base: str


@dataclass(slots=True)
class _Fork:
    """One request on its way to several devices."""

    server: ServerTransaction
    branches: list[ClientTransaction] = field(default_factory=list)
    open_branches: int = 0
    best: SipMessage | None = None
    failure: int = 480
    timer: Timer | None = None
    settled: bool = False


class Proxy:
    """Sends people's requests on to people's devices."""

    def __init__(self, parts: ProxyParts) -> None:
        self._parts = parts

    # --- requests outside dialogs ---

    def request(self, transaction: ServerTransaction) -> None:
        """A request for a person. Raises SipRefusal: 404, 420, 480, 483, 488."""
        message = transaction.request
        principal = _proven(transaction)
        uri = SipUri.parse(message.uri)
        if self._parts.people.person(uri.aor) is None:
            raise SipRefusal(404)
        _check_hops(message)
        unsupported = tokens_of(message, "Proxy-Require")
        if unsupported:
            raise SipRefusal(420, headers=(("Unsupported", ", ".join(sorted(unsupported))),))
        require_keys(message)
        targets = self._targets(uri)
        if not targets:
            raise SipRefusal(480)
        self._fork(transaction, principal, uri.aor, targets)

    def _targets(self, uri: SipUri) -> list[Binding]:
        instance = uri.param("gr")
        if instance is None:
            return self._parts.bindings.lookup(uri.aor)
        binding = self._parts.bindings.lookup_gruu(uri.aor, instance)
        return [binding] if binding is not None else []

    def _fork(
        self, transaction: ServerTransaction, principal: Principal, aor: str, targets: list[Binding]
    ) -> None:
        fork = _Fork(transaction)
        if transaction.request.method == "INVITE":
            transaction.respond(100)
            transaction.on_cancel = lambda: self._cancel_all(fork)
            transaction.defers_cancel = True
            fork.timer = self._parts.wheel.schedule(RING_SECONDS, lambda: self._ring_out(fork))
        transaction.on_lost = lambda: self._cancel_all(fork)
        fork.open_branches = len(targets)
        for target in targets:
            route = CallRoute(
                End(principal.aor, transaction.flow),
                End(aor, target.flow, target.instance),
                transaction.request.call_id,
            )
            data = self._onward(transaction.request, principal, target.contact, route)
            fork.branches.append(
                self._parts.layer.send_request(
                    data,
                    target.flow,
                    lambda response: self._response(fork, response),
                    lambda status, why: self._branch_failed(fork, status),
                )
            )

    def _onward(
        self, message: SipMessage, principal: Principal, uri: str, route: CallRoute
    ) -> bytes:
        makes_dialog = message.method in _DIALOG_MAKERS
        return message.forwarded(
            uri=uri,
            pop_routes=self._own_routes(message),
            push_record_route=self._record_route(route) if makes_dialog else None,
            max_forwards=message.max_forwards - 1,
            drop=ASSERTIONS,
            add=(("P-Asserted-Identity", f"<{principal.aor}>"),),
        )

    # --- responses ---

    def _response(self, fork: _Fork, response: SipMessage) -> None:
        if response.status == 100:
            return
        if 200 <= response.status < 300:
            self._won(fork, response)
        elif response.status < 200:
            if not fork.settled:
                self._pass_back(fork, response)
        else:
            if fork.best is None or _rank(response.status) < _rank(fork.best.status):
                fork.best = response
            self._branch_done(fork)

    def _won(self, fork: _Fork, response: SipMessage) -> None:
        try:
            require_keys(response)
        except SipRefusal as refusal:
            fork.failure = refusal.status
            self._branch_done(fork)
            return
        self._pass_back(fork, response)
        self._settle(fork)
        self._cancel_all(fork, "Call completed elsewhere")

    def _branch_failed(self, fork: _Fork, status: int) -> None:
        fork.failure = 408 if status == 408 else 480
        self._branch_done(fork)

    def _branch_done(self, fork: _Fork) -> None:
        fork.open_branches -= 1
        if fork.open_branches > 0 or fork.settled:
            return
        self._settle(fork)
        if fork.best is None:
            fork.server.respond(fork.failure)
        else:
            self._pass_back(fork, fork.best)

    def _pass_back(self, fork: _Fork, response: SipMessage) -> None:
        fork.server.send(response.status, response.forwarded(pop_via=True, drop=ASSERTIONS[:7]))

    def _settle(self, fork: _Fork) -> None:
        fork.settled = True
        if fork.timer is not None:
            fork.timer.cancel()

    def _cancel_all(self, fork: _Fork, why: str = "") -> None:
        reason = f'SIP;cause=200;text="{why}"' if why else None
        for branch in fork.branches:
            branch.cancel(reason)

    def _ring_out(self, fork: _Fork) -> None:
        fork.failure = 408
        self._cancel_all(fork)

    # --- requests within dialogs ---

    def in_dialog(self, transaction: ServerTransaction) -> bool:
        """A later request of a call that we routed; False if it isn't one. Raises SipRefusal 403, 480, 483, 488."""
        message = transaction.request
        principal = _proven(transaction)
        token = self._token_of(message)
        if token is None:
            return False
        end = self._other_end(token, message, principal.aor)
        _check_hops(message)
        require_keys(message)
        fork = _Fork(transaction, open_branches=1)
        if message.method == "INVITE":
            transaction.respond(100)
            transaction.on_cancel = lambda: self._cancel_all(fork)
            transaction.defers_cancel = True
        route = self._parts.routes.open(token, message.call_id)
        data = self._within(message, principal, route if message.method == "INVITE" else None)
        fork.branches.append(
            self._parts.layer.send_request(
                data,
                end.flow,
                lambda response: self._response(fork, response),
                lambda status, why: self._branch_failed(fork, status),
            )
        )
        return True

    def ack(self, message: SipMessage) -> bool:
        """An ACK to a 2xx of a call that we routed; False if it isn't one."""
        token = self._token_of(message)
        route = self._parts.routes.open(token, message.call_id) if token else None
        if route is None:
            return False
        for near, far in ((route.caller, route.callee), (route.callee, route.caller)):
            if near.flow == message.flow:
                data = message.forwarded(
                    pop_routes=self._own_routes(message),
                    max_forwards=max(message.max_forwards - 1, 0),
                    drop=ASSERTIONS,
                )
                self._parts.layer.send_ack(data, self._live_flow(far))
                return True
        return False

    def _within(self, message: SipMessage, principal: Principal, route: CallRoute | None) -> bytes:
        return message.forwarded(
            pop_routes=self._own_routes(message),
            push_record_route=self._record_route(route) if route else None,
            max_forwards=message.max_forwards - 1,
            drop=ASSERTIONS,
            add=(("P-Asserted-Identity", f"<{principal.aor}>"),),
        )

    def _other_end(self, token: str, message: SipMessage, aor: str) -> End:
        route = self._parts.routes.open(token, message.call_id)
        end = route.other_than(aor, message.flow) if route else None
        if end is None:
            raise SipRefusal(403)
        return End(end.aor, self._live_flow(end), end.instance)

    def _live_flow(self, end: End) -> int:
        """The connection of an end; if its device registered again since, the new one."""
        bindings = self._parts.bindings.lookup(end.aor)
        if any(binding.flow == end.flow for binding in bindings) or not end.instance:
            return end.flow
        same = [b.flow for b in bindings if b.instance == end.instance]
        return same[-1] if same else end.flow

    # --- our routes ---

    def _record_route(self, route: CallRoute) -> str:
        return f"<sip:{self._parts.routes.seal(route)}@{self._parts.route_base};transport=tls;lr>"

    def _token_of(self, message: SipMessage) -> str | None:
        for uri in _routes(message)[:1]:
            if self._is_own(uri) and uri.user:
                return uri.user
        return None

    def _own_routes(self, message: SipMessage) -> int:
        count = 0
        for uri in _routes(message):
            if not self._is_own(uri):
                break
            count += 1
        return count

    def _is_own(self, uri: SipUri) -> bool:
        port = f":{uri.port}" if uri.port else ""
        return f"{uri.host}{port}" == self._parts.route_base


def _routes(message: SipMessage) -> list[SipUri]:
    return [SipUri.parse(address_uri(value)) for value in message.values("Route")]


def _check_hops(message: SipMessage) -> None:
    if message.max_forwards == 0:
        raise SipRefusal(483)


def _proven(transaction: ServerTransaction) -> Principal:
    if transaction.principal is None:
        raise SipRefusal(401)
    return transaction.principal


def _rank(status: int) -> tuple[int, int]:
    """The best answer comes first (RFC 3261 section 16.7): 6xx, then the lowest class, 4xx about the callee first."""
    if status >= 600:
        return (0, status)
    return (1, status // 100 * 1000 + (0 if status in (486, 487, 488, 415) else 1))
