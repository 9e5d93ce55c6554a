"""Invariant 1 for calls: media that brings no key is refused, whatever its profile says (E4)."""

from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.sdp import SessionDescription

_SDP = "application/sdp"
_NEGOTIATING = frozenset({"INVITE", "ACK", "PRACK", "UPDATE"})
_NO_KEYS = ("Warning", '399 vestibule "media without SRTP keys is not accepted"')


def require_keys(message: SipMessage) -> None:
    """Let a request or a response pass only if the media it describes brings keys.

    Raises SipRefusal: 488 for media without keys, 400 for a description that can't be read, 415 for
    one wrapped so that we would not see it (in a multipart body, or compressed).
    """
    if not message.body or message.method not in _NEGOTIATING:
        return
    if message.content_type.startswith("multipart/") or message.header("Content-Encoding"):
        raise SipRefusal(415, headers=(("Accept", _SDP), ("Accept-Encoding", "identity")))
    if message.content_type != _SDP:
        return
    description = SessionDescription.parse(message.body.decode("utf-8", "replace"))
    if not description.has_keys:
        raise SipRefusal(488, headers=(_NO_KEYS,))
