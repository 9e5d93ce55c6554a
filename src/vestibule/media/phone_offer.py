"""A SIP phone's offer (SDES-SRTP) answered: which codec, which keys, and the answer's text (RFC 3264, RFC 4568).

Our own keys are drawn anew for each call (E8). Pictures are phone_video_offer.py's.
"""

import secrets
from dataclasses import dataclass
from typing import Literal

from vestibule.media.phone_video_offer import VideoOffer, answer_video, choose_video
from vestibule.media.sdes import KEY_OCTETS, Suite, choose_crypto, crypto_line
from vestibule.media.session_origin import Origin
from vestibule.sip.sdp import Codec, MediaDescription, SdpError, SessionDescription

CodecName = Literal["opus", "G722", "PCMU", "PCMA"]

_CODECS: dict[tuple[str, int], CodecName] = {
    ("opus", 48000): "opus",
    ("g722", 8000): "G722",
    ("pcmu", 8000): "PCMU",
    ("pcma", 8000): "PCMA",
}


@dataclass(frozen=True, slots=True)
class PhoneOffer:
    """What was chosen from an offer."""

    index: int
    """Which m-line is served; the others are refused."""
    media: tuple[MediaDescription, ...]
    codec: CodecName
    described: Codec
    dtmf: Codec | None
    suite: Suite
    crypto_tag: str
    remote_key: bytes
    local_key: bytes
    host: str
    port: int
    rtcp_mux: bool
    direction: str
    video: VideoOffer | None
    """Pictures too, if they can be served."""

    def __repr__(self) -> str:
        return f"PhoneOffer(codec={self.codec!r}, suite={self.suite!r}, host={self.host!r})"


def read_phone_offer(text: str, *, fips: bool = False) -> PhoneOffer:
    """Choose from an offer; with `fips` AES-GCM only.

    Raises SdpError: 400 if unreadable, 488 if nothing in it can be served.
    """
    description = SessionDescription.parse(text)
    for index, medium in enumerate(description.media):
        if medium.kind == "audio" and medium.port and "RTP/" in medium.profile:
            return _choose(index, medium, description.media, fips=fips)
    raise not_acceptable("no audio offered")


def _choose(
    index: int, medium: MediaDescription, media: tuple[MediaDescription, ...], *, fips: bool
) -> PhoneOffer:
    crypto = choose_crypto(medium, fips=fips)
    if crypto is None:
        raise not_acceptable("media without SRTP keys is not accepted")
    codecs = medium.codecs()
    names = [(c, _CODECS.get((c.name.lower(), c.rate))) for c in codecs]
    served = next(((codec, name) for codec, name in names if name is not None), None)
    if served is None:
        raise not_acceptable("no codec in common")
    described, codec = served
    dtmf = next((c for c in codecs if c.name.lower() == "telephone-event"), None)
    return PhoneOffer(
        index, media, codec, described, dtmf, crypto.suite, crypto.tag, crypto.key,
        secrets.token_bytes(KEY_OCTETS[crypto.suite]), medium.address, medium.port,
        medium.has("rtcp-mux"), medium.direction, choose_video(media, fips=fips),
    )  # fmt: skip


def write_answer(
    offer: PhoneOffer,
    address: str,
    port: int,
    video_port: int | None = None,
    *,
    origin: Origin | None = None,
) -> str:
    """The answer, with our address and ports: as many m-lines as were offered, in their order, those that aren't
    served with port 0 (RFC 3264 section 6). Without `video_port` pictures aren't. `origin`: of the session, if this
    isn't its first description.
    """
    lines = (origin or Origin.drawn()).lines(address)
    for index, medium in enumerate(offer.media):
        if index == offer.index:
            lines += _served(offer, medium, port)
        elif offer.video and index == offer.video.index and video_port is not None:
            lines += answer_video(offer.video, medium, video_port)
        else:
            lines.append(f"m={medium.kind} 0 {medium.profile} {medium.formats[0]}")
    return "\r\n".join(lines) + "\r\n"


def _served(offer: PhoneOffer, medium: MediaDescription, port: int) -> list[str]:
    codec = offer.described
    channels = "/2" if offer.codec == "opus" and codec.channels == 2 else ""
    formats = [str(codec.payload_type), *([str(offer.dtmf.payload_type)] if offer.dtmf else [])]
    lines = [
        f"m=audio {port} {medium.profile} {' '.join(formats)}",
        f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}{channels}",
        crypto_line(offer.crypto_tag, offer.suite, offer.local_key),
        f"a={_ANSWERED[offer.direction]}",
        "a=ptime:20",
    ]
    if offer.dtmf is not None:
        number = offer.dtmf.payload_type
        lines += [f"a=rtpmap:{number} telephone-event/{offer.dtmf.rate}", f"a=fmtp:{number} 0-15"]
    if offer.rtcp_mux:
        lines.append("a=rtcp-mux")
    return lines


_ANSWERED = {
    "sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive",
}  # fmt: skip


def not_acceptable(why: str) -> SdpError:
    """488, and why."""
    return SdpError(488, headers=(("Warning", f'399 vestibule "{why}"'),))
