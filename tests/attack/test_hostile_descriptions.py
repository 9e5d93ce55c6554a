"""ATTACKS 13: hostile session descriptions are refused, and media floods no third address."""

import select

import pytest

from tests.clients.calls import KEYED, SDP, registered
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.phone import Phone
from tests.clients.sip_line import request, status_of

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
M_LINE, C_LINE = "m=audio 40000 RTP/SAVP 0", "c=IN IP4 192.0.2.1"
_PACKETS = 50

UNREADABLE = {
    "a negative port": KEYED.replace("40000", "-1"),
    "a giant port": KEYED.replace("40000", "65536"),
    "an endless port": KEYED.replace("40000", "9" * 5000),
    "no formats": KEYED.replace(M_LINE, "m=audio 40000 RTP/SAVP"),
    "no address": KEYED.replace(f"{C_LINE}\n", ""),
    "a name for an address": KEYED.replace("192.0.2.1\nt", "victim.example\nt"),
    "too many lines": KEYED + "a=x\n" * 3000,
    "too many media": KEYED + KEYED.split("t=0 0\n")[1] * 64,
    "a bare CR": KEYED.replace("s=-", "s=-\rm=audio 1 RTP/AVP 0"),
    "a NUL": KEYED.replace("s=-", "s=\0"),
    "not SDP": "<html/>",
    "nothing": "\n",
}
UNSERVED = {
    "the unspecified address": KEYED.replace(C_LINE, "c=IN IP4 0.0.0.0"),
    "a multicast address": KEYED.replace(C_LINE, "c=IN IP4 224.0.0.1"),
    "everybody": KEYED.replace(C_LINE, "c=IN IP4 255.255.255.255"),
    "every IPv6 router": KEYED.replace(C_LINE, "c=IN IP6 ff02::2"),
    "odd formats": KEYED.replace(M_LINE, "m=audio 40000 RTP/SAVP " + "999 " * 500),
    "an odd codec": KEYED.replace(M_LINE, f"{M_LINE[:-1]}96\na=rtpmap:96 x/-1/0\na=fmtp:96 =;=;"),
}


@pytest.mark.parametrize(
    "body", [*UNREADABLE.values(), *UNSERVED.values()], ids=[*UNREADABLE, *UNSERVED]
)
def test_the_meeting_takes_it_from_no_phone(town: Network, house: Deployment, body: str) -> None:
    with device_line(town.server, house, "alice") as alice:
        focus = house.facts["meeting"]["focus"]
        assert alice.ask(request("INVITE", focus, ALICE, headers=SDP, body=body)) in (400, 488)
        assert alice.ask(request("OPTIONS", focus, ALICE)) == 200, "all is as before"


def test_no_one_else_is_bothered_with_what_can_not_be_read(
    town: Network, house: Deployment
) -> None:
    with registered(town, house, "alice", "bob") as (alice, bob):
        for body in UNREADABLE.values():
            alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=body))
            assert status_of(alice.final()) in (400, 488)
        alice.send(request("INVITE", BOB, ALICE, headers=SDP, body=KEYED, call_id="good"))
        assert "Call-ID: good\r\n" in bob.receive()


def test_media_goes_to_nobody_who_has_not_asked_for_it(town: Network, house: Deployment) -> None:
    victim = town.add_host()
    with (
        victim.udp() as unasked,
        Phone(town.add_host(), house, "alice") as attacker,
        Phone(town.add_host(), house, "bob") as honest,
    ):
        unasked.bind((victim.address, 0))
        attacker.join(media_at=unasked.getsockname())
        honest.join()
        honest.hears(_PACKETS)
        came, _, _ = select.select([unasked], [], [], 0)
        assert not came, "a stranger was sent media"
        attacker.leave()
        honest.leave()
