"""Client transactions (RFC 3261 section 17.1): a request of ours, and what comes back."""

from collections.abc import Callable

from vestibule.sip.message import SipMessage, build_request, parse_sip
from vestibule.sip.states import (
    INVITE_CLIENT,
    NON_INVITE_CLIENT,
    TRANSACTION_SECONDS,
    Event,
    State,
    event_of_status,
)
from vestibule.sip.transaction_core import StatefulTransaction, TransactionHome

_OPEN = frozenset({State.CALLING, State.TRYING, State.PROCEEDING})


class ClientTransaction(StatefulTransaction):
    """A request that was sent.

    Each response that matters goes to `on_response`, also further 2xx of a forked INVITE; if no
    final one comes, `on_failure` gets 408 (nobody answered in time) or 503 (the connection is gone)
    and why.
    """

    __slots__ = (
        "_cancel_reason",
        "_data",
        "_on_failure",
        "_on_response",
        "_send_cancel",
        "_wants_cancel",
        "branch",
        "method",
    )

    def __init__(
        self,
        home: TransactionHome,
        data: bytes,
        method: str,
        branch: str,
        flow: int,
        *,
        on_response: Callable[[SipMessage], None],
        on_failure: Callable[[int, str], None],
        send_cancel: Callable[[bytes, str, int], None],
        forget: Callable[[], object],
    ) -> None:
        machine = INVITE_CLIENT if method == "INVITE" else NON_INVITE_CLIENT
        super().__init__(home, machine, flow, forget)
        self.method = method
        self.branch = branch
        self._data = data
        self._on_response = on_response
        self._on_failure = on_failure
        self._send_cancel = send_cancel
        self._wants_cancel = False
        self._cancel_reason: str | None = None

    @property
    def completed(self) -> bool:
        """Whether the final response came, or none is waited for any more."""
        return self.state not in _OPEN

    @property
    def request(self) -> SipMessage:
        """What was sent."""
        return parse_sip(self._data)

    def cancel(self, reason: str | None = None) -> None:
        """Give an INVITE up (RFC 3261 section 9.1): as soon as the other side is known to have it.
        `reason` is a Reason header's value (RFC 3326). The final response still comes.
        """
        if self.completed or self._wants_cancel or self.method != "INVITE":
            return
        self._wants_cancel = True
        self._cancel_reason = reason
        if self.state is State.PROCEEDING:
            self._cancel_now()

    # --- what the layer tells ---

    def received(self, response: SipMessage) -> None:
        """A response matched."""
        before = self.state
        if not self._step(event_of_status(response.status)):
            return
        if response.status >= 300 and self.method == "INVITE":
            self._home.transport.send(self.flow, self._ack(response))
        if before is State.CALLING and self.state is State.PROCEEDING and self._wants_cancel:
            self._cancel_now()
        self._on_response(response)

    def failed_to_send(self) -> None:
        """The connection did not take it."""
        self._fail(Event.FLOW_LOST, 503, "connection lost")

    def flow_lost(self) -> None:
        """The connection it went by is gone."""
        self._fail(Event.FLOW_LOST, 503, "connection lost")

    def _timed_out(self) -> None:
        self._fail(Event.TIMEOUT, 408, "no answer")

    def _fail(self, event: Event, status: int, why: str) -> None:
        pending = not self.completed
        self._step(event)
        if pending:
            self._on_failure(status, why)

    # --- inside ---

    def _cancel_now(self) -> None:
        sent = self.request
        headers = [*self._copied(sent), ("To", sent.header("To") or "")]
        headers.append(("CSeq", f"{sent.cseq} CANCEL"))
        if self._cancel_reason is not None:
            headers.append(("Reason", self._cancel_reason))
        self._send_cancel(build_request("CANCEL", sent.uri, headers), self.branch, self.flow)
        self._set_deadline(TRANSACTION_SECONDS)

    def _ack(self, response: SipMessage) -> bytes:
        """The ACK to a failure is part of the INVITE's transaction (RFC 3261 section 17.1.1.3)."""
        sent = self.request
        headers = [*self._copied(sent), ("To", response.header("To") or "")]
        headers.append(("CSeq", f"{sent.cseq} ACK"))
        return build_request("ACK", sent.uri, headers)

    @staticmethod
    def _copied(sent: SipMessage) -> list[tuple[str, str]]:
        headers = [
            ("Via", sent.values("Via")[0]),
            ("Max-Forwards", "70"),
            ("From", sent.header("From") or ""),
            ("Call-ID", sent.call_id),
        ]
        return headers + [("Route", value) for value in sent.headers("Route")]
