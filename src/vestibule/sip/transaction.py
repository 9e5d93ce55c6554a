"""Server transactions (RFC 3261 section 17.2): a request we were sent, and our answers to it."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from vestibule.sip.message import Headers, SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.states import (
    INVITE_SERVER,
    NON_INVITE_SERVER,
    Event,
    State,
    event_of_status,
)
from vestibule.sip.transaction_core import StatefulTransaction, TransactionHome

if TYPE_CHECKING:
    from vestibule.identity.principal import Principal

_OPEN = frozenset({State.TRYING, State.PROCEEDING})


def new_tag() -> str:
    """An unguessable tag for From or To (RFC 3261 section 19.3)."""
    return secrets.token_hex(10)


class ServerTransaction(StatefulTransaction):
    """A request and how far it has been answered.

    `on_cancel` is called when a pending INVITE is cancelled; afterwards 487 is answered, unless a
    final answer was given meanwhile, or `defers_cancel` says that it comes from elsewhere (as a
    proxy's does). `on_lost` is called when the connection ends before the final answer.
    `record_route` is put into answers from 101 to 299.
    """

    __slots__ = (
        "_to_tag",
        "defers_cancel",
        "on_cancel",
        "on_lost",
        "principal",
        "record_route",
        "request",
    )

    def __init__(
        self, home: TransactionHome, request: SipMessage, forget: Callable[[], object]
    ) -> None:
        machine = INVITE_SERVER if request.method == "INVITE" else NON_INVITE_SERVER
        super().__init__(home, machine, request.flow, forget)
        self.request = request
        self.principal: Principal | None = None
        self.on_cancel: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.defers_cancel = False
        self.record_route: str | None = None
        self._to_tag = request.to_tag

    @property
    def to_tag(self) -> str:
        """Our tag of the dialog: the request's own, or a fresh one."""
        if not self._to_tag:
            self._to_tag = new_tag()
        return self._to_tag

    @property
    def completed(self) -> bool:
        """Whether a final answer was given, or nobody waits for one any more."""
        return self.state not in _OPEN

    def respond(
        self,
        status: int,
        reason: str = "",
        *,
        headers: Headers = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> None:
        """Answer. After a final answer nothing more is sent. Raises ValueError on CR, LF or NUL."""
        if self.completed:
            return
        lines = list(headers)
        if content_type is not None:
            lines.append(("Content-Type", content_type))
        if self.record_route is not None and 100 < status < 300:
            lines.append(("Record-Route", f"<{self.record_route}>"))
        tag = None if status == 100 else self.to_tag
        self.send(
            status, self.request.response(status, reason, to_tag=tag, headers=lines, body=body)
        )

    def refuse(self, refusal: SipRefusal) -> None:
        """Answer with a refusal."""
        self.respond(refusal.status, refusal.reason, headers=refusal.headers)

    def refuse_and_forget(self, refusal: SipRefusal) -> None:
        """Answer who hasn't proven anything, and keep nothing (RFC 3261 section 8.2.7): an ACK that
        never comes would else hold the whole request for half a minute (ATTACKS 61).
        """
        self.refuse(refusal)
        self._step(Event.TIMEOUT)

    def takes(self, status: int) -> bool:
        """Whether a response of that status would still be sent."""
        return (self.state, event_of_status(status)) in self._machine.transitions

    def send(self, status: int, data: bytes) -> None:
        """Send a response that was made elsewhere, as a proxy does, if the state allows it."""
        if self._step(event_of_status(status)):
            self._home.transport.send(self.flow, data)

    # --- what the layer tells ---

    def acknowledged(self) -> bool:
        """An ACK matched: True if it was for a failure and ends here."""
        return self._step(Event.ACK)

    def cancelled(self) -> None:
        """A CANCEL matched (RFC 3261 section 9.2)."""
        if self.completed or self.request.method != "INVITE":
            return
        notice, self.on_cancel = self.on_cancel, None
        if notice is not None:
            notice()
        if not self.defers_cancel:
            self.respond(487)

    def flow_lost(self) -> None:
        """The connection it came by is gone."""
        pending = not self.completed
        self._step(Event.FLOW_LOST)
        if pending and self.on_lost is not None:
            self.on_lost()
