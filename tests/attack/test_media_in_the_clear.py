"""ATTACKS 70, DESIGN invariant 1: no way of writing an offer brings media in the clear to anybody (E4)."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import SipLine, request, status_of

ALICE, BOB, DOMAIN = "sip:alice@vestibule.test", "sip:bob@vestibule.test", "sip:vestibule.test"
KEY = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
SDP = "Content-Type: application/sdp"


def offer(*attributes: str, media: str = "m=audio 40000 RTP/SAVP 0") -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", media]
    return "\n".join([*lines, *(f"a={attribute}" for attribute in attributes), ""])


PLAIN = offer(media="m=audio 40000 RTP/AVP 0")
KEYED = offer(f"crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}")
WRONG_TYPES = [
    "", "Content-Type: ", 'Content-Type: "application/sdp"', "Content-Type: text/plain",
    "Content-Type: application/sdp, text/plain", "Content-Type: message/sip",
    "Content-Type: multipart/mixed;boundary=x", f"{SDP}\nContent-Encoding: gzip",
]  # fmt: skip
NO_KEYS = [
    "crypto:", "crypto:x", "fingerprint:none", f"crypto:1 NULL_HMAC_SHA1_80 {KEY}",
    f"crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY} UNENCRYPTED_SRTP UNAUTHENTICATED_SRTP",
]  # fmt: skip
BAD = [
    *((f"type {number}", kind, PLAIN) for number, kind in enumerate(WRONG_TYPES)),
    *((attribute[:40], SDP, offer(attribute)) for attribute in NO_KEYS),
    ("plain", SDP, PLAIN),
    ("profile SIP", SDP, offer(media="m=audio 40000 SIP 0")),
]


@pytest.fixture(scope="module")
def lines(network: Network, deployment: Deployment) -> Iterator[tuple[SipLine, SipLine]]:
    """Alice's and Bob's devices, both registered."""
    with ExitStack() as opened:
        pair = [
            opened.enter_context(device_line(network.add_host(), deployment, name))
            for name in ("alice", "bob")
        ]
        for line, aor in zip(pair, (ALICE, BOB), strict=True):
            assert line.ask(request("REGISTER", DOMAIN, aor, to=aor)) == 200
        yield pair[0], pair[1]


def reached(line: SipLine) -> str:
    """The Call-ID of the next call that arrives."""
    return next(row for row in line.receive().split("\r\n") if row.startswith("Call-ID"))


@pytest.mark.parametrize(("what", "kind", "body"), BAD, ids=[row[0] for row in BAD])
def test_it_reaches_nobody(lines: tuple[SipLine, SipLine], what: str, kind: str, body: str) -> None:
    alice, bob = lines
    alice.send(request("INVITE", BOB, ALICE, headers=kind, body=body))
    assert status_of(alice.final()) in (400, 415, 488), what
    good = secrets.token_hex(8)
    alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED, call_id=good))
    assert reached(bob) == f"Call-ID: {good}", "the next thing Bob hears of is the honest call"
