"""Reads and decodes the pictures that a phone is sent: SRTP by libsrtp, VP8 by libvpx, neither of them ours."""

import base64
import re
import struct
from dataclasses import dataclass

import av
from aiortc.codecs.vpx import VpxPayloadDescriptor
from pylibsrtp import Policy, Session


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came. `timestamp` in ticks of 90 kHz."""

    first: int
    """The sequence number of its first packet."""
    last: int
    timestamp: int
    picture: int | None
    temporal: int
    octets: bytes


class Vp8Reader:
    """Of the stream that an answer to an offer of AES_CM_128_HMAC_SHA1_80 keys. Packets must come in order."""

    def __init__(self, answer: str) -> None:
        lines = answer.partition("m=video")[2]
        found = re.search(r"a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:(\S+)", lines)
        assert found, answer
        key = base64.b64decode(found[1])
        self._srtp = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND))
        self._begun: list[tuple[int, VpxPayloadDescriptor, bytes]] = []
        self.frames: list[Frame] = []

    def take(self, datagram: bytes) -> None:
        """A datagram that came; RTCP is left alone."""
        if 192 <= datagram[1] <= 223:
            return
        packet = self._srtp.unprotect(datagram)
        sequence, timestamp = struct.unpack("!HI", packet[2:8])
        descriptor, body = VpxPayloadDescriptor.parse(packet[12:])
        self._begun.append((sequence, descriptor, body))
        if packet[1] & 0x80:
            first, head, _ = self._begun[0]
            octets = b"".join(part for _, _, part in self._begun)
            temporal = head.tid[0] if head.tid else 0
            self.frames.append(Frame(first, sequence, timestamp, head.picture_id, temporal, octets))
            self._begun.clear()

    def decode(self) -> int:
        """Decode all frames; how many pictures that makes. Raises av.FFmpegError for one that lacks what it needs."""
        decoder = av.CodecContext.create("vp8", "r")
        decoder.options = {"err_detect": "explode"}
        return sum(len(decoder.decode(av.Packet(frame.octets))) for frame in self.frames)
