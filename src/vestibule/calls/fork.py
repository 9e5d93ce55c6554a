"""One request on its way to several devices, and the one answer that its sender gets
(RFC 3261 sections 16.7 and 16.8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from vestibule.calls.bridge import Bridge
from vestibule.calls.hang_up import hang_up
from vestibule.calls.media_keys import require_keys
from vestibule.calls.passage import Passage
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import Headers, SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import Timer, TimerWheel
from vestibule.sip.transaction import ServerTransaction

RING_SECONDS = 180.0
"""How long a call may ring: timer C of RFC 3261 section 16.6."""

_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

_TRANSLATED = {401: 403, 407: 403, 494: 403, 503: 480}
"""What a device says to us, not to the caller: it may not ask the caller for a proof (ATTACKS 2),
and that one device can't serve says nothing of the server.
"""

_SAYS_MORE = frozenset({415, 420, 484, 486, 488})
"""Answers of a person or about the request, better than that a device was not there."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a branch ended: a device's response, or our own word if there was none."""

    status: int
    response: SipMessage | None = None
    headers: Headers = ()

    @property
    def rank(self) -> tuple[int, int]:
        """The lowest is the best."""
        if self.status >= 600:
            return (0, 0)
        return (self.status // 100, 0 if self.status in _SAYS_MORE else 1)


class Cancellable(Protocol):
    """A branch that may be given up."""

    def cancel(self, reason: str | None = None) -> None:
        """Give it up, if it has not been answered."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The request as it goes down one connection. `instead`, given the status of a refusal and this fork, may
    begin something that takes the branch's place and answers to the fork's `bridge_…`. `accepted` is told of
    each 2xx that has gone on to who asked.
    """

    flow: int
    data: bytes
    instead: "Callable[[int, Fork], Bridge | None] | None" = None
    accepted: Callable[[SipMessage], None] | None = None


class Fork:
    """The branches of one request. Its sender gets one final answer, save for further 2xx."""

    def __init__(
        self,
        server: ServerTransaction,
        layer: TransactionLayer,
        passage: Passage,
        wheel: TimerWheel,
    ) -> None:
        self._server = server
        self._layer = layer
        self._passage = passage
        self._branches: list[Cancellable] = []
        self._given_up = False
        self._open = 0
        self._best: _Outcome | None = None
        self._rang_out = False
        self._timer: Timer | None = None
        self._is_invite = server.request.method == "INVITE"
        server.on_lost = self.cancel
        if self._is_invite:
            server.on_cancel = self.cancel
            server.defers_cancel = True
            server.respond(100)
            self._timer = wheel.schedule(RING_SECONDS, self._ring_out)

    def send(self, branches: list[Branch]) -> None:
        """Send the request down connections."""
        self._open = len(branches)
        for branch in branches:
            answered = partial(self._answered, branch)
            client = self._layer.send_request(branch.data, branch.flow, answered, self._failed)
            self._branches.append(client)

    def cancel(self, reason: str | None = None) -> None:
        """Give up what has not been answered yet."""
        self._given_up = True
        for branch in self._branches:
            branch.cancel(reason)

    # --- what comes back ---

    def _answered(self, branch: Branch, response: SipMessage) -> None:
        if response.status == 100:
            return
        if response.status < 200:
            self._progress(response)
        elif response.status < 300:
            self._accepted(branch, response)
        else:
            self._refused(branch, response)

    def _refused(self, branch: Branch, response: SipMessage) -> None:
        instead = None
        if branch.instead is not None and not self._given_up:
            instead = branch.instead(response.status, self)
        if instead is None:
            self._ended(_outcome_of(response))
        else:
            self._branches.append(instead)

    def _progress(self, response: SipMessage) -> None:
        try:
            require_keys(response)
        except SipRefusal:
            return  # early media without keys: the final answer decides
        if not self._rang_out:
            self._server.send(response.status, self._passage.back(response))

    def _accepted(self, branch: Branch, response: SipMessage) -> None:
        try:
            require_keys(response)
        except SipRefusal as refusal:
            hang_up(self._layer, self._passage, self._server.request, response)
            self._ended(_Outcome(self._without_keys(refusal), headers=refusal.headers))
            return
        if self._is_invite and not self._server.takes(response.status):
            hang_up(self._layer, self._passage, self._server.request, response)
            return
        self._server.send(response.status, self._passage.back(response))
        if branch.accepted is not None:
            branch.accepted(response)
        self._stop_ringing()
        self.cancel(_ELSEWHERE)

    # --- what a bridge tells (Waiting) ---

    def bridge_rings(self, status: int, headers: Headers) -> None:
        """A device rings that was called anew."""
        if not self._rang_out:
            self._server.respond(status, headers=headers)

    def bridge_accepted(self, bridge: Bridge) -> None:
        """It accepted: the caller is answered, unless it has been already."""
        if self._server.completed:
            bridge.end("Call completed elsewhere")
            return
        try:
            bridge.answer()
        except SipRefusal as refusal:
            self._ended(_Outcome(refusal.status, headers=refusal.headers))
            return
        self._stop_ringing()
        self.cancel(_ELSEWHERE)

    def bridge_failed(self, status: int, response: SipMessage | None) -> None:
        """It refused, or did not answer. What it says is about a request that the caller never made, so of a
        refusal only the status goes on.
        """
        self._ended(_Outcome(status if response is None else _outcome_of(response).status))

    def _without_keys(self, refusal: SipRefusal) -> int:
        """What the asker is told of an answer without keys. In a call it is that the call is gone, or it
        would go on alone: 481 ends a dialog (RFC 3261 section 12.2.1.2), 488 doesn't.
        """
        return 481 if self._server.request.to_tag else refusal.status

    def _failed(self, status: int, reason: str) -> None:
        self._ended(_Outcome(408 if status == 408 else 480))

    def _ended(self, outcome: _Outcome) -> None:
        self._open -= 1
        if self._best is None or outcome.rank < self._best.rank:
            self._best = outcome
        if outcome.status >= 600:
            self.cancel()
        if self._open == 0:
            self._stop_ringing()
            self._conclude(_Outcome(408) if self._rang_out else self._best)

    def _conclude(self, outcome: _Outcome) -> None:
        if outcome.response is None or outcome.status != outcome.response.status:
            self._server.respond(outcome.status, headers=outcome.headers)
        else:
            self._server.send(outcome.status, self._passage.back(outcome.response))

    def _ring_out(self) -> None:
        self._rang_out = True
        self.cancel()

    def _stop_ringing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _outcome_of(response: SipMessage) -> _Outcome:
    """A refusal. A device may not send callers elsewhere: redirection is the server's business."""
    if response.status < 400:
        return _Outcome(480)
    return _Outcome(_TRANSLATED.get(response.status, response.status), response)
