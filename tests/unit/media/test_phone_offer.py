"""Which of a phone's keys are taken."""

import base64

import pytest

from vestibule.media.phone_offer import read_phone_offer
from vestibule.sip.refusal import SipRefusal

_OLD = ("AES_CM_128_HMAC_SHA1_80", 30)
_GCM_128, _GCM_256 = ("AEAD_AES_128_GCM", 28), ("AEAD_AES_256_GCM", 44)


def offer(*suites: tuple[str, int]) -> str:
    cryptos = [
        f"a=crypto:{tag} {name} inline:{base64.b64encode(bytes(octets)).decode()}"
        for tag, (name, octets) in enumerate(suites, 1)
    ]
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0",
             "m=audio 4000 RTP/SAVP 0", *cryptos, "a=rtpmap:0 PCMU/8000"]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


def test_256_bits_are_taken_first_whatever_the_phone_likes() -> None:
    assert read_phone_offer(offer(_OLD, _GCM_128, _GCM_256)).suite == "AEAD_AES_256_GCM"
    assert read_phone_offer(offer(_OLD)).suite == "AES_CM_128_HMAC_SHA1_80"


def test_the_old_suite_is_refused_where_only_approved_ones_may_be() -> None:
    with pytest.raises(SipRefusal) as refused:
        read_phone_offer(offer(_OLD), fips=True)
    assert refused.value.status == 488
    assert read_phone_offer(offer(_OLD, _GCM_128), fips=True).suite == "AEAD_AES_128_GCM"
