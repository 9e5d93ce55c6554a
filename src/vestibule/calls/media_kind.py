"""How the sound of a call is to be keyed: by SDES, as SIP phones do, or by DTLS over ICE, as browsers do."""

from enum import StrEnum

from vestibule.sip.message import SipMessage
from vestibule.sip.sdp import MediaDescription, SdpError, SessionDescription


class MediaKind(StrEnum):
    """Two ends of unlike kinds can't talk to each other (RFC 4568, RFC 5763)."""

    PHONE = "phone"
    """`a=crypto`."""
    BROWSER = "browser"
    """`a=fingerprint` and ICE."""

    @property
    def other(self) -> "MediaKind":
        """The unlike one."""
        return MediaKind.BROWSER if self is MediaKind.PHONE else MediaKind.PHONE


def kind_of(message: SipMessage) -> MediaKind | None:
    """Which kind a message offers; None if it offers no sound, both kinds, or neither."""
    if message.content_type != "application/sdp":
        return None
    try:
        description = SessionDescription.parse(message.body.decode("utf-8", "replace"))
    except SdpError:
        return None
    sound = (medium for medium in description.media if medium.kind == "audio" and medium.is_active)
    medium = next(sound, None)
    if medium is None:
        return None
    by_sdes = medium.has("crypto")
    by_dtls = _says(description, medium, "fingerprint") and _says(description, medium, "ice-ufrag")
    if by_sdes == by_dtls:
        return None
    return MediaKind.PHONE if by_sdes else MediaKind.BROWSER


def _says(description: SessionDescription, medium: MediaDescription, name: str) -> bool:
    return medium.has(name) or any(key == name for key, _ in description.attributes)
