"""ATTACKS 80, 24: multipart bodies, Accept, Event and XML that nest or never end are refused."""

import pytest

from tests.clients.calls import KEYED, registered
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.participant import C3P, Participant
from tests.clients.sip_line import request, status_of

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
_PART = f"--x\nContent-Type: application/sdp\n\n{KEYED}"
MULTIPARTS = {
    "plain": ("multipart/mixed;boundary=x", f"{_PART}--x--\n"),
    "no boundary": ("multipart/mixed", _PART),
    "an endless boundary": (f"multipart/mixed;boundary={'x' * 4000}", _PART),
    "a boundary of nothing": ('multipart/mixed;boundary=""', "--\n" * 2000),
    "parts in parts": (
        "multipart/mixed;boundary=x",
        "".join(
            f"--x{'y' * n}\nContent-Type: multipart/mixed;boundary=x{'y' * (n + 1)}\n\n"
            for n in range(150)
        ),
    ),
    "many parts": ("multipart/alternative;boundary=x", "--x\n\n" * 5000),
}
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
XML = {
    "billion laughs": f"<!DOCTYPE r [{ENTITIES}]><request><addUser>&e9;</addUser></request>",
    "a file": '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]><request><x>&f;</x></request>',
    "a parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]><request><x/></request>',
    "deep": "<request>" + "<a>" * 100 + "</a>" * 100 + "</request>",
    "deeper than parsers like": "<request>" + "<a>" * 4000 + "</a>" * 4000 + "</request>",
    "two commands": "<request><deleteConference/><deleteConference/></request>",
    "too large": "<request><x>" + "a" * 33_000 + "</x></request>",
    "UTF-7": '<?xml version="1.0" encoding="utf-7"?>+ADw-request+AD4-',
}


@pytest.mark.parametrize(("kind", "body"), MULTIPARTS.values(), ids=MULTIPARTS)
def test_a_multipart_body_reaches_nobody(
    town: Network, house: Deployment, kind: str, body: str
) -> None:
    with registered(town, house, "alice") as (alice,):
        for target in (ALICE, house.facts["meeting"]["focus"]):
            headers = f"Content-Type: {kind}"
            assert alice.ask(request("INVITE", target, ALICE, headers=headers, body=body)) == 415
        assert alice.ask(request("OPTIONS", "sip:vestibule.test", ALICE)) == 200


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ("Event: " + ";".join(["conference", *(f"p{n}=1" for n in range(1000))]), {200}),
        ("Event: conference;id=" + "9" * 8000, {200}),
        ("Event: " + "conference." * 700, {489}),
        ("Event: presence", {489}),
        ("Event: ;;;=", {489}),
        ("", {489}),
        ("Event: conference\nAccept: " + "a/b;q=0.1," * 800 + "a/b", {406}),
        ("Event: conference\nAccept: " + ",".join(["*"] * 3000), {406}),
        ("Event: conference\nAccept: text/plain", {406}),
        ("\n".join(["Event: conference", *["Accept: a/b"] * 300]), {400, 513}),
    ],
)  # fmt: skip
def test_strange_subscriptions_are_answered(
    town: Network, house: Deployment, headers: str, statuses: set[int]
) -> None:
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        answered = alice.line.ask(request("SUBSCRIBE", alice.focus, ALICE, headers=headers))
        assert answered in statuses


@pytest.mark.parametrize("body", XML.values(), ids=XML)
def test_xml_bombs_are_refused_before_they_are_read(
    town: Network, house: Deployment, body: str
) -> None:
    with Participant(town.server, house, "alice") as alice:
        alice.join()
        assert status_of(alice.ask("INFO", headers=C3P, body=body)) == 400
        knock = request("INVITE", alice.focus, ALICE, headers=C3P, body=body)
        assert alice.line.ask(knock) == 400
        assert 'reason="requestNotSupported"' in alice.command("<x/>")
