"""The PROXY header as the application's side reads it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.edge.proxy_header import NotProxiedError, parse_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 50000, 443)


def made(
    rest: bytes = ADDRESSES, family: int = 0x11, command: int = 0x21, length: int | None = None
) -> bytes:
    if length is None:
        length = len(rest)
    return SIGNATURE + struct.pack("!BBH", command, family, length) + rest


def test_reads_addresses_and_certificate() -> None:
    data = made(ADDRESSES + b"\x02\x00\x01h" + b"\xe0\x00\x03DER")
    header = parse_proxy_header(data + b"GET /")
    assert header is not None
    assert (header.peer, header.local) == (("192.0.2.7", 50000), ("198.51.100.1", 443))
    assert header.certificate == b"DER"
    assert header.length == len(data)


def test_reads_ipv6() -> None:
    ends = bytes.fromhex("20010db8" + "00" * 11 + "07" + "20010db8" + "00" * 11 + "01")
    header = parse_proxy_header(made(ends + struct.pack("!HH", 1, 2), family=0x21))
    assert header is not None
    assert (header.peer, header.local) == (("2001:db8::7", 1), ("2001:db8::1", 2))
    assert header.certificate is None


def test_waits_for_the_rest() -> None:
    data = made(ADDRESSES + b"\xe0\x00\x03DER")
    assert all(parse_proxy_header(data[:end]) is None for end in range(len(data)))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"\r\n\r\nG",
        made(command=0x20),
        made(command=0x11),
        made(family=0x00),
        made(family=0x31),
        made(ADDRESSES[:-1]),
        made(ADDRESSES + b"\xe0\x00"),
        made(ADDRESSES + b"\xe0\x00\x04DER"),
    ],
)
def test_refuses_what_the_edge_would_not_write(data: bytes) -> None:
    with pytest.raises(NotProxiedError):
        parse_proxy_header(data)


@given(st.binary(max_size=80), st.booleans())
def test_survives_anything(noise: bytes, signed: bool) -> None:
    try:
        header = parse_proxy_header(SIGNATURE + noise if signed else noise)
    except NotProxiedError:
        return
    assert header is None or header.length <= len(SIGNATURE) + len(noise)
