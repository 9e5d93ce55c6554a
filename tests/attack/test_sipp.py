"""sipp sends what no good client sends, and gets the documented answers (I9; ATTACKS 3, 4, 7, 10)."""

from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.sipp import Sipp

_HEAD = """\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <{sender}>;tag=[call_number]
To: <{to}>
Call-ID: [call_id]
Max-Forwards: 70
Contact: <sip:sipp@[local_ip]:[local_port];transport=tls>
"""
_PLAIN_OFFER = """\
v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0
"""


def request(method: str, uri: str, sender: str, *more: str, body: str = "") -> str:
    """A well-formed request but for what `more` adds."""
    head = _HEAD.format(sender=sender, to=uri)
    lines = [f"{method} {uri} SIP/2.0", head.strip(), f"CSeq: 1 {method}", *more]
    if body:
        lines.append("Content-Type: application/sdp")
    return "\n".join([*lines, "Content-Length: [len]", "", body])


@pytest.fixture
def sipp(town: Network, house: Deployment, tmp_path: Path) -> Sipp:
    """A sipp on a host of its own: one message leaves nothing behind that another would notice."""
    return Sipp(town.add_host(), tmp_path, house)


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS"])
def test_without_proof_every_method_is_challenged(
    sipp: Sipp, house: Deployment, method: str
) -> None:
    alice = house.user("alice")
    for uri in (house.user("bob").sip, "sip:nobody@vestibule.test"):
        sipp.expect(401, request(method, uri, alice.sip), certificate=None)


def test_unknown_people_and_broken_messages(sipp: Sipp, house: Deployment) -> None:
    alice = house.user("alice")
    nobody = "sip:nobody@vestibule.test"
    for status, message in (
        (404, request("MESSAGE", nobody, alice.sip)),
        (403, request("MESSAGE", nobody, "sip:bob@vestibule.test")),
        (400, request("MESSAGE", nobody, alice.sip).replace("Forwards: 70", "Forwards: 9999")),
        (483, request("MESSAGE", "sip:bob@vestibule.test", alice.sip).replace("Max-Forwards: 70", "Max-Forwards: 0")),
        (505, request("MESSAGE", nobody, alice.sip).replace("SIP/2.0\n", "SIP/7.0\n", 1)),
        (423, request("REGISTER", "sip:vestibule.test", alice.sip, "Expires: 1").replace(
            "To: <sip:vestibule.test>", f"To: <{alice.sip}>")),
        (403, request("REGISTER", "sip:vestibule.test", alice.sip).replace(
            "To: <sip:vestibule.test>", "To: <sip:bob@vestibule.test>")),
    ):  # fmt: skip
        sipp.expect(status, message, certificate=alice.device_pem)


def test_an_offer_without_a_key_is_refused(sipp: Sipp, house: Deployment) -> None:
    alice = house.user("alice")
    for uri in (house.user("bob").sip, house.facts["meeting"]["focus"]):
        message = request("INVITE", uri, alice.sip, body=_PLAIN_OFFER)
        sipp.expect(488, message, certificate=alice.device_pem)
