"""The native media rooms as Python sees them."""

import select
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.srtp_phone import LEG, GcmPhone
from vestibule._native import EndpointConnected, Media, MediaRefused

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


def test_understands_the_data_channel_at_the_end(media: Media) -> None:
    media.open_room("r")
    answer = join(media, offer([*LINES[:3], *LINES[4:], CHANNEL]))
    lines = [line for line in answer.split("\r\n") if line.startswith("m=")]
    assert lines[-1].startswith("m=application")


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


def join_phone(media: Media, port: int, **changes: Any) -> int:
    """Join with a µ-law phone at that port."""
    leg = {**LEG, "remote_port": port, **changes}
    return media.join_phone("r", "desk", **leg)


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    """A phone's socket on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        yield phone


def wait_for_events(media: Media) -> list[object]:
    """The next events, which come within five seconds."""
    assert select.select([media.fileno()], [], [], 5)[0]
    return list(media.drain())


def test_a_phone_hears_and_is_heard(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    port = join_phone(media, phone.getsockname()[1])
    assert 20000 <= port <= 40000
    assert port % 2 == 0
    mix = phone.recv(2048)
    assert len(mix) == 12 + 160 + 16
    sender = GcmPhone(LEG["remote_key"])
    phone.sendto(sender.packet(b"\xff" * 160), ("127.0.0.1", port))
    (connected,) = wait_for_events(media)
    assert isinstance(connected, EndpointConnected)
    assert (connected.room, connected.endpoint) == ("r", "desk")
    stats = media.stats("r", "desk")
    assert stats is not None
    assert (stats.packets_received, stats.packets_refused) == (1, 0)
    assert stats.packets_sent >= 1


def test_how_a_phones_media_fares_is_told(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    port = join_phone(media, phone.getsockname()[1])
    sender = GcmPhone(LEG["remote_key"])
    phone.sendto(sender.packet(b"\xff" * 160), ("127.0.0.1", port))
    wait_for_events(media)
    deadline = time.monotonic() + 5

    def heard() -> bool:
        quality = media.quality("r", "desk")
        assert quality is not None
        assert (quality.endpoint, quality.is_phone, quality.audio_codec) == ("desk", True, "PCMU")
        assert quality.is_connected
        assert [flow.source for flow in quality.received] == ["audio", "camera", "screen"]
        return quality.received[0].packets == 1 and quality.sent[0].packets >= 1

    while not heard():
        assert time.monotonic() < deadline
        select.select([phone], [], [], 0.1)
        phone.recv(2048)
    (one,) = media.qualities("r")
    assert (one.endpoint, one.received[0].octets) == ("desk", 160)
    assert (one.received[0].loss, one.round_trip) == (None, None)
    (unnamed,) = media.all_qualities()
    assert unnamed.endpoint == ""
    assert (media.qualities("other"), media.quality("r", "other")) == ([], None)


def test_media_goes_nowhere_that_is_only_claimed(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        port = join_phone(media, victim.getsockname()[1], remote_is_known=False)
        sender = GcmPhone(LEG["remote_key"])
        phone.sendto(sender.packet(b"\xff" * 160), ("127.0.0.1", port))
        assert phone.recv(2048), "it is sent to where it has proven to be"
        victim.setblocking(False)
        with pytest.raises(BlockingIOError):
            victim.recv(2048)


def test_what_is_not_authentic_only_counts(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    port = join_phone(media, phone.getsockname()[1])
    sender = GcmPhone(LEG["remote_key"])
    packet = sender.packet(b"\xff" * 160)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        attacker.sendto(packet[:-1] + bytes([packet[-1] ^ 1]), ("127.0.0.1", port))
        attacker.sendto(b"\x80\x00" + bytes(100), ("127.0.0.1", port))
        phone.sendto(packet, ("127.0.0.1", port))
        wait_for_events(media)
        attacker.sendto(packet, ("127.0.0.1", port))
        phone.sendto(sender.packet(b"\xff" * 160), ("127.0.0.1", port))
        deadline = time.monotonic() + 5
        while (stats := media.stats("r", "desk")) is not None and stats.packets_received < 2:
            assert time.monotonic() < deadline
        assert stats is not None
        assert stats.packets_refused == 3
        assert select.select([attacker], [], [], 0)[0] == []


def test_ports_are_given_back(phone: socket.socket) -> None:
    """The range holds the browsers' port and one phone with RTCP of its own; another fits when it has left."""
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=39996, port_high=39999)
    media.open_room("r")
    for _ in range(3):
        assert join_phone(media, phone.getsockname()[1], rtcp_mux=False) in {39996, 39998}
        with pytest.raises(MediaRefused) as refused:
            media.join_phone("r", "other", **LEG)
        assert refused.value.status == 500
        media.leave("r", "desk")
    media.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"local_key": b"short"},
        {"remote_key": bytes(30)},
        {"remote_host": "phone.example"},
        {"remote_host": "239.1.2.3"},
        {"remote_host": "0.0.0.0"},
        {"port": 0},
    ],
)
def test_a_leg_that_cannot_be_is_refused(media: Media, changes: dict[str, Any]) -> None:
    media.open_room("r")
    with pytest.raises(MediaRefused) as refused:
        join_phone(media, **{"port": 9, **changes})
    assert refused.value.status == 488
    assert media.stats("r", "desk") is None


def add_pictures(media: Media, port: int, **changes: Any) -> int:
    """Show that phone pictures at that port."""
    leg = {key: value for key, value in LEG.items() if key not in _OF_SOUND}
    pictures = {"bandwidth": None, "repairs": True, "receives": True, "video": True}
    leg |= {"payload_type": 98, "remote_port": port, **pictures, **changes}
    return media.add_phone_video("r", "desk", **leg)


_OF_SOUND = {"codec", "dtmf_payload_type", "audio"}


def test_a_phones_pictures_have_ports_of_their_own_which_are_given_back(
    phone: socket.socket,
) -> None:
    """The range holds the browsers' port, one of sound and one of pictures."""
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=39990, port_high=39995)
    media.open_room("r")
    for _ in range(3):
        sound = join_phone(media, phone.getsockname()[1])
        with pytest.raises(MediaRefused) as refused:
            add_pictures(media, 9, remote_host="224.0.0.1")
        assert refused.value.status == 488
        assert add_pictures(media, phone.getsockname()[1]) != sound
        with pytest.raises(MediaRefused):
            add_pictures(media, phone.getsockname()[1])
        assert media.stats("r", "desk") is not None
        media.leave("r", "desk")
    media.close()


def test_pictures_in_h264_are_of_a_level(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    join_phone(media, phone.getsockname()[1])
    with pytest.raises(ValueError, match="no such level"):
        add_pictures(media, phone.getsockname()[1], h264_level=8)
    assert add_pictures(media, phone.getsockname()[1], h264_level=31)
    assert media.transcodings() == 0


def test_a_phones_camera_counts_as_its_camera(media: Media, phone: socket.socket) -> None:
    media.open_room("r")
    join_phone(media, phone.getsockname()[1])
    port = add_pictures(media, phone.getsockname()[1], video=False)
    sender = GcmPhone(LEG["remote_key"])
    phone.sendto(sender.packet(b"\x10" * 160), ("127.0.0.1", port))
    deadline = time.monotonic() + 5

    def counted() -> bool:
        quality = media.quality("r", "desk")
        assert quality is not None
        return quality.received[1].packets == 1

    while not counted():
        assert time.monotonic() < deadline
        select.select([phone], [], [], 0.1)
    assert media.drain() == [], "pictures alone connect nobody: that is what sound does"
