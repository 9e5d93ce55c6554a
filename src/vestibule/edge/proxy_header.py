"""The PROXY protocol's binary header, version 2, as the native edge writes it (no I/O).

Sixteen octets: a signature, version and command, address family, length of what follows. Then
source and destination address and port, then type-length-value fields, of which one is ours: 0xE0,
the DER of the client's verified certificate.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = struct.Struct("!12sBBH")
_VERSION_2_PROXY = 0x21
_TCP_IPV4 = 0x11
_TCP_IPV6 = 0x21
_ADDRESSES = {_TCP_IPV4: struct.Struct("!4s4sHH"), _TCP_IPV6: struct.Struct("!16s16sHH")}
_FIELD = struct.Struct("!BH")
_CLIENT_CERTIFICATE = 0xE0


class NotProxiedError(ValueError):
    """The bytes don't begin with a header that the edge would write."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """Who is at the far end of a connection that came through the edge."""

    peer: tuple[str, int]
    local: tuple[str, int]
    certificate: bytes | None
    """DER of the client's certificate, which the edge has verified."""
    length: int
    """Octets of the header; what follows them is the connection's own."""


def parse_proxy_header(data: bytes | bytearray) -> ProxyHeader | None:
    """Read the header at the beginning of `data`; None if more of it must come.

    Raises NotProxiedError as soon as it can't become one.
    """
    if not data.startswith(_SIGNATURE[: len(data)]):
        raise NotProxiedError("no signature")
    if len(data) < _FIXED.size:
        return None
    _, command, family, rest = _FIXED.unpack_from(data)
    addresses = _ADDRESSES.get(family)
    if command != _VERSION_2_PROXY or addresses is None or rest < addresses.size:
        raise NotProxiedError("not a TCP connection that was passed on")
    length = _FIXED.size + rest
    if len(data) < length:
        return None
    peer, local, peer_port, local_port = addresses.unpack_from(data, _FIXED.size)
    fields = bytes(data[_FIXED.size + addresses.size : length])
    return ProxyHeader(
        (_address(peer), peer_port), (_address(local), local_port), _certificate(fields), length
    )


def _address(packed: bytes) -> str:
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))


def _certificate(fields: bytes) -> bytes | None:
    certificate = None
    at = 0
    while at < len(fields):
        if at + _FIELD.size > len(fields):
            raise NotProxiedError("a field is cut off")
        kind, length = _FIELD.unpack_from(fields, at)
        at += _FIELD.size
        if at + length > len(fields):
            raise NotProxiedError("a field is longer than the header")
        if kind == _CLIENT_CERTIFICATE:
            certificate = fields[at : at + length]
        at += length
    return certificate
