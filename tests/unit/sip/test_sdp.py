import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.sip.sdp import Codec, SdpError, SessionDescription

HEAD = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
PHONE = (
    HEAD
    + "m=audio 4000 RTP/SAVP 96 9 0 8 101\r\n"
    + "a=rtpmap:96 opus/48000/2\r\n"
    + "a=rtpmap:101 telephone-event/8000\r\n"
    + "a=fmtp:101 0-15\r\n"
    + CRYPTO
    + f"a=crypto:2 AEAD_AES_256_GCM inline:{KEY}|2^20|1:4 FEC_ORDER=FEC_SRTP\r\n"
    + "a=recvonly\r\n"
)


def test_a_phones_offer() -> None:
    [audio] = SessionDescription.parse(PHONE).media
    assert (audio.kind, audio.port, audio.profile) == ("audio", 4000, "RTP/SAVP")
    assert (audio.address, audio.direction) == ("10.0.0.1", "recvonly")
    assert audio.codecs() == [
        Codec(96, "opus", 48000, 2), Codec(9, "G722", 8000, 1), Codec(0, "PCMU", 8000, 1),
        Codec(8, "PCMA", 8000, 1), Codec(101, "telephone-event", 8000, 1),
    ]  # fmt: skip
    first, second = audio.cryptos()
    assert (first.tag, first.suite, first.key) == ("1", "AES_CM_128_HMAC_SHA1_80", KEY)
    assert not (first.has_mki or first.has_parameters)
    assert second.has_mki
    assert second.has_parameters


def test_a_medium_may_have_an_address_of_its_own() -> None:
    text = HEAD + "m=audio 4000 RTP/SAVP 0\r\nc=IN IP6 2001:db8::1\r\n" + CRYPTO
    assert SessionDescription.parse(text).media[0].address == "2001:db8::1"


def test_lines_may_end_in_lf_alone() -> None:
    assert SessionDescription.parse(PHONE.replace("\r\n", "\n")).media[0].port == 4000


FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["0F"] * 32) + "\r\n"


@pytest.mark.parametrize(
    ("text", "keyed"),
    [
        (PHONE, True),
        # SfB-era clients write AVP and mean SRTP
        (HEAD + "m=audio 4000 RTP/AVP 0\r\n" + CRYPTO, True),
        (HEAD + "m=audio 4000 RTP/AVP 0\r\n", False),
        (HEAD + "m=audio 4000 RTP/SAVP 0\r\n", False),
        (HEAD + FINGERPRINT + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nm=video 9 RTP/AVP 9\r\n", True),
        (
            HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" + FINGERPRINT + "m=video 9 rtp/avp 9\r\n",
            False,
        ),
        (HEAD + "m=audio 9 RTP/SAVP 0\r\n" + CRYPTO + "m=video 0 RTP/AVP 9\r\n", True),
        (HEAD + "m=audio 4000 udp 0\r\n", False),
        (HEAD + "m=audio 4000 TCP/RTP/AVP 0\r\n", False),
        (HEAD + "m=message 5061 TCP/MSRP *\r\n", False),
        (HEAD + "m=message 5061 TCP/TLS/MSRP *\r\n", True),
        (HEAD + "m=message 5061 sip null\r\n", True),
        (HEAD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", False),
        (HEAD, True),
        # what only looks like a key (ATTACKS 70)
        *(
            (HEAD + f"m=audio 4000 RTP/SAVP 0\r\na={line}\r\n", False)
            for line in (
                "crypto:",
                "crypto:x",
                "fingerprint:none",
                "fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
                "fingerprint:sha-256 00:11",
                f"crypto:1 NULL_HMAC_SHA1_80 inline:{KEY}",
                f"crypto:1 WHATEVER inline:{KEY}",
                f"crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP",
                f"crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP",
            )
        ),
        # one good line doesn't make up for one that would go in the clear
        (
            HEAD
            + "m=audio 4000 RTP/SAVP 0\r\n"
            + CRYPTO
            + f"a=crypto:2 NULL_HMAC_SHA1_80 inline:{KEY}\r\n",
            False,
        ),
        (HEAD + FINGERPRINT + f"m=audio 9 RTP/SAVP 0\r\na=crypto:1 NULL_X inline:{KEY}\r\n", False),
        (HEAD + "m=audio 4000 sip 0\r\n", False),
        (HEAD + "m=audio 0 RTP/AVP 0\r\na=bundle-only\r\n", False),
    ],
)
def test_whether_all_media_bring_keys(text: str, keyed: bool) -> None:
    assert SessionDescription.parse(text).has_keys is keyed


@pytest.mark.parametrize(
    "text",
    [
        "", "v=1\r\n", "v=0x\r\n", "hello", HEAD + "m=audio\r\n",
        HEAD + "m=audio -1 RTP/SAVP 0\r\n", HEAD + "m=audio 65536 RTP/SAVP 0\r\n",
        HEAD + "m=audio " + "9" * 5000 + " RTP/SAVP 0\r\n", HEAD + "m=audio ٣ RTP/SAVP 0\r\n",
        HEAD + "m=audio 1 RTP/SAVP 0\r\nc=IN IP4 victim.example\r\n",
        HEAD + "m=audio 1 RTP/SAVP 0\r\nc=IN IP4\r\n",
        HEAD + "m=audio 1 RTP/SAVP 0\r\na=x\rm=audio 2 RTP/AVP 0\r\n",
        HEAD.replace("c=IN IP4 10.0.0.1\r\n", "") + "m=audio 1 RTP/SAVP 0\r\n",
        HEAD + "m=audio 1 RTP/SAVP 0\r\n" * 65, HEAD + "a=x\r\n" * 4000, HEAD + "a=" + "x" * 70000,
    ],
)  # fmt: skip
def test_what_is_malformed_or_too_much(text: str) -> None:
    with pytest.raises(SdpError) as refused:
        SessionDescription.parse(text)
    assert refused.value.status == 400


def test_odd_codecs_are_passed_over() -> None:
    text = HEAD + (
        f"m=audio 4000 RTP/SAVP 0 {'9' * 5000} 128 x 97 98\r\n"
        "a=rtpmap:128 opus/48000\r\na=rtpmap:97 opus\r\na=rtpmap:98 opus/99999999\r\na=rtpmap:x\r\n"
    )
    assert [codec.name for codec in SessionDescription.parse(text).media[0].codecs()] == ["PCMU"]


_LINES = st.lists(
    st.sampled_from(PHONE.split("\r\n")) | st.text(st.characters(codec="ascii"), max_size=30),
    max_size=30,
)


@given(_LINES)
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    for text in ("\r\n".join(lines), HEAD + "\r\n".join(lines)):
        try:
            description = SessionDescription.parse(text)
        except SdpError as refusal:
            assert refusal.status in (400, 488)
            continue
        for medium in description.media:
            medium.codecs()
            medium.cryptos()
        assert description.has_keys in (True, False)


@pytest.mark.parametrize(
    ("lines", "bandwidth"),
    [
        ("", None), ("b=AS:512\r\n", 512_000), ("b=TIAS:400000\r\n", 400_000),
        ("b=AS:512\r\nb=TIAS:400000\r\n", 400_000), ("b=CT:9\r\nb=RR:9\r\n", None),
        ("b=AS:0\r\n", 0), ("b=AS:-1\r\nb=AS:x\r\nb=AS:\r\nb=AS\r\nb=\r\n", None),
        ("b=AS:" + "9" * 13 + "\r\n", None),
    ],
)  # fmt: skip
def test_what_a_medium_takes_is_the_narrower_of_what_it_says(
    lines: str, bandwidth: int | None
) -> None:
    text = HEAD + "m=video 4000 RTP/SAVP 98\r\n" + lines + CRYPTO
    assert SessionDescription.parse(text).media[0].bandwidth == bandwidth
