"""Signs what goes to who has an association: the one place through which every message leaves.

Services and transactions know nothing of it. Answers of the native edge to what is no SIP message go out by
themselves, unsigned.
"""

from collections import Counter

import structlog

from vestibule.identity.associations import Associations
from vestibule.identity.mechanisms.association import sign
from vestibule.sip.message import MalformedMessage, Transport

_RESPONSE, _STATUS = b"SIP/2.0 ", slice(8, 11)
_log = structlog.get_logger(__name__)


class SignedFlows:
    """A transport on top of another."""

    def __init__(self, transport: Transport, associations: Associations) -> None:
        self._transport = transport
        self._associations = associations
        self.responses: Counter[str] = Counter()
        """How many left, by status."""

    def send(self, flow: int, data: bytes) -> bool:
        """Queue one whole message, signed if its receiver can tell; False if the flow is gone or full."""
        if data.startswith(_RESPONSE):
            self.responses[data[_STATUS].decode("ascii", "replace")] += 1
        association = self._associations.of_flow(flow)
        if association is None:
            return self._transport.send(flow, data)
        try:
            signed = sign(data, association)
        except MalformedMessage:
            _log.exception("signed_flows.not_signed", flow=flow)
            return False
        return self._transport.send(flow, signed)
