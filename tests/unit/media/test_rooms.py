"""What becomes of a phone's pictures where they can't be transcoded, and of those that were not shown."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from vestibule._native import Media
from vestibule.media.rooms import Rooms

_KEY = base64.b64encode(bytes(range(30))).decode()
_CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{_KEY}"
_OFFER = "\r\n".join(
    [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        "m=audio 4000 RTP/SAVP 0", _CRYPTO,
        "m=video 4002 RTP/SAVP 97", "a=rtpmap:97 H264/90000",
        "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1", _CRYPTO, "",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class May:
    """Everything."""

    audio: bool = True
    video: bool = True
    screen: bool = True


@pytest.fixture
def media() -> Iterator[Media]:
    """The native rooms."""
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    yield media
    media.close()


@pytest.mark.parametrize("h264", [True, False])
def test_h264_is_declined_where_nothing_is_transcoded(media: Media, h264: bool) -> None:
    rooms = Rooms(media, "127.0.0.1", h264=h264)
    answer = rooms.join_phone("r", "desk", _OFFER, May(), seen_at="127.0.0.1")
    (line,) = (line for line in answer.splitlines() if line.startswith("m=video"))
    assert line.startswith("m=video 0 ") is not h264
    assert ("a=sendonly" in answer) is h264
    assert (rooms.transcodings, dict(rooms.pictures_lost)) == (0, {})
