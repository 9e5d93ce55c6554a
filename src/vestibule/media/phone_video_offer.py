"""The pictures in a SIP phone's offer: which m-line is served, and what is answered (RFC 3264, RFC 7741, RFC 6184).

VP8 goes before H.264 whatever the phone likes better, for rooms have VP8 and nothing needs to be transcoded.
"""

import secrets
from dataclasses import dataclass

from vestibule.media.h264_format import H264Format, choose_h264
from vestibule.media.sdes import KEY_OCTETS, Suite, choose_crypto, crypto_line
from vestibule.sip.sdp import Codec, MediaDescription

_CLOCK = 90_000
_FEEDBACK = ("nack", "nack pli", "ccm fir")
"""What a phone may ask for: lost packets (RFC 4585 section 6.2.1), keyframes (6.3.1, RFC 5104 section 4.3.1)."""
_ANSWERED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}
_ANSWERED_H264 = {"sendrecv": "sendonly", "recvonly": "sendonly"}
"""Phones' own H.264 is not taken, for nobody in the room could see it."""
_LEAST_H264 = 100_000
"""Bits per second; a phone that takes less gets no picture that were worth it."""


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
    h264: H264Format | None
    """None: VP8."""

    def __repr__(self) -> str:
        return f"VideoOffer(suite={self.suite!r}, host={self.host!r})"

    @property
    def receives(self) -> bool:
        """Whether the phone wants pictures."""
        return self.direction != "sendonly"


def choose_video(media: tuple[MediaDescription, ...], *, fips: bool) -> VideoOffer | None:
    """The first m-line of pictures that can be served in VP8, else in H.264; None, which is no error, if none can."""
    for pick in (_vp8, _h264):
        for index, medium in enumerate(media):
            if medium.kind == "video" and medium.port and "RTP/" in medium.profile:
                chosen = _choose(index, medium, pick(medium), fips=fips)
                if chosen is not None:
                    return chosen
    return None


_Picked = tuple[Codec, H264Format | None]


def _vp8(medium: MediaDescription) -> _Picked | None:
    codecs = (c for c in medium.codecs() if (c.name.upper(), c.rate) == ("VP8", _CLOCK))
    codec = next(codecs, None)
    return (codec, None) if codec and medium.direction in _ANSWERED else None


def _h264(medium: MediaDescription) -> _Picked | None:
    takes_enough = medium.bandwidth is None or medium.bandwidth >= _LEAST_H264
    if medium.direction not in _ANSWERED_H264 or not takes_enough:
        return None
    return choose_h264(medium)


def _choose(
    index: int, medium: MediaDescription, picked: _Picked | None, *, fips: bool
) -> VideoOffer | None:
    crypto = choose_crypto(medium, fips=fips)
    if crypto is None or picked is None:
        return None
    codec, h264 = picked
    return VideoOffer(
        index, codec, crypto.suite, crypto.tag, crypto.key,
        secrets.token_bytes(KEY_OCTETS[crypto.suite]), medium.address, medium.port,
        medium.has("rtcp-mux"), medium.direction, medium.bandwidth,
        _feedback(medium, codec.payload_type), h264,
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
    directions = _ANSWERED_H264 if offer.h264 else _ANSWERED
    lines = [
        f"m=video {port} {medium.profile} {number}",
        f"a=rtpmap:{number} {'H264' if offer.h264 else 'VP8'}/{_CLOCK}",
        *([f"a=fmtp:{number} {offer.h264.parameters}"] if offer.h264 else []),
        crypto_line(offer.crypto_tag, offer.suite, offer.local_key),
        f"a={directions[offer.direction]}",
        *(f"a=rtcp-fb:{number} {wish}" for wish in offer.feedback),
    ]
    if offer.rtcp_mux:
        lines.append("a=rtcp-mux")
    return lines
