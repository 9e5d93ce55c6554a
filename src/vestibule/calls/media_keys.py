"""Invariant 1 for calls: media that brings no key is refused, whatever its profile says (E4)."""

from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.sdp import SessionDescription

_SDP = "application/sdp"
_NEGOTIATING = frozenset({"INVITE", "ACK", "PRACK", "UPDATE"})
_NO_KEYS = ("Warning", '399 vestibule "media without SRTP keys is not accepted"')


def require_keys(message: SipMessage) -> None:
    """Let a request or a response pass only if the media it describes brings keys.

    Raises SipRefusal: 488 for media without keys, 400 for a description that can't be read or a body
    of no type, 415 for any other type: the far end might look into it and find media (it could be a
    multipart body, compressed, or a type spelt so that only one of us takes it for a description).
    """
    if not message.body or message.method not in _NEGOTIATING:
        return
    if message.header("Content-Type") is None:
        raise SipRefusal(400, "Body without Content-Type")
    if message.content_type != _SDP or message.header("Content-Encoding"):
        raise SipRefusal(415, headers=(("Accept", _SDP), ("Accept-Encoding", "identity")))
    description = SessionDescription.parse(message.body.decode("utf-8", "replace"))
    if not description.has_keys:
        raise SipRefusal(488, headers=(_NO_KEYS,))
