"""Our offer to a phone, and what it may answer."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.unlike_media import phone_answer
from vestibule.media.own_phone_offer import OwnPhoneOffer
from vestibule.media.phone_offer import read_phone_offer
from vestibule.sip.sdp import SdpError, SessionDescription


def test_it_is_one_that_phones_of_ours_could_take() -> None:
    own = OwnPhoneOffer()
    text = own.write("192.0.2.10", 50_000)
    taken = read_phone_offer(text)
    assert (taken.codec, taken.suite) == ("opus", "AEAD_AES_256_GCM")
    assert (taken.host, taken.port, taken.rtcp_mux) == ("192.0.2.10", 50_000, True)
    assert "IP6" in OwnPhoneOffer().write("2001:db8::1", 50_000)


def test_every_offer_and_every_suite_has_a_key_of_its_own() -> None:
    texts = [OwnPhoneOffer().write("192.0.2.10", 50_000) for _ in range(2)]
    keys = [key for text in texts for key in re.findall(r"inline:(\S+)", text)]
    assert len(set(keys)) == len(keys) == 6
    assert "AES_CM" not in OwnPhoneOffer(fips=True).write("192.0.2.10", 50_000)


def test_what_the_phone_chose_is_taken_with_our_key_for_it() -> None:
    own = OwnPhoneOffer()
    offer = own.write("192.0.2.10", 50_000)
    chosen = own.read_answer(phone_answer(offer, "192.0.2.1", 40_000))
    assert (chosen.codec, chosen.suite) == ("PCMU", "AES_CM_128_HMAC_SHA1_80")
    assert (chosen.host, chosen.port) == ("192.0.2.1", 40_000)
    assert base64.b64encode(chosen.local_key).decode() in offer
    assert base64.b64encode(chosen.remote_key).decode() not in offer
    assert base64.b64encode(chosen.local_key).decode() not in repr((own, chosen))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=crypto:3", "a=crypto:1"), ("a=crypto:3", "a=crypto:9"), ("a=crypto:3", "a=x:3"),
        ("_80", "_32"), ("JSoj", ""), ("JSoj", "JSoj|2^20|1:4"),
        ("JSoj", "JSoj UNENCRYPTED_SRTP"),
        ("SAVP 0", "SAVP 18"), ("SAVP 0", "SAVP 97"), ("40000", "0"), ("m=audio", "m=video"),
        ("m=", "x="),
    ],
)  # fmt: skip
def test_what_was_not_offered_is_refused(old: str, new: str) -> None:
    own = OwnPhoneOffer()
    answer = phone_answer(own.write("192.0.2.10", 50_000))
    assert old in answer
    with pytest.raises(SdpError) as refused:
        own.read_answer(answer.replace(old, new))
    assert refused.value.status == 488


def test_a_number_of_ours_for_another_codec_is_refused() -> None:
    own = OwnPhoneOffer()
    answer = phone_answer(own.write("192.0.2.10", 50_000)) + "a=rtpmap:0 opus/48000/2\n"
    with pytest.raises(SdpError):
        own.read_answer(answer)


@given(st.text(max_size=300))
def test_nothing_else_is_raised(text: str) -> None:
    own = OwnPhoneOffer()
    answer = phone_answer(own.write("192.0.2.10", 50_000))
    for body in (text, answer + text, answer.replace("a=sendrecv", text)):
        try:
            own.read_answer(body)
        except SdpError as refused:
            assert refused.status in (400, 488)


def test_it_says_one_session() -> None:
    own = OwnPhoneOffer()
    first, second = own.write("192.0.2.10", 50_000), own.write("192.0.2.10", 50_000)
    assert first == second
    assert SessionDescription.parse(first).media[0].direction == "sendrecv"
    assert own.origin.following.lines("192.0.2.10")[1] != own.origin.lines("192.0.2.10")[1]
