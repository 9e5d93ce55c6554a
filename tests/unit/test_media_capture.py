"""The measure of captured media tells cipher text from clear media: else it would prove nothing."""

import os
import random

import pytest

from tests.clients.media_capture import looks_clear, sort_datagrams

_HEAD = bytes.fromhex("806f000100000002deadbeef")
_RTCP = bytes.fromhex("81c80006deadbeef")


def _opus(size: int) -> bytes:
    return b"\x78" + os.urandom(size)  # a configuration octet, then a range coder's output


def _g711(size: int) -> bytes:
    return bytes(random.choice(b"\xd5\xd4\x55\x54\x57") for _ in range(size))


@pytest.mark.parametrize("make", [_opus, _g711], ids=["opus", "g711"])
@pytest.mark.parametrize("packets", [20, 400])
def test_clear_audio_is_found(make, packets: int) -> None:  # type: ignore[no-untyped-def]
    traffic = sort_datagrams(_HEAD + make(90) for _ in range(packets))
    assert traffic.clear == ["RTP deadbeef of type 111"]
    assert traffic.protected == 0


def test_clear_reports_are_found() -> None:
    since_1900 = bytes.fromhex("ed2a0c11")
    traffic = sort_datagrams(_RTCP + since_1900 + os.urandom(16) for _ in range(10))
    assert traffic.clear == ["RTCP deadbeef"]


@pytest.mark.parametrize("packets", [20, 2000])
def test_cipher_text_is_protected(packets: int) -> None:
    traffic = sort_datagrams(_HEAD + os.urandom(100) for _ in range(packets))
    assert traffic.clear == []
    assert traffic.protected == packets


def test_a_header_extension_does_not_count_as_payload() -> None:
    head = bytes.fromhex("906f000100000002deadbeefbede000110ff0000")
    assert not looks_clear([])
    assert sort_datagrams(head + os.urandom(80) for _ in range(100)).clear == []


def test_kinds_are_told_apart_by_their_first_octet() -> None:
    traffic = sort_datagrams(
        [b"\x00\x01" + bytes(18), b"\x16" + bytes(20), b"\x40\x00abcd", b"\xffx"]
    )
    assert (traffic.stun, traffic.dtls, traffic.turn) == (1, 1, 1)
    assert traffic.other == [b"\xffx"]
