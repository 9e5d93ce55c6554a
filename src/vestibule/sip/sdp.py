"""Session descriptions (RFC 8866) as far as SDES phones need them (RFC 4568), with limits (ATTACKS 13)."""

import ipaddress
import re
from dataclasses import dataclass

from vestibule.sip.refusal import SipRefusal

_LONGEST = 16 * 1024
_MOST_LINES = 500
_MOST_MEDIA = 64
_CRYPTO = re.compile(
    r"(\d{1,9}) ([A-Za-z0-9_]{1,40}) inline:([A-Za-z0-9+/=]{1,100})(\|[^ ]*)?((?: \S+)*)"
)


class SdpError(SipRefusal):
    """A description that can't be read (400) or served (488)."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` line: tag, suite, the base64 of key and salt, and whether it has session parameters."""

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

    def codecs(self) -> list[Codec]:
        """The codecs in the offerer's order, static payload types included."""
        maps = dict(value.split(" ", 1) for value in self.values("rtpmap") if " " in value)
        codecs = []
        for number in self.formats:
            described = maps.get(number) or _STATIC.get(number)
            if described is None or not number.isdecimal() or int(number) > 127:
                continue
            name, _, rest = described.strip().partition("/")
            rate, _, channels = rest.partition("/")
            if rate.isdecimal() and len(rate) < 7:
                count = int(channels) if channels.isdecimal() and len(channels) < 3 else 1
                codecs.append(Codec(int(number), name, int(rate), count))
        return codecs


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
        session = any(name == "fingerprint" for name, _ in self.attributes)
        return all(
            session or medium.has("fingerprint") or medium.has("crypto")
            for medium in self.media
            if medium.port != 0 and "RTP/" in medium.profile
        )


def _parse(text: str) -> SessionDescription:
    lines = text.replace("\r\n", "\n").split("\n")
    if len(text) > _LONGEST or len(lines) > _MOST_LINES:
        raise SdpError(400, "Session description too long")
    if not lines[0].startswith("v=0"):
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
    port = port.partition("/")[0]
    if not port.isdecimal() or int(port) > 65535:
        raise SdpError(400, "Malformed port in m-line")
    address = _connection(lines) or session_address
    if not address and int(port):
        raise SdpError(400, "No connection address")
    return MediaDescription(
        kind, int(port), profile.upper(), tuple(formats), address, _attributes(lines)
    )


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
