"""Invariant 1 for calls: media that brings no key is refused, whatever its profile line says (E4)."""

from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.sdp import SessionDescription


def require_keys(message: SipMessage) -> None:
    """Raises SipRefusal 488 if a description offers or answers media without a key, 400 if unreadable."""
    if message.content_type != "application/sdp" or not message.body:
        return
    description = SessionDescription.parse(message.body.decode("utf-8", "replace"))
    if not description.has_keys:
        raise SipRefusal(
            488,
            headers=(("Warning", '399 vestibule "media without SRTP keys is not accepted"'),),
        )
