"""Which of a phone's pictures are served, and what is answered to every offer (RFC 3264)."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.media.phone_offer import read_phone_offer, write_answer
from vestibule.media.phone_video_offer import VideoOffer

_KEY = base64.b64encode(bytes(range(30))).decode()
_CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{_KEY}"
_SOUND = ("m=audio 4000 RTP/SAVP 0", _CRYPTO)
_H264 = ("m=video 4002 RTP/SAVP 97", "a=rtpmap:97 H264/90000")
_FMTP = "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1"
_PICTURES = ("m=video 4002 RTP/SAVPF 97 98", "a=rtpmap:97 H264/90000", "a=rtpmap:98 VP8/90000")


def offer(*lines: str) -> str:
    """A session with these lines of media."""
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0")
    return "\r\n".join([*head, *lines]) + "\r\n"


def video(*lines: str) -> VideoOffer:
    """What is chosen beside a sound."""
    chosen = read_phone_offer(offer(*_SOUND, *lines)).video
    assert chosen is not None
    return chosen


def answered(text: str, video_port: int | None = 5002) -> list[str]:
    """The answer's lines from its first m-line on."""
    answer = write_answer(read_phone_offer(text), "198.51.100.1", 5000, video_port)
    lines = answer.split("\r\n")
    return lines[lines.index(next(line for line in lines if line.startswith("m="))) :]


@pytest.mark.parametrize(
    ("said", "level", "answer"),
    [
        ("profile-level-id=42E01F;packetization-mode=1", 31, "profile-level-id=42e01f;packetization-mode=1"),
        ("packetization-mode=1; profile-level-id=42f00b", 9, "profile-level-id=42f00b;packetization-mode=1"),
        ("Packetization-Mode=1", 10, "profile-level-id=42000a;packetization-mode=1"),
        (
            "packetization-mode=1;profile-level-id=640c28;level-asymmetry-allowed=1;max-fs=9", 40,
            "profile-level-id=640c28;packetization-mode=1;level-asymmetry-allowed=1",
        ),
    ],
)  # fmt: skip
def test_h264_is_taken_as_it_is_offered(said: str, level: int, answer: str) -> None:
    lines = (*_H264, _CRYPTO, f"a=fmtp:97 {said}", "a=rtcp-fb:97 nack pli")
    chosen = video(*lines)
    assert chosen.h264 is not None
    assert (chosen.described.payload_type, chosen.h264.level) == (97, level)
    pictures = answered(offer(*_SOUND, *lines))[5:]
    assert f"a=fmtp:97 {answer}" in pictures
    assert {"a=rtpmap:97 H264/90000", "a=rtcp-fb:97 nack pli"} < {*pictures}


@pytest.mark.parametrize("offered", ["sendrecv", "recvonly"])
def test_a_phones_own_h264_is_not_taken(offered: str) -> None:
    lines = (*_H264, _CRYPTO, _FMTP, f"a={offered}")
    assert video(*lines).receives
    assert "a=sendonly" in answered(offer(*_SOUND, *lines))[5:]


def test_of_two_modes_the_one_is_taken_that_carries_large_pictures() -> None:
    lines = (
        "m=video 4002 RTP/SAVP 96 97", "a=rtpmap:96 H264/90000", "a=rtpmap:97 H264/90000",
        "a=fmtp:96 profile-level-id=42e01f", _FMTP, _CRYPTO,
    )  # fmt: skip
    assert video(*lines).described.payload_type == 97


def test_vp8_goes_before_h264_even_on_a_later_line() -> None:
    vp8 = ("m=video 4006 RTP/SAVP 98", "a=rtpmap:98 VP8/90000", _CRYPTO)
    chosen = video(*_H264, _FMTP, _CRYPTO, *vp8)
    assert (chosen.index, chosen.port, chosen.h264) == (2, 4006, None)


def test_vp8_is_taken_whatever_the_phone_likes() -> None:
    chosen = video(*_PICTURES, _CRYPTO, "a=rtcp-mux")
    assert (chosen.index, chosen.described.payload_type, chosen.port) == (1, 98, 4002)
    assert (chosen.suite, chosen.remote_key) == ("AES_CM_128_HMAC_SHA1_80", bytes(range(30)))
    assert chosen.local_key not in (chosen.remote_key, bytes(30))
    assert chosen.receives
    assert (chosen.bandwidth, chosen.feedback) == (None, ())
    assert _KEY not in repr(chosen)
    assert str(chosen.local_key) not in repr(chosen)


def test_bandwidth_and_feedback_are_what_the_phone_says() -> None:
    chosen = video(
        *_PICTURES, "b=AS:512", "b=TIAS:400000", "b=RR:1", _CRYPTO, "a=rtcp-fb:* nack pli",
        "a=rtcp-fb:98 nack", "a=rtcp-fb:97 ccm fir", "a=rtcp-fb:98 goog-remb", "a=rtcp-fb:98",
    )  # fmt: skip
    assert chosen.bandwidth == 400_000
    assert chosen.feedback == ("nack", "nack pli")


def test_the_answer_has_the_lines_of_the_offer_in_their_order() -> None:
    lines = answered(
        offer(*_PICTURES, _CRYPTO, "a=rtcp-mux", "a=rtcp-fb:98 nack pli", "a=recvonly", *_SOUND)
    )
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 5002 RTP/SAVPF 98", "m=audio 5000 RTP/SAVP 0",
    ]  # fmt: skip
    pictures = lines[: lines.index("m=audio 5000 RTP/SAVP 0")]
    assert {"a=rtpmap:98 VP8/90000", "a=sendonly", "a=rtcp-fb:98 nack pli", "a=rtcp-mux"} < {
        *pictures
    }
    (crypto,) = (line for line in pictures if line.startswith("a=crypto:"))
    assert crypto.startswith("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:")
    assert _KEY not in crypto


@pytest.mark.parametrize(
    ("offered", "answer", "receives"),
    [("sendrecv", "sendrecv", True), ("sendonly", "recvonly", False), ("recvonly", "sendonly", True)],
)  # fmt: skip
def test_directions_are_turned_round(offered: str, answer: str, receives: bool) -> None:
    lines = (*_PICTURES, _CRYPTO, f"a={offered}")
    assert video(*lines).receives is receives
    assert f"a={answer}" in answered(offer(*_SOUND, *lines))[5:]


@pytest.mark.parametrize(
    "lines",
    [
        _PICTURES,
        (*_H264, _CRYPTO, "a=fmtp:97 profile-level-id=42e01f"),
        (*_H264, _CRYPTO, "a=fmtp:97 profile-level-id=42e01f;packetization-mode=0"),
        (*_H264, _CRYPTO, "a=fmtp:97 profile-level-id=f4001f;packetization-mode=1"),
        (*_H264, _CRYPTO, "a=fmtp:97 profile-level-id=42e01;packetization-mode=1"),
        (*_H264, _CRYPTO, "a=fmtp:97 profile-level-id=42e008;packetization-mode=1"),
        (*_H264, _CRYPTO, _FMTP, "a=sendonly"),
        (*_H264, _CRYPTO, _FMTP, "b=AS:99"),
        ("m=video 0 RTP/SAVP 98", "a=rtpmap:98 VP8/90000", _CRYPTO),
        ("m=video 4002 UDP/X 98", "a=rtpmap:98 VP8/90000", _CRYPTO),
        (*_PICTURES, _CRYPTO, "a=inactive"),
        (*_PICTURES, _CRYPTO.replace("inline:AA", "inline:")),
    ],
    ids=[
        "no key",
        "no mode",
        "mode 0",
        "an unknown profile",
        "half a profile",
        "a low level",
        "its own",
        "too narrow",
        "no port",
        "not RTP",
        "inactive",
        "a short key",
    ],
)
def test_what_can_not_be_served_is_declined_and_the_sound_is_not(lines: tuple[str, ...]) -> None:
    text = offer(*lines, *_SOUND)
    assert read_phone_offer(text).video is None
    first, *rest = answered(text)
    assert first.startswith("m=video 0 ")
    assert rest[0] == "m=audio 5000 RTP/SAVP 0"


def test_the_first_that_can_be_served_is_and_only_that() -> None:
    second = ("m=video 4006 RTP/SAVP 98", "a=rtpmap:98 VP8/90000", _CRYPTO)
    lines = answered(offer(*_SOUND, *_PICTURES, *second, *second))
    assert [re.split(" RTP", line)[0] for line in lines if line.startswith("m=")] == [
        "m=audio 5000", "m=video 0", "m=video 5002", "m=video 0",
    ]  # fmt: skip


def test_pictures_are_declined_if_there_is_no_port_for_them() -> None:
    lines = answered(offer(*_SOUND, *_PICTURES, _CRYPTO), None)
    assert [line for line in lines if line.startswith("m=video")] == ["m=video 0 RTP/SAVPF 97"]


def test_old_keys_are_declined_where_only_approved_ones_may_be() -> None:
    key = base64.b64encode(bytes(28)).decode()
    sound = ("m=audio 4000 RTP/SAVP 0", f"a=crypto:1 AEAD_AES_128_GCM inline:{key}")
    assert read_phone_offer(offer(*sound, *_PICTURES, _CRYPTO), fips=True).video is None


_ATTRIBUTE = st.sampled_from(
    [
        _CRYPTO, _CRYPTO[:-3], "a=crypto:x", "a=rtpmap:98 VP8/90000", "a=rtpmap:98 vp8/90000/1",
        "a=rtpmap:98 VP8/1", "a=rtpmap:98 H264/90000", "a=rtpmap:", "a=sendonly", "a=recvonly",
        "a=inactive", "a=rtcp-mux", "a=rtcp-fb:* nack", "a=rtcp-fb:", "b=AS:x", "b=AS:", "b=TIAS:9",
        "b=AS:99999999999999", "a=bundle-only", "c=IN IP4 224.0.0.1", "c=IN IP6 ::1", "a=fmtp:98 max-fs=9",
        _FMTP, "a=fmtp:98 profile-level-id=42e01f;packetization-mode=1", "a=fmtp:97 ;=;packetization-mode=1",
    ]
)  # fmt: skip
_Medium = tuple[str, int, str, str, list[str]]
_MEDIUM: st.SearchStrategy[_Medium] = st.tuples(
    # Another sound would be the one that is served, or refused.
    st.sampled_from(["video", "video", "application", "text"]), st.integers(0, 65535),
    st.sampled_from(["RTP/SAVP", "RTP/AVPF", "UDP/BFCP"]), st.sampled_from(["98", "97 98", "98 x", "999"]),
    st.lists(_ATTRIBUTE, max_size=6),
)  # fmt: skip


@given(before=st.lists(_MEDIUM, max_size=3), after=st.lists(_MEDIUM, max_size=3))
def test_every_offer_is_answered_line_by_line(before: list[_Medium], after: list[_Medium]) -> None:
    def written(media: list[_Medium]) -> list[str]:
        return [
            line
            for kind, port, profile, formats, attributes in media
            for line in (f"m={kind} {port} {profile} {formats}", *attributes)
        ]

    text = offer(*written(before), *_SOUND, *written(after))
    chosen = read_phone_offer(text)
    answer = write_answer(chosen, "198.51.100.1", 5000, 5002)
    offered = re.findall(r"(?m)^m=(\w+) \d+ (\S+)", text)
    lines = re.findall(r"(?m)^m=(\w+) (\d+) (\S+)", answer)
    assert [(kind, profile) for kind, _, profile in lines] == offered
    served = [number for number, (_, port, _) in enumerate(lines) if port != "0"]
    expected = {chosen.index} | ({chosen.video.index} if chosen.video else set())
    assert set(served) == expected
    if chosen.video:
        assert chosen.video.bandwidth is None or chosen.video.bandwidth >= 0
