"""Whether captured UDP is what it should be: STUN, TURN, DTLS, and RTP that nobody but the ends can read.

Cipher text is recognised by what clear media never has: no octet of its payload is more likely than another. Clear
Opus, VP8 and RTCP begin alike in each packet, and clear G.711 repeats few values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.clients.capture import Capture

_NAME_SERVICES = "!dns && !mdns"
_FEW, _MANY = 8, 60  # packets of one stream: below, nothing can be said; from there on, it is sure
_HEAD = 4  # octets at the begin of each payload that are compared


@dataclass(slots=True)
class Traffic:
    """What a capture held, by kind; `clear` names streams that could be read, `other` what nobody expects."""

    stun: int = 0
    turn: int = 0
    dtls: int = 0
    protected: int = 0
    clear: list[str] = field(default_factory=list)
    other: list[bytes] = field(default_factory=list)


def traffic_of(capture: Capture) -> Traffic:
    """All UDP of a finished capture."""
    payloads = capture.fields(f"udp && {_NAME_SERVICES}", "udp.payload")
    return sort_datagrams(bytes.fromhex(payload) for payload in payloads if payload)


def assert_only_protected_media(capture: Capture, *, at_least: int) -> None:
    """All UDP was of a known kind, all media SRTP, and there were so many packets of it (E4, E9)."""
    traffic = traffic_of(capture)
    assert traffic.clear == []
    assert traffic.other == []
    assert traffic.protected >= at_least


def sort_datagrams(datagrams: Iterable[bytes]) -> Traffic:
    """Tell kinds apart by the first octet (RFC 7983), then look into each stream of RTP and RTCP."""
    traffic = Traffic()
    streams: dict[str, list[bytes]] = defaultdict(list)
    for datagram in datagrams:
        first = datagram[0]
        if first <= 3:
            traffic.stun += 1
        elif 20 <= first <= 63:
            traffic.dtls += 1
        elif 64 <= first <= 79:
            traffic.turn += 1
        elif 128 <= first <= 191 and len(datagram) >= 12:
            name, payload = _stream_and_payload(datagram)
            streams[name].append(payload)
        else:
            traffic.other.append(datagram)
    for name, payloads in streams.items():
        if looks_clear(payloads):
            traffic.clear.append(name)
        else:
            traffic.protected += len(payloads)
    return traffic


def looks_clear(payloads: Sequence[bytes]) -> bool:
    """Whether one stream's payloads are anything but cipher text."""
    if len(payloads) < _FEW:
        return False
    most = 0.2 if len(payloads) >= _MANY else 0.7
    for position in range(_HEAD):
        octets = [payload[position] for payload in payloads if len(payload) > position]
        if octets and Counter(octets).most_common(1)[0][1] / len(octets) > most:
            return True
    return _chi_square(b"".join(payloads)) > 450  # 255 expected, with a deviation of 23


def _stream_and_payload(datagram: bytes) -> tuple[str, bytes]:
    kind = datagram[1]
    if 192 <= kind <= 223:  # RFC 5761: RTCP; its head and the sender's SSRC are never encrypted
        # Of the rest, SRTCP's index is in the clear at or near its end (RFC 3711 3.4): only the begin counts.
        return f"RTCP {datagram[4:8].hex()}", datagram[8 : 8 + _HEAD]
    start = 12 + 4 * (datagram[0] & 0x0F)
    if datagram[0] & 0x10:  # a header extension, not encrypted either
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
    return f"RTP {datagram[8:12].hex()} of type {kind & 0x7F}", datagram[start:]


def _chi_square(octets: bytes) -> float:
    """Distance of the octets' distribution from an even one; 0 if there are too few to say."""
    if len(octets) < 256 * 4:
        return 0.0
    expected = len(octets) / 256
    counts = Counter(octets)
    return sum((counts[value] - expected) ** 2 / expected for value in range(256))
