"""Descriptions of sound as a browser and as a phone write them, by hand: nothing that either says fits the other."""

import re

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)
KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
_SUITE = "AES_CM_128_HMAC_SHA1_80"


def browser(mid: str = "0", *, direction: str = "sendrecv", setup: str = "actpass") -> str:
    """A browser's offer; its answer is one of the offer's `mid` with `setup` active."""
    return f"""\
v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mid}
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:{mid}
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:{FINGERPRINT}
a=setup:{setup}
a=rtcp-mux
a={direction}
a=rtpmap:111 opus/48000/2
a=ssrc:1234 cname:x
"""


def browser_answer(offer: str) -> str:
    """What a browser says to such an offer of another's."""
    found = re.search(r"(?m)^a=mid:(\w+)", offer)
    assert found, offer
    return browser(found[1], setup="active")


def phone(
    address: str = "192.0.2.1", port: int = 40000, *, tag: int = 1, direction: str = "sendrecv"
) -> str:
    """A phone's offer, in µ-law."""
    return f"""\
v=0
o=- 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio {port} RTP/SAVP 0
a=crypto:{tag} {_SUITE} inline:{KEY}
a={direction}
"""


def phone_answer(offer: str, address: str = "192.0.2.1", port: int = 40000) -> str:
    """What a phone says to such an offer of another's, which must have that suite."""
    found = re.search(rf"(?m)^a=crypto:(\d+) {_SUITE}", offer)
    assert found, offer
    return phone(address, port, tag=int(found[1]))
