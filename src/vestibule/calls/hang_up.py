"""Ending a call that a device has just accepted, but that its caller can't have.

A 2xx can't be refused: the device believes itself in a call until somebody acknowledges and says
BYE. We do, in the caller's place, when the answer brings no keys or the caller is gone.
"""

from vestibule.calls.passage import Passage
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage, address_uri, build_request


def hang_up(
    layer: TransactionLayer, passage: Passage, invite: SipMessage, accepted: SipMessage
) -> None:
    """Acknowledge and end the call of `accepted`, a 2xx to the INVITE that came from the caller."""
    contact = accepted.header("Contact")
    target = address_uri(contact) if contact else invite.uri
    routes = [("Route", value) for value in passage.beyond_us(accepted)]

    def in_call(method: str, cseq: int) -> bytes:
        lines = [
            *routes,
            ("Max-Forwards", "70"),
            ("From", invite.header("From") or ""),
            ("To", accepted.header("To") or ""),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        return build_request(method, target, lines)

    layer.send_ack(in_call("ACK", invite.cseq), accepted.flow)
    layer.send_request(
        in_call("BYE", invite.cseq + 1), accepted.flow, lambda response: None, _unanswered
    )


def _unanswered(status: int, reason: str) -> None:
    """A device that does not even answer a BYE is in no call."""
