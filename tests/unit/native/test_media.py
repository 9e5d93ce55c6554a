"""The native media rooms as Python sees them."""

import select
from collections.abc import Iterator

import pytest

from vestibule._native import Media, MediaRefused

FINGERPRINT = ":".join(["AB"] * 32)
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n"
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n"
)
CHANNEL = (
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n"
)
LINES = [
    AUDIO + "a=sendonly\r\n",
    VIDEO + "a=sendonly\r\n",
    VIDEO + "a=sendonly\r\n",
    CHANNEL,
    AUDIO + "a=recvonly\r\n",
    VIDEO + "a=recvonly\r\n",
    VIDEO + "a=recvonly\r\n",
]


def offer(lines: list[str], fingerprint: str = FINGERPRINT) -> str:
    """A browser's offer with these m-lines."""
    mids = " ".join(str(mid) for mid in range(len(lines)))
    head = (
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        f"a=group:BUNDLE {mids}\r\na=msid-semantic: WMS\r\n"
    )
    transport = (
        "a=rtcp-mux\r\na=setup:actpass\r\n"
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    )
    if fingerprint:
        transport += f"a=fingerprint:sha-256 {fingerprint}\r\n"
    return head + "".join(f"{line}{transport}a=mid:{mid}\r\n" for mid, line in enumerate(lines))


@pytest.fixture
def media() -> Iterator[Media]:
    """Rooms on loopback."""
    rooms = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    yield rooms
    rooms.close()


def join(media: Media, sdp: str, endpoint: str = "e1") -> str:
    """Join with the right to send everything."""
    return media.join_browser("r", endpoint, sdp, audio=True, video=True, screen=True)


def test_answers_a_browser_as_ice_lite(media: Media) -> None:
    media.open_room("r")
    answer = join(media, offer(LINES))
    assert "a=ice-lite" in answer
    assert f"127.0.0.1 {media.browser_port} typ host" in answer
    assert [line for line in answer.split("\r\n") if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
    ]
    assert answer.count("a=recvonly") == 3
    assert answer.count("a=sendonly") == 3
    assert "a=fingerprint:sha-256 " in answer


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "nonsense",
        offer(LINES, fingerprint=""),
        offer(list(reversed(LINES))),
        offer(LINES[:-2]),
        offer([*LINES[:4], *[LINES[4]] * 4, *LINES[5:]]),
        offer([line.replace("opus/48000/2", "PCMU/8000") for line in LINES]),
        offer([line.replace("VP8", "H264") for line in LINES]),
    ],
)
def test_refuses_what_it_cannot_serve(media: Media, sdp: str) -> None:
    media.open_room("r")
    with pytest.raises(MediaRefused) as refused:
        join(media, sdp)
    assert refused.value.args == (refused.value.status, refused.value.reason)
    assert refused.value.status == 488
    assert media.stats("r", "e1") is None


def test_refuses_a_room_that_is_not_open_and_a_second_of_the_same(media: Media) -> None:
    with pytest.raises(MediaRefused) as refused:
        join(media, offer(LINES))
    assert refused.value.status == 500
    media.open_room("r")
    join(media, offer(LINES))
    with pytest.raises(MediaRefused) as refused:
        join(media, offer(LINES))
    assert refused.value.status == 500
    media.leave("r", "e1")
    join(media, offer(LINES))


def test_counts_from_the_join_to_the_leave(media: Media) -> None:
    media.open_room("r")
    assert media.stats("r", "e1") is None
    join(media, offer(LINES))
    stats = media.stats("r", "e1")
    assert stats is not None
    assert (stats.packets_received, stats.packets_forbidden, stats.audio_level) == (0, 0, 0.0)
    media.set_rights("r", "e1", audio=False, video=False, screen=False)
    media.leave("r", "e1")
    assert media.stats("r", "e1") is None
    join(media, offer(LINES), "e2")
    media.close_room("r")
    assert media.stats("r", "e2") is None


def test_what_is_not_there_is_no_error(media: Media) -> None:
    media.leave("no", "body")
    media.set_rights("no", "body", audio=True, video=True, screen=True)
    media.close_room("no")
    assert media.stats("no", "body") is None
    assert media.drain() == []
    assert select.select([media.fileno()], [], [], 0)[0] == []


def test_is_over_after_close() -> None:
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    media.close()
    media.close()
    with pytest.raises(RuntimeError):
        media.open_room("r")


@pytest.mark.parametrize(
    ("bind", "low", "high"), [("nowhere", 20000, 20010), ("127.0.0.1", 20010, 20000)]
)
def test_refuses_impossible_settings(bind: str, low: int, high: int) -> None:
    with pytest.raises(ValueError, match=r"address|range"):
        Media(bind=bind, advertise="127.0.0.1", port_low=low, port_high=high)
