"""A phone and a browser through the native core's own rooms: how a bridged call begins, goes on and ends."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.clients.unlike_media import browser, browser_answer, phone, phone_answer
from tests.unit.calls.exchange import ALICES, BOBS, BOBS_SECOND, SDP, Exchange, contact
from tests.unit.sip.wire import ALICE, BOB, request
from vestibule._native import Media
from vestibule.calls.bridged_end import Callee
from vestibule.calls.bridges import MOST_OF_FLOW
from vestibule.calls.fork import RING_SECONDS
from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.media.call_rooms import CallRooms
from vestibule.media.rooms import Rooms
from vestibule.sip.message import SipMessage

Answer = Callable[[str], str]


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    media = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    yield media
    media.close()


@pytest.fixture
def exchange(media: Media) -> Exchange:
    rooms = CallRooms(media, Rooms(media, "127.0.0.1"), "127.0.0.1")
    return Exchange(rooms=rooms, most_bridged=20)


def octets(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def called_anew(
    exchange: Exchange, offer: str, *, flow: int = BOBS, status: int = 488, call_id: str = "call"
) -> SipMessage:
    """Alice calls with that offer, Bob's device refuses it; the INVITE that it gets instead."""
    exchange.invite(body=octets(offer), call_id=call_id)
    got = exchange.wire.one(flow)
    exchange.answer(got, status, flow)
    ack, invite = exchange.wire.take(flow)
    assert (ack.method, invite.method) == ("ACK", "INVITE")
    return invite


def bridge(
    exchange: Exchange, offer: str, answer: Answer, call_id: str = "call"
) -> tuple[SipMessage, SipMessage]:
    """A bridged call; the 200 that Alice got, and the INVITE that Bob accepted."""
    invite = called_anew(exchange, offer, call_id=call_id)
    exchange.answer(invite, 200, BOBS, body=octets(answer(invite.body.decode())))
    assert exchange.wire.one(BOBS).method == "ACK"
    return exchange.wire.take(ALICES)[-1], invite


def within(
    exchange: Exchange,
    method: str,
    dialog: SipMessage,
    *headers: tuple[str, str],
    cseq: int = 2,
    body: str = "",
) -> None:
    """A later request in the dialog that this message belongs to: Alice's 200, or the INVITE to Bob."""
    is_alices = not dialog.is_request
    flow = ALICES if is_alices else BOBS
    tags = (dialog.from_tag, dialog.to_tag) if is_alices else ("b1", dialog.from_tag)
    exchange.send(
        request(
            method, "sip:x@10.0.0.9:5061", flow=flow, sender=ALICE if is_alices else BOB,
            from_tag=tags[0], to=BOB if is_alices else ALICE, to_tag=tags[1],
            call_id=dialog.call_id, cseq=cseq, branch=f"z9hG4bK{tags[0]}{method}{cseq}",
            headers=(contact(flow), *headers, *([SDP] if body else [])), body=octets(body),
        )
    )  # fmt: skip


@pytest.mark.parametrize("status", [488, 606])
@pytest.mark.parametrize(
    ("offer", "answer", "said"),
    [(phone(), browser_answer, "a=crypto:1"), (browser(), phone_answer, "a=fingerprint:")],
)
def test_each_gets_its_own_kind_of_media(
    exchange: Exchange, status: int, offer: str, answer: Answer, said: str
) -> None:
    invite = called_anew(exchange, offer, status=status)
    assert invite.call_id != "call"
    assert invite.header("Vestibule-Media") == "bridged"
    assert invite.header("P-Asserted-Identity") == f'"Alice" <{ALICE}>'
    exchange.answer(invite, 180, BOBS)
    exchange.answer(invite, 200, BOBS, body=octets(answer(invite.body.decode())))
    trying, ringing, ok = exchange.wire.take(ALICES)
    assert (trying.status, ringing.status, ok.status) == (100, 180, 200)
    assert ringing.header("Vestibule-Media") == ok.header("Vestibule-Media") == "bridged"
    assert said in ok.body.decode()
    assert said not in invite.body.decode()


@pytest.mark.parametrize(
    "offer",
    [
        phone() + "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\na=ice-ufrag:abcd\n",
        browser().replace("m=audio 9", "m=audio 0"),
        browser().replace("a=ice-ufrag", "a=x"),
        browser().replace("opus/48000/2", "PCMU/8000"),
        browser().replace("a=mid", "a=x"),
        browser().replace("a=rtcp-mux", "a=x"),
        phone().replace("SAVP 0", "SAVP 18"),
        phone().replace("HMAC_SHA1_80", "HMAC_SHA1_32"),
    ],
    ids=[
        "both kinds",
        "no sound",
        "no ICE",
        "no Opus",
        "no name",
        "no mux",
        "no codec",
        "no suite",
    ],
)
def test_what_would_not_help_is_not_tried(exchange: Exchange, offer: str) -> None:
    exchange.invite(body=octets(offer))
    exchange.answer(exchange.wire.one(BOBS), 488, BOBS)
    assert exchange.statuses(ALICES) == [100, 488]
    assert [m.method for m in exchange.wire.take(BOBS)] == ["ACK"]


@pytest.mark.parametrize("status", [486, 480, 603, 404])
def test_other_refusals_are_taken_at_their_word(exchange: Exchange, status: int) -> None:
    exchange.invite(body=octets(phone()))
    exchange.answer(exchange.wire.one(BOBS), status, BOBS)
    assert exchange.statuses(ALICES) == [100, status]
    assert exchange.bridges.count == 0


@pytest.mark.parametrize(("status", "told"), [(488, 488), (486, 486), (401, 403), (302, 480)])
def test_what_the_device_says_the_second_time_is_the_answer(
    exchange: Exchange, status: int, told: int
) -> None:
    invite = called_anew(exchange, phone())
    exchange.answer(invite, status, BOBS)
    assert exchange.statuses(ALICES) == [100, told]
    assert exchange.bridges.count == 0
    assert [m.method for m in exchange.wire.take(BOBS)] == ["ACK"]


def test_an_answer_that_can_not_be_served_ends_the_call(exchange: Exchange) -> None:
    answers = (
        "", browser_answer("a=mid:zzz"), phone(), browser().replace("a=fingerprint", "a=x"),
    )  # fmt: skip
    for number, answer in enumerate(answers):
        invite = called_anew(exchange, phone(), call_id=f"call{number}")
        exchange.answer(invite, 200, BOBS, body=octets(answer))
        ack, bye = exchange.wire.take(BOBS)
        assert (ack.method, bye.method) == ("ACK", "BYE")
        assert exchange.statuses(ALICES)[-1] in (400, 488)
        assert exchange.bridges.count == 0
        exchange.answer(bye, 200, BOBS)


def test_either_end_s_goodbye_is_the_other_s(exchange: Exchange) -> None:
    ok, invite = bridge(exchange, phone(), browser_answer)
    within(exchange, "BYE", ok)
    assert exchange.statuses(ALICES) == [200]
    bye = exchange.wire.one(BOBS)
    assert (bye.method, bye.call_id) == ("BYE", invite.call_id)
    assert exchange.bridges.count == 0
    within(exchange, "BYE", ok, cseq=3)
    assert exchange.statuses(ALICES) == [481], "nothing is left of it"
    exchange.answer(bye, 200, BOBS)
    ok, invite = bridge(exchange, phone(), browser_answer, "another")
    within(exchange, "BYE", invite)
    assert exchange.statuses(BOBS) == [200]
    assert exchange.wire.one(ALICES).method == "BYE"
    assert exchange.bridges.count == 0


@pytest.mark.parametrize("flow", [ALICES, BOBS])
def test_a_lost_connection_ends_the_call_at_the_other_end(exchange: Exchange, flow: int) -> None:
    bridge(exchange, browser(), phone_answer)
    for dialog, user in exchange.dialogs.of_flow(flow):
        user.on_flow_closed(dialog)
    exchange.lose(flow)
    assert exchange.wire.one(BOBS if flow == ALICES else ALICES).method == "BYE"
    assert exchange.bridges.count == 0


def test_a_caller_who_gives_up_is_not_answered(exchange: Exchange) -> None:
    invite = called_anew(exchange, phone())
    exchange.answer(invite, 180, BOBS)
    exchange.send(request("CANCEL", BOB, flow=ALICES, call_id="call", branch="z9hG4bKcall"))
    cancel = exchange.wire.one(BOBS)
    assert (cancel.method, cancel.call_id) == ("CANCEL", invite.call_id)
    exchange.answer(invite, 487, BOBS)
    assert exchange.statuses(ALICES) == [100, 180, 200, 487]
    assert exchange.bridges.count == 0


def test_a_device_that_accepts_too_late_is_told_so(exchange: Exchange) -> None:
    invite = called_anew(exchange, phone())
    exchange.answer(invite, 180, BOBS)
    exchange.wheel.advance(exchange.wheel.now + RING_SECONDS + 1)
    assert exchange.wire.one(BOBS).method == "CANCEL"
    exchange.lose(ALICES)
    exchange.answer(invite, 200, BOBS, body=octets(browser_answer(invite.body.decode())))
    assert [m.method for m in exchange.wire.take(BOBS)] == ["ACK", "BYE"]
    assert exchange.bridges.count == 0


def test_a_call_that_rang_out_is_over(exchange: Exchange) -> None:
    invite = called_anew(exchange, phone())
    exchange.answer(invite, 180, BOBS)
    exchange.wheel.advance(exchange.wheel.now + RING_SECONDS + 1)
    exchange.answer(invite, 487, BOBS)
    assert exchange.statuses(ALICES) == [100, 180, 408]
    assert exchange.bridges.count == 0


def test_a_refusal_after_the_caller_gave_up_begins_nothing(exchange: Exchange) -> None:
    exchange.invite(body=octets(phone()))
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 180, BOBS)
    exchange.send(request("CANCEL", BOB, flow=ALICES, call_id="call", branch="z9hG4bKcall"))
    exchange.answer(got, 488, BOBS)
    assert [m.method for m in exchange.wire.take(BOBS)] == ["CANCEL", "ACK"]
    assert exchange.bridges.count == 0


def test_of_two_devices_the_first_that_accepts_has_the_call(exchange: Exchange) -> None:
    exchange.register(BOBS_SECOND)
    exchange.invite(body=octets(phone()))
    anew = {}
    for flow in (BOBS, BOBS_SECOND):
        exchange.answer(exchange.wire.one(flow), 488, flow, to_tag=f"b{flow}")
        _, anew[flow] = exchange.wire.take(flow)
        exchange.answer(anew[flow], 180, flow, to_tag=f"b{flow}")
    assert exchange.bridges.count == 2
    for flow, invite in anew.items():
        body = octets(browser_answer(invite.body.decode()))
        exchange.answer(invite, 200, flow, to_tag=f"b{flow}", body=body)
    assert exchange.statuses(ALICES) == [100, 180, 180, 200]
    assert [m.method for m in exchange.wire.take(BOBS)] == ["ACK"]
    assert [m.method for m in exchange.wire.take(BOBS_SECOND)] == ["CANCEL", "ACK", "BYE"]
    assert exchange.bridges.count == 1


def test_a_call_answered_end_to_end_takes_back_the_bridged_one(exchange: Exchange) -> None:
    exchange.register(BOBS_SECOND)
    exchange.invite(body=octets(phone()))
    first, second = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    exchange.answer(first, 488, BOBS)
    _, anew = exchange.wire.take(BOBS)
    exchange.answer(anew, 180, BOBS)
    exchange.answer(second, 200, BOBS_SECOND, to_tag="b2", body=octets(phone()))
    assert exchange.statuses(ALICES)[-1] == 200
    cancel = exchange.wire.one(BOBS)
    assert (cancel.method, cancel.call_id) == ("CANCEL", anew.call_id)
    exchange.answer(anew, 487, BOBS)
    assert exchange.bridges.count == 0


def test_either_end_holds_and_resumes_and_the_other_is_left_in_peace(exchange: Exchange) -> None:
    ok, invite = bridge(exchange, browser(), phone_answer)
    held = {"sendonly": "recvonly", "inactive": "inactive", "sendrecv": "sendrecv"}
    mid = invite.call_id
    answers = []
    for number, (said, answered) in enumerate(held.items(), start=2):
        within(exchange, "INVITE", ok, cseq=number, body=browser(direction=said))
        answer = exchange.wire.one(ALICES)
        assert answer.status == 200, mid
        assert f"a={answered}\r\n" in answer.body.decode()
        tag = int(invite.body.decode().split("AES_CM")[0].rpartition("a=crypto:")[2])
        within(exchange, "INVITE", invite, cseq=number, body=phone(tag=tag, direction=said))
        answer = exchange.wire.one(BOBS)
        assert f"a={answered}\r\n" in answer.body.decode()
        answers.append(answer.body.decode())
    fixed = [re.findall(r"(?m)^m=.*|^a=crypto.*", text) for text in answers]
    assert fixed[0] == fixed[1] == fixed[2], "port and key stay"
    versions = [int(text.split()[3]) for text in answers]
    assert versions == sorted(set(versions))


def test_a_phone_may_change_its_key_and_codec(exchange: Exchange) -> None:
    _, invite = bridge(exchange, browser(), phone_answer)
    offer = phone(port=40002).replace("SAVP 0", "SAVP 8").replace("inline:d0", "inline:e1")
    within(exchange, "INVITE", invite, body=offer)
    answer = exchange.wire.one(BOBS).body.decode()
    assert "PCMA/8000" in answer
    port = answer.partition("m=audio ")[2].split()[0]
    assert f"m=audio {port} " not in invite.body.decode()


def test_what_can_not_be_agreed_on_changes_nothing(exchange: Exchange) -> None:
    ok, invite = bridge(exchange, browser(), phone_answer)
    refused = [
        (ok, browser().replace("a=fingerprint", "a=x")), (ok, ""), (ok, phone()),
        (ok, browser().replace("abcd", "another")), (ok, browser("1")),
        (ok, browser().replace("opus/48000/2", "PCMU/8000")),
        (invite, phone().replace("a=crypto", "a=x")), (invite, browser()),
        (invite, phone().replace("SAVP 0", "SAVP 18")),
    ]  # fmt: skip
    for number, (dialog, body) in enumerate(refused, start=2):
        within(exchange, "INVITE", dialog, cseq=number, body=body)
        assert exchange.wire.one(ALICES if dialog is ok else BOBS).status == 488, body
    within(exchange, "INVITE", ok, cseq=50, body=browser())
    assert exchange.statuses(ALICES) == [200]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("INFO", (("Content-Type", "application/dtmf-relay"),)),
        ("REFER", (("Refer-To", "<sip:carol@d.test>"), ("Referred-By", "<sip:evil@d.test>"))),
        ("NOTIFY", (("Event", "refer"), ("Subscription-State", "active"))),
    ],
)
def test_what_is_not_media_goes_to_the_other_end(
    exchange: Exchange, method: str, headers: tuple[tuple[str, str], ...]
) -> None:
    ok, invite = bridge(exchange, browser(), phone_answer)
    within(exchange, method, ok, *headers)
    carried = exchange.wire.one(BOBS)
    assert (carried.method, carried.call_id) == (method, invite.call_id)
    for name, value in headers:
        expected = f"<{ALICE}>" if name == "Referred-By" else value
        assert carried.headers(name) == [expected]
    exchange.answer(carried, 202, BOBS)
    assert exchange.statuses(ALICES) == [202]


def test_a_transfer_leads_only_to_where_one_could_call_here(exchange: Exchange) -> None:
    ok, _ = bridge(exchange, browser(), phone_answer)
    attended = f"sip:carol@d.test?Replaces={quote('call;to-tag=b1;from-tag=a1')}"
    targets = {"sip:x@elsewhere.test": 403, "tel:+1": 416, attended: 403}
    for number, (target, status) in enumerate(targets.items(), start=2):
        within(exchange, "REFER", ok, ("Refer-To", f"<{target}>"), cseq=number)
        assert not exchange.wire.take(BOBS)
        assert exchange.statuses(ALICES) == [status]


def test_one_connection_has_only_so_many(exchange: Exchange) -> None:
    for number in range(MOST_OF_FLOW):
        exchange.invite(body=octets(phone()), call_id=f"call{number}")
        exchange.answer(exchange.wire.one(BOBS), 488, BOBS)
        exchange.wire.take(BOBS)
    exchange.wire.take(ALICES)
    exchange.invite(body=octets(phone()), call_id="more")
    exchange.answer(exchange.wire.one(BOBS), 488, BOBS)
    assert exchange.statuses(ALICES) == [100, 488]
    assert exchange.bridges.count == MOST_OF_FLOW


@pytest.mark.parametrize("most", [0, 1])
def test_a_node_has_only_so_many_or_none(media: Media, most: int) -> None:
    rooms = CallRooms(media, Rooms(media, "127.0.0.1"), "127.0.0.1")
    exchange = Exchange(rooms=rooms, most_bridged=most)
    for number in range(most):
        called_anew(exchange, phone(), call_id=f"call{number}")
    exchange.wire.take(ALICES)
    exchange.invite(body=octets(phone()), call_id="more")
    exchange.answer(exchange.wire.one(BOBS), 488, BOBS)
    assert exchange.statuses(ALICES) == [100, 488]
    assert exchange.bridges.count == most


def test_the_called_device_s_dialog_is_its_person_s() -> None:
    bob = Principal(Kind.MEMBER, BOB, "t1", "Bob", Mechanism.CERTIFICATE)
    assert Callee(BOB).same_sender(bob)
    assert not Callee(ALICE).same_sender(bob)
    assert not Callee(BOB).same_sender(replace(bob, kind=Kind.FEDERATED))
