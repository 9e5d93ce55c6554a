"""Which calls are bridged, and how many at once."""

from collections import Counter
from functools import partial

import structlog

from vestibule.calls.bridge import Bridge, Bridged, BridgeParts, Waiting
from vestibule.calls.media_kind import kind_of
from vestibule.registrar.bindings import Binding
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction

MOST_OF_FLOW = 8
"""Bridged calls of one connection, ringing or answered: each costs a room, ports and two codecs."""

_UNLIKE = frozenset({488, 606})
"""What devices say to media that they can't take (RFC 3261 section 21.4.26, 21.6.4)."""

_log = structlog.get_logger(__name__)


class Bridges:
    """All bridged calls of this node, `most` at once; 0: none."""

    def __init__(self, parts: BridgeParts, most: int) -> None:
        self._parts = parts
        self._most = most
        self._of_flow: Counter[int] = Counter()
        self.count = 0
        """Ringing or answered."""

    def begin(
        self,
        invite: ServerTransaction,
        device: Binding,
        callee: str,
        status: int,
        waiting: Waiting,
    ) -> Bridge | None:
        """A device that this INVITE was sent to has answered with that status: call it anew, with the other kind of
        media. None if that makes no sense, or there are too many bridged calls.
        """
        kind = kind_of(invite.request)
        if status not in _UNLIKE or kind is None or invite.principal is None:
            return None
        flows = (invite.flow, device.flow)
        if self.count >= self._most or any(self._of_flow[f] >= MOST_OF_FLOW for f in flows):
            _log.info("call.not_bridged", callee=callee, reason="too many bridged calls")
            return None
        bridged = Bridged(invite, invite.principal, kind, callee, device)
        self._count(flows, 1)
        bridge = Bridge(self._parts, bridged, partial(self._count, flows, -1))
        try:
            bridge.call(waiting)
        except SipRefusal as refusal:
            _log.info("call.not_bridged", callee=callee, reason=str(refusal.headers))
            return None
        return bridge

    def _count(self, flows: tuple[int, int], change: int) -> None:
        self.count += change
        for flow in set(flows):
            self._of_flow[flow] += change
            if not self._of_flow[flow]:
                del self._of_flow[flow]
