"""How a message becomes an act (DESIGN 8): batches from the edge, transactions, proof, then dialog or service.

Every step is one call deep and none reaches back. Nothing here waits: a handler that must wait for the store answers
later by its transaction.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from vestibule._native import (
    ConnectFailed,
    Edge,
    FlowClosed,
    FlowEnding,
    FlowOpened,
    MessageRefused,
    SipMessage,
)
from vestibule.edge.flows import Flow, Flows
from vestibule.edge.server_certificate import UntrustedServer
from vestibule.edge.shares import Rates, share_of
from vestibule.identity.principal import Principal
from vestibule.identity.proof import Proof
from vestibule.identity.sign_in_limits import TokenBuckets
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, NoNotes, Note, Notes
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import Router
from vestibule.sip.timers import RESOLUTION, TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

if TYPE_CHECKING:
    from vestibule._native import EdgeEvent

UNDERSTOOD = frozenset({"gruu", "outbound", "path", "timer", "replaces"})
"""Option tags that a request may require of us or of the other end through us."""

MOST_SENDERS = 16
"""People (or sign-ins of one) on one connection: a desk phone has some lines, no more."""

_BEGIN_DIALOGS = frozenset({"INVITE", "SUBSCRIBE", "REFER"})
_log = structlog.get_logger(__name__)


class CallRouting(Protocol):
    """What routes later requests of calls between people."""

    def in_dialog(self, transaction: ServerTransaction) -> bool:
        """Send it on; False if it belongs to no call of ours. Raises SipRefusal."""

    def ack(self, message: SipMessage) -> bool:
        """The same for an ACK."""


@dataclass(frozen=True, slots=True)
class ReceptionParts:
    """What reception works with."""

    edge: Edge
    flows: Flows
    wheel: TimerWheel
    proof: Proof
    dialogs: DialogTable
    router: Router
    calls: CallRouting
    on_flow_closed: Callable[[int], None]
    notes: Notes = field(default_factory=NoNotes)
    rates: Rates = field(default_factory=Rates)


class Reception:
    """Drains the edge and drives the timer wheel."""

    def __init__(self, parts: ReceptionParts, layer: TransactionLayer) -> None:
        self._parts = parts
        self._layer = layer
        self._tick: asyncio.TimerHandle | None = None
        self._begun = TokenBuckets(parts.rates.new_dialogs)
        self._senders: dict[int, set[Principal]] = {}
        """Everybody who was proven on each connection: a shared one ends with the first who must go."""

    def start(self) -> None:
        """Begin to take events in this event loop."""
        asyncio.get_running_loop().add_reader(self._parts.edge.fileno(), self._drain)
        self._advance()

    def stop(self) -> None:
        """Take no more."""
        asyncio.get_running_loop().remove_reader(self._parts.edge.fileno())
        if self._tick is not None:
            self._tick.cancel()

    def close_unwelcome(self) -> None:
        """End the connections of people, devices and servers that may not be here any more (ATTACKS 73)."""
        for untrusted in self._parts.flows.untrusted():
            self._parts.edge.close_flow(untrusted.id, "no longer a trusted server")
        stands = self._parts.proof.stands
        for flow, senders in list(self._senders.items()):
            gone = next((sender for sender in senders if not stands(sender)), None)
            if gone is not None:
                _log.info("reception.unwelcome", aor=gone.aor, mechanism=gone.mechanism)
                self._parts.edge.close_flow(flow, "access ended")
                self._note(Kind.ACCESS_ENDED, flow, gone, subject=gone.aor)

    # --- events ---

    def _drain(self) -> None:
        for event in self._parts.edge.drain():
            self._guarded(partial(self._take, event))

    def _guarded(self, step: Callable[[], object]) -> None:
        """Do something whose failure must not be the next one's."""
        try:
            step()
        except Exception:
            _log.exception("reception.event_failed")

    def _take(self, event: "EdgeEvent") -> None:
        if isinstance(event, SipMessage):
            self._receive(event)
        elif isinstance(event, FlowOpened):
            self._open(event)
        elif isinstance(event, FlowEnding):  # all that came before has been answered by now
            self._parts.edge.close_flow(event.flow, event.reason)
        elif isinstance(event, FlowClosed):
            self._close(event.flow)
        elif isinstance(event, MessageRefused):
            _log.info("reception.refused", status=event.status, reason=event.reason)
        elif isinstance(event, ConnectFailed):
            self._layer.close_flow(event.flow)

    def _receive(self, message: SipMessage) -> None:
        """A message goes nowhere before its proof was looked at: an ACK, a CANCEL and a response have none other."""
        flow = self._parts.flows.get(message.flow)
        if flow is None:  # refused at its opening; what it had sent already counts for nothing
            return
        try:
            self._parts.proof.arrive(message, flow)
        except SipRefusal as refusal:
            self._layer.refuse(message, refusal)
            return
        self._layer.receive(message)

    def _open(self, event: FlowOpened) -> None:
        try:
            flow = self._parts.flows.open(event)
        except ValueError:
            _log.warning("reception.certificate_unreadable", peer=event.peer_host)
            self._parts.edge.close_flow(event.flow, "certificate unreadable")
            return
        except UntrustedServer as server:
            self._refuse_server(event, server)
            return
        self._layer.open_flow(flow.id, event.transport.upper())

    def _refuse_server(self, event: FlowOpened, server: UntrustedServer) -> None:
        _log.warning("reception.server_not_trusted", peer=event.peer_host, names=str(server))
        self._parts.edge.close_flow(event.flow, "not a trusted server")
        self._parts.notes.note(
            Note(
                Kind.TRUSTED_SERVER_REFUSED,
                subject=str(server),
                address=event.peer_host,
                mechanism="certificate",
            )
        )

    def _close(self, flow: int) -> None:
        """Everybody who had to do with a connection learns that it is gone."""
        parts = self._parts
        for dialog, user in parts.dialogs.of_flow(flow):
            if dialog in parts.dialogs:  # one dialog's end may be another's
                self._guarded(partial(user.on_flow_closed, dialog))
                parts.dialogs.remove(dialog)
        for step in (
            self._layer.close_flow,
            parts.on_flow_closed,
            parts.proof.forget,
            parts.flows.close,
        ):
            self._guarded(partial(step, flow))
        self._senders.pop(flow, None)

    def _advance(self) -> None:
        try:
            self._parts.wheel.advance(time.monotonic())
        except ExceptionGroup:
            _log.exception("reception.timer_failed")
        self._tick = asyncio.get_running_loop().call_later(RESOLUTION, self._advance)

    # --- what the transaction layer hands up ---

    def request(self, transaction: ServerTransaction) -> None:
        """A new request: prove it, then find who serves it."""
        try:
            self._serve(transaction)
        except SipRefusal as refusal:
            sender = transaction.principal
            if sender is None:
                transaction.refuse_and_forget(refusal)
                return
            if refusal.status == 403:  # proven, but not allowed
                method = transaction.request.method
                self._note(Kind.REQUEST_REFUSED, transaction.flow, sender, sender.aor, method)
            transaction.refuse(refusal)
        except Exception:  # whatever went wrong is ours; the sender gets an answer, we get a trace
            _log.exception("reception.failed", method=transaction.request.method)
            transaction.respond(500)

    def ack(self, message: SipMessage) -> None:
        """An ACK to a 2xx: never answered, taken only by the dialog it belongs to."""
        found = self._parts.dialogs.find(message)
        if found is not None and found[0].flow == message.flow:
            found[1].on_ack(found[0], message)
        elif found is None:
            self._parts.calls.ack(message)

    def _note(
        self,
        kind: Kind,
        flow: int,
        sender: Principal,
        actor: str | None = None,
        method: str | None = None,
        subject: str | None = None,
    ) -> None:
        facts = self._parts.flows.get(flow)
        self._parts.notes.note(
            Note(
                kind,
                tenant=sender.tenant,
                actor=actor,
                subject=subject,
                address=facts.host if facts else None,
                mechanism=sender.mechanism.value,
                details={Detail.METHOD: method} if method else {},
            )
        )

    def _serve(self, transaction: ServerTransaction) -> None:
        message = transaction.request
        flow = self._parts.flows.get(transaction.flow)
        if flow is None:
            return
        kind = self._parts.router.kind(SipUri.parse(message.uri))
        principal = self._parts.proof.prove(message, flow, kind)
        self._remember(flow, principal)
        transaction.principal = principal
        missing = tokens_of(message, "Require") - UNDERSTOOD
        if missing:
            raise SipRefusal(420, headers=(("Unsupported", ", ".join(sorted(missing))),))
        if message.to_tag:
            self._serve_in_dialog(transaction, principal)
            return
        if message.method in _BEGIN_DIALOGS:
            self._require_patience(principal, flow)
        self._layer.accept(transaction)
        self._parts.router.find(transaction, kind)(transaction)

    def _remember(self, flow: Flow, principal: Principal) -> None:
        senders = self._senders.setdefault(flow.id, set())
        if principal in senders:
            return
        if not senders:
            self._parts.edge.prove_flow(flow.id)
        if len(senders) >= MOST_SENDERS:
            raise SipRefusal(403, "Too many people on one connection")
        senders.add(principal)
        share = share_of(principal, flow.host, self._parts.rates)
        if share is not None:
            self._parts.edge.share_flow(
                flow.id, share.kind, share.holder, share.messages_per_second
            )

    def _require_patience(self, principal: Principal, flow: Flow) -> None:
        share = share_of(principal, flow.host, self._parts.rates)
        if share is None or share.kind == "partner":
            return
        now = self._parts.wheel.now
        wait = self._begun.wait(share.holder, now)
        if wait > 0:
            raise SipRefusal(503, headers=(("Retry-After", str(int(wait) + 1)),))
        self._begun.take(share.holder, now)

    def _serve_in_dialog(self, transaction: ServerTransaction, principal: Principal) -> None:
        found = self._parts.dialogs.find(transaction.request)
        if found is None:
            if not self._parts.calls.in_dialog(transaction):
                raise SipRefusal(481)
            return
        dialog, user = found
        owner = dialog.principal
        if owner is None or not owner.same_sender(principal) or dialog.flow != transaction.flow:
            raise SipRefusal(403)
        dialog.accept(transaction.request)
        user.on_request(dialog, transaction)
