"""Our offer of a call to a SIP phone (SDES-SRTP), and what it chose (RFC 3264, RFC 4568).

Each suite is offered with a key of its own, AES-256-GCM first (E6, E8).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.media.phone_offer import CodecName, PhoneOffer, not_acceptable
from vestibule.media.sdes import APPROVED, KEY_OCTETS, Suite, crypto_line, key_of
from vestibule.media.session_origin import Origin
from vestibule.sip.sdp import Codec, Crypto, MediaDescription, SessionDescription

_CODECS: Mapping[int, CodecName] = {96: "opus", 9: "G722", 8: "PCMA", 0: "PCMU"}
_LINES: Mapping[int, str] = {
    96: "opus/48000/2", 9: "G722/8000", 8: "PCMA/8000", 0: "PCMU/8000",
    101: "telephone-event/8000", 102: "telephone-event/48000",
}  # fmt: skip
_KEYS_PRESSED = (101, 102)
"""Payload types of telephone events (RFC 4733), at the rates of the codecs."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """What one of our `a=crypto` lines offers."""

    suite: Suite
    key: bytes

    def __repr__(self) -> str:
        return f"OwnKey(suite={self.suite!r})"


class OwnPhoneOffer:
    """One offer, with keys drawn for it alone. `fips`: AES-GCM only."""

    def __init__(self, *, fips: bool = False) -> None:
        self.origin = Origin.drawn()
        suites = [suite for suite in KEY_OCTETS if not fips or suite in APPROVED]
        self._keys = {
            str(number): OwnKey(suite, secrets.token_bytes(KEY_OCTETS[suite]))
            for number, suite in enumerate(suites, start=1)
        }

    def write(self, address: str, port: int) -> str:
        """The offer's text, with our address and port."""
        lines = self.origin.lines(address)
        lines.append(f"m=audio {port} RTP/SAVP {' '.join(map(str, _LINES))}")
        lines += [f"a=rtpmap:{number} {codec}" for number, codec in _LINES.items()]
        lines += [f"a=fmtp:{number} 0-15" for number in _KEYS_PRESSED]
        lines += [crypto_line(tag, own.suite, own.key) for tag, own in self._keys.items()]
        lines += ["a=sendrecv", "a=ptime:20", "a=rtcp-mux"]
        return "\r\n".join(lines) + "\r\n"

    def read_answer(self, text: str) -> PhoneOffer:
        """What the phone chose. Raises SdpError: 400 if unreadable, 488 if it chose nothing that was offered."""
        description = SessionDescription.parse(text)
        medium = description.media[0] if description.media else None
        if medium is None or medium.kind != "audio" or not medium.port:
            raise not_acceptable("no audio answered")
        own, crypto, remote_key = self._chosen_key(medium)
        described, codec = _chosen_codec(medium)
        dtmf = next((c for c in medium.codecs() if c.payload_type in _KEYS_PRESSED), None)
        return PhoneOffer(
            0, description.media, codec, described, dtmf, own.suite, crypto.tag, remote_key, own.key,
            medium.address, medium.port, medium.has("rtcp-mux"), medium.direction, video=None,
        )  # fmt: skip

    def _chosen_key(self, medium: MediaDescription) -> tuple[OwnKey, Crypto, bytes]:
        """The one line of an answer repeats tag and suite of one of ours (RFC 4568 section 5.1.3)."""
        for crypto in medium.cryptos():
            own = self._keys.get(crypto.tag)
            if own is None or crypto.suite.upper() != own.suite:
                continue
            key = key_of(crypto, len(own.key))
            if key is not None and not (crypto.has_mki or crypto.has_parameters):
                return own, crypto, key
        raise not_acceptable("media without SRTP keys is not accepted")


def _chosen_codec(medium: MediaDescription) -> tuple[Codec, CodecName]:
    """The first that is ours, by our number: it is what the phone prefers, and what it will send by."""
    for codec in medium.codecs():
        name = _CODECS.get(codec.payload_type)
        if name is not None and codec.name.lower() == name.lower():
            return codec, name
    raise not_acceptable("no codec in common")
