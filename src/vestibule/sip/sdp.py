"""Session descriptions (RFC 8866) as far as SDES phones (RFC 4568) need them, within limits.

What is malformed or too much is refused before anything acts on it (ATTACKS 13).
"""

import ipaddress
import re
from dataclasses import dataclass

from vestibule.sip.refusal import SipRefusal

_LONGEST = 64 * 1024
_MOST_LINES = 3000
"""Browsers that offer every slot and codec write some 1500 lines."""

_WITHOUT_KEYS = frozenset({("message", "SIP"), ("message", "TCP/TLS/MSRP")})
"""Media whose protocol brings its own security: messages within SIP, and MSRP over TLS."""

_SUITES = frozenset(
    f"{cipher}_{tag}"
    for cipher in ("AES_CM_128", "AES_192_CM", "AES_256_CM")
    for tag in ("HMAC_SHA1_80", "HMAC_SHA1_32")
) | {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "F8_128_HMAC_SHA1_80"}
"""SRTP suites that encrypt (RFC 4568 section 6.2, RFC 6188, RFC 7714)."""

_IN_THE_CLEAR = re.compile(r"\bNULL_|\b(?:UNENCRYPTED|UNAUTHENTICATED)_", re.IGNORECASE)
_FINGERPRINT = re.compile(
    r"sha-(?:1|224|256|384|512) [0-9A-F]{2}(?::[0-9A-F]{2}){19,63}", re.IGNORECASE
)

_MOST_MEDIA = 64
_CRYPTO = re.compile(
    r"(\d{1,9}) ([A-Za-z0-9_]{1,40}) inline:([A-Za-z0-9+/=]{1,100})(\|[^ ]*)?((?: \S+)*)"
)


class SdpError(SipRefusal):
    """A description that can't be read (400) or served (488)."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` line. `key` is the base64 of key and salt."""

    tag: str
    suite: str
    key: str
    has_mki: bool
    has_parameters: bool


@dataclass(frozen=True, slots=True)
class Codec:
    """A payload type and what it stands for; `channels` is 1 if not said."""

    payload_type: int
    name: str
    rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-line with its attributes. `address` is the IP address media should go to."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    address: str
    attributes: tuple[tuple[str, str], ...]
    bandwidth: int | None = None
    """Bits per second that may be sent there (RFC 8866 section 5.8, RFC 3890), if it is said."""

    def values(self, name: str) -> list[str]:
        """The values of an attribute."""
        return [value for key, value in self.attributes if key == name]

    def has(self, name: str) -> bool:
        """Whether an attribute is there."""
        return any(key == name for key, _ in self.attributes)

    @property
    def direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive."""
        for name in ("sendonly", "recvonly", "inactive"):
            if self.has(name):
                return name
        return "sendrecv"

    def cryptos(self) -> list[Crypto]:
        """The `a=crypto` lines that can be read, in the offerer's order."""
        found = (_CRYPTO.fullmatch(value.strip()) for value in self.values("crypto"))
        return [
            Crypto(m[1], m[2], m[3], ":" in (m[4] or ""), bool(m[5].strip()))
            for m in found
            if m is not None
        ]

    @property
    def is_active(self) -> bool:
        """Whether anything may flow: a port, or that of the medium it is bundled with (RFC 8843)."""
        return self.port != 0 or self.has("bundle-only")

    @property
    def brings_key(self) -> bool:
        """Whether it offers a fingerprint or SRTP keys, and nothing that would go in the clear."""
        values = self.values("crypto")
        if any(_IN_THE_CLEAR.search(value) for value in values):
            return False
        usable = any(crypto.suite.upper() in _SUITES for crypto in self.cryptos())
        return usable or _has_fingerprint(self.attributes)

    def codecs(self) -> list[Codec]:
        """The codecs in the offerer's order, static payload types included."""
        maps = dict(value.split(" ", 1) for value in self.values("rtpmap") if " " in value)
        codecs = []
        for text in self.formats:
            described = maps.get(text) or _STATIC.get(text)
            payload_type = _number(text, 127)
            if described is None or payload_type is None:
                continue
            name, _, rest = described.strip().partition("/")
            clock, _, channels = rest.partition("/")
            rate = _number(clock, 999_999)
            if rate is not None:
                codecs.append(Codec(payload_type, name, rate, _number(channels, 99) or 1))
        return codecs


_BANDWIDTH_UNITS = {"AS": 1000, "TIAS": 1}
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000"}


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A description: its session-level attributes and its media."""

    attributes: tuple[tuple[str, str], ...]
    media: tuple[MediaDescription, ...]

    @staticmethod
    def parse(text: str) -> "SessionDescription":
        """Read a description. Raises SdpError 400."""
        return _parse(text)

    @property
    def has_keys(self) -> bool:
        """Whether every active medium brings a key or a DTLS fingerprint (DESIGN 4.1)."""
        session = _has_fingerprint(self.attributes)
        return all(
            medium.brings_key or (session and not medium.has("crypto"))
            for medium in self.media
            if medium.is_active and (medium.kind, medium.profile) not in _WITHOUT_KEYS
        )


def _has_fingerprint(attributes: tuple[tuple[str, str], ...]) -> bool:
    """Whether a certificate's hash is there (RFC 8122)."""
    return any(
        name == "fingerprint" and _FINGERPRINT.fullmatch(value) for name, value in attributes
    )


def _parse(text: str) -> SessionDescription:
    lines = text.replace("\r\n", "\n").split("\n")
    if len(text) > _LONGEST or len(lines) > _MOST_LINES:
        raise SdpError(400, "Session description too long")
    if lines[0].rstrip() != "v=0" or any("\r" in line or "\0" in line for line in lines):
        raise SdpError(400, "Malformed session description")
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        if line:
            sections[-1].append(line)
    if len(sections) - 1 > _MOST_MEDIA:
        raise SdpError(400, "Too many media descriptions")
    address = _connection(sections[0]) or ""
    media = tuple(_medium(section, address) for section in sections[1:])
    return SessionDescription(_attributes(sections[0]), media)


def _medium(lines: list[str], session_address: str) -> MediaDescription:
    parts = lines[0][2:].split()
    if len(parts) < 4:
        raise SdpError(400, "Malformed m-line")
    kind, port, profile, *formats = parts
    number = _number(port.partition("/")[0], 65535)
    if number is None:
        raise SdpError(400, "Malformed port in m-line")
    address = _connection(lines) or session_address
    if not address and number:
        raise SdpError(400, "No connection address")
    return MediaDescription(
        kind,
        number,
        profile.upper(),
        tuple(formats),
        address,
        _attributes(lines),
        _bandwidth(lines),
    )


def _bandwidth(lines: list[str]) -> int | None:
    """The narrower of `b=AS`, which is in kilobits, and `b=TIAS`; what isn't a number says nothing."""
    said = []
    for line in lines:
        kind, _, text = line.removeprefix("b=").strip().partition(":")
        if line.startswith("b=") and kind in _BANDWIDTH_UNITS and re.fullmatch("[0-9]{1,12}", text):
            said.append(int(text) * _BANDWIDTH_UNITS[kind])
    return min(said, default=None)


def _number(text: str, most: int) -> int | None:
    """A decimal number up to a limit; None for anything else, however long."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return None
    number = int(text)
    return number if number <= most else None


def _connection(lines: list[str]) -> str | None:
    for line in lines:
        if line.startswith("c="):
            parts = line[2:].split()
            text = parts[2].partition("/")[0] if len(parts) == 3 else ""
            try:
                return str(ipaddress.ip_address(text))
            except ValueError:
                raise SdpError(400, "Malformed connection address") from None
    return None


def _attributes(lines: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = (line[2:].partition(":") for line in lines if line.startswith("a="))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)
