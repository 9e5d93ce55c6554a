"""The pictures in a SIP phone's offer: which m-line is served, and what is answered to it (RFC 3264, RFC 7741).

VP8 only, as in the room, for nothing is transcoded: a phone that offers H.264 alone keeps its sound.
"""

import secrets
from dataclasses import dataclass

from vestibule.media.sdes import KEY_OCTETS, Suite, choose_crypto, crypto_line
from vestibule.sip.sdp import Codec, MediaDescription

_CLOCK = 90_000
_FEEDBACK = ("nack", "nack pli", "ccm fir")
"""What a phone may ask for: lost packets (RFC 4585 section 6.2.1), keyframes (6.3.1, RFC 5104 section 4.3.1)."""
_ANSWERED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True, slots=True)
class VideoOffer:
    """What was chosen from an offered m-line."""

    index: int
    """Which m-line it is."""
    described: Codec
    suite: Suite
    crypto_tag: str
    remote_key: bytes
    local_key: bytes
    host: str
    port: int
    rtcp_mux: bool
    direction: str
    bandwidth: int | None
    """Bits per second that the phone says it takes."""
    feedback: tuple[str, ...]
    """What it may ask for by RTCP."""

    def __repr__(self) -> str:
        return f"VideoOffer(suite={self.suite!r}, host={self.host!r})"

    @property
    def receives(self) -> bool:
        """Whether the phone wants pictures."""
        return self.direction != "sendonly"


def choose_video(media: tuple[MediaDescription, ...], *, fips: bool) -> VideoOffer | None:
    """The first m-line of pictures that can be served; None if there is none, which is no error."""
    for index, medium in enumerate(media):
        if medium.kind == "video" and medium.port and "RTP/" in medium.profile:
            chosen = _choose(index, medium, fips=fips)
            if chosen is not None:
                return chosen
    return None


def _choose(index: int, medium: MediaDescription, *, fips: bool) -> VideoOffer | None:
    crypto = choose_crypto(medium, fips=fips)
    codecs = (c for c in medium.codecs() if (c.name.upper(), c.rate) == ("VP8", _CLOCK))
    codec = next(codecs, None)
    if crypto is None or codec is None or medium.direction not in _ANSWERED:
        return None
    return VideoOffer(
        index, codec, crypto.suite, crypto.tag, crypto.key,
        secrets.token_bytes(KEY_OCTETS[crypto.suite]), medium.address, medium.port,
        medium.has("rtcp-mux"), medium.direction, medium.bandwidth,
        _feedback(medium, codec.payload_type),
    )  # fmt: skip


def _feedback(medium: MediaDescription, payload_type: int) -> tuple[str, ...]:
    offered = {
        wish.strip()
        for codec, _, wish in (value.partition(" ") for value in medium.values("rtcp-fb"))
        if codec in ("*", str(payload_type))
    }
    return tuple(wish for wish in _FEEDBACK if wish in offered)


def answer_video(offer: VideoOffer, medium: MediaDescription, port: int) -> list[str]:
    """The lines of the answer, with our port."""
    number = offer.described.payload_type
    lines = [
        f"m=video {port} {medium.profile} {number}",
        f"a=rtpmap:{number} VP8/{_CLOCK}",
        crypto_line(offer.crypto_tag, offer.suite, offer.local_key),
        f"a={_ANSWERED[offer.direction]}",
        *(f"a=rtcp-fb:{number} {wish}" for wish in offer.feedback),
    ]
    if offer.rtcp_mux:
        lines.append("a=rtcp-mux")
    return lines
