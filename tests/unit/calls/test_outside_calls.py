"""Requests for a person: to whom they go, how they are changed, which answer comes back."""

from dataclasses import replace

import pytest

from tests.unit.calls.exchange import (
    ALICES,
    BOBS,
    BOBS_SECOND,
    CAROL,
    CAROLS,
    KEYED,
    PLAIN,
    SDP,
    SERVER,
    Exchange,
    contact_of,
)
from tests.unit.sip.wire import ALICE, BOB, arrived, request
from vestibule.calls.fork import RING_SECONDS

BOTH = (ALICES, BOBS, BOBS_SECOND)


def test_an_invite_goes_down_the_connection_that_registered() -> None:
    exchange = Exchange()
    exchange.invite()
    assert exchange.statuses(ALICES) == [100]
    got = exchange.wire.one(BOBS)
    assert (got.method, got.uri, got.to_uri) == ("INVITE", contact_of(BOBS), BOB)
    assert got.body == KEYED
    assert got.via_count == 2
    assert got.max_forwards == 69
    assert exchange.wire.take() == []


def test_the_answer_goes_back_as_it_came() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 180, BOBS)
    exchange.answer(got, 200, BOBS, body=KEYED)
    trying, ringing, ok = exchange.wire.take(ALICES)
    assert [trying.status, ringing.status, ok.status] == [100, 180, 200]
    assert (ok.branch, ok.via_count, ok.to_tag, ok.body) == ("z9hG4bKcall", 1, "b1", KEYED)
    assert ok.header("Contact") == f"<{contact_of(BOBS)}>"


def test_we_are_in_the_route_of_the_call() -> None:
    exchange = Exchange()
    exchange.invite()
    [route] = exchange.wire.one(BOBS).values("Record-Route")
    assert route.startswith("<sip:")
    assert route.endswith(f"@{SERVER};transport=tls;lr>")


def test_a_message_makes_no_route() -> None:
    exchange = Exchange()
    exchange.send(request("MESSAGE", BOB, body=b"hi", headers=(("Content-Type", "text/plain"),)))
    got = exchange.wire.one(BOBS)
    assert (got.body, got.values("Record-Route")) == (b"hi", [])
    exchange.answer(got, 200, BOBS)
    assert exchange.statuses(ALICES) == [200]


# --- identities and proofs (ATTACKS 1, 2) ---


@pytest.mark.parametrize(
    "name",
    [
        "P-Asserted-Identity", "p-asserted-identity", "P-Preferred-Identity", "Remote-Party-ID",
        "Identity", "Diversion", "History-Info", "Referred-By", "Authorization", "Proxy-Authorization",
    ],
)  # fmt: skip
def test_claims_and_proofs_of_the_sender_go_no_further(name: str) -> None:
    exchange = Exchange()
    exchange.invite((name, "Digest evil <sip:carol@d.test>"))
    got = exchange.wire.one(BOBS)
    assert "evil" not in got.to_bytes().decode()
    assert got.headers("P-Asserted-Identity") == ['"Alice" <sip:alice@d.test>']


@pytest.mark.parametrize("status", [401, 407, 494])
def test_a_device_cannot_ask_the_caller_for_a_proof(status: int) -> None:
    exchange = Exchange()
    exchange.invite()
    challenge = ("WWW-Authenticate", 'Digest realm="d.test", nonce="x", qop="auth"')
    exchange.answer(exchange.wire.one(BOBS), status, BOBS, headers=(challenge,))
    answer = exchange.wire.take(ALICES)[-1]
    assert (answer.status, answer.header("WWW-Authenticate")) == (403, None)


def test_a_device_asserts_nobody_either() -> None:
    exchange = Exchange()
    exchange.invite()
    exchange.answer(
        exchange.wire.one(BOBS), 180, BOBS,
        headers=(("P-Asserted-Identity", "<sip:carol@d.test>"), ("Authentication-Info", "x=1")),
    )  # fmt: skip
    ringing = exchange.wire.take(ALICES)[-1]
    assert ringing.header("P-Asserted-Identity") is None
    assert ringing.header("Authentication-Info") is None


# --- what is refused ---


@pytest.mark.parametrize(
    ("uri", "status"), [("sip:nobody@d.test", 404), (CAROL, 480), ("sip:CAROL@d.test", 480)]
)
def test_who_is_not_there(uri: str, status: int) -> None:
    exchange = Exchange()
    exchange.invite(uri=uri)
    assert exchange.statuses(ALICES) == [status]


def test_a_closed_account_is_nobody() -> None:
    exchange = Exchange()
    exchange.people[BOB] = replace(exchange.people[BOB], enabled=False)
    exchange.invite()
    assert exchange.statuses(ALICES) == [404]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("Proxy-Require", "privacy"),), 420),
        ((("Replaces", "x;to-tag=1;from-tag=2"),), 403),
        ((("Join", "x;to-tag=1;from-tag=2"),), 403),
        ((("Route", "<sip:victim.example;lr>"),), 403),
        ((("Route", f"<sip:{SERVER};lr>"), ("Route", "<sip:victim.example;lr>")), 403),
        ((("Max-Breadth", "0"),), 440),
        ((("Max-Breadth", "x"),), 400),
    ],
)
def test_requests_that_go_no_further(headers: tuple[tuple[str, str], ...], status: int) -> None:
    exchange = Exchange()
    exchange.invite(*headers)
    assert exchange.statuses(ALICES)[-1] == status
    assert exchange.wire.take(BOBS) == []


def test_our_own_route_is_taken_off() -> None:
    exchange = Exchange()
    exchange.invite(("Route", f"<sip:{SERVER};transport=tls;lr>"))
    assert exchange.wire.one(BOBS).values("Route") == []


def test_hops_are_counted() -> None:
    exchange = Exchange()
    spent = request("OPTIONS", BOB).forwarded(max_forwards=0)
    exchange.send(arrived(spent, ALICES))
    assert exchange.statuses(ALICES) == [483]


def test_breadth_is_shared_out() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite(("Max-Breadth", "5"))
    assert exchange.wire.one(BOBS).headers("Max-Breadth") == ["2"]
    exchange.invite(("Max-Breadth", "1"), call_id="other")
    assert exchange.statuses(ALICES)[-1] == 440


@pytest.mark.parametrize("method", ["REFER", "NOTIFY", "INFO", "BYE", "WHATEVER"])
def test_nothing_else_reaches_a_person_out_of_nowhere(method: str) -> None:
    exchange = Exchange()
    exchange.send(request(method, BOB))
    answer = exchange.wire.one(ALICES)
    assert (answer.status, answer.header("Allow")) == (405, "INVITE, MESSAGE, OPTIONS, ACK, CANCEL")


# --- keys (invariant 1) ---


def test_an_offer_without_keys_reaches_nobody() -> None:
    exchange = Exchange()
    exchange.invite(body=PLAIN)
    assert exchange.statuses(ALICES) == [488]
    assert exchange.wire.take(BOBS) == []


@pytest.mark.parametrize(
    "header",
    [
        ("Content-Type", "multipart/mixed;boundary=x"),
        ("Content-Type", '"application/sdp"'),
        ("Content-Type", "text/plain"),
        ("Content-Type", "message/sip"),
        ("Content-Type", ""),
        ("Content-Encoding", "gzip"),
    ],
)
def test_a_hidden_offer_reaches_nobody(header: tuple[str, str]) -> None:
    exchange = Exchange()
    headers = (header,) if header[0] == "Content-Type" else (SDP, header)
    exchange.send(request("INVITE", BOB, headers=headers, body=PLAIN))
    refused = exchange.wire.one(ALICES)
    assert (refused.status, refused.header("Accept")) == (415, "application/sdp")
    assert exchange.wire.take(BOBS) == []


def test_an_answer_without_keys_ends_the_call_at_both_ends() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 200, BOBS, body=PLAIN, headers=(("Record-Route", "<sip:p.d.test;lr>"),))
    assert exchange.statuses(ALICES) == [100, 488]
    ack, bye = exchange.wire.take(BOBS)
    assert (ack.method, ack.cseq, bye.method, bye.cseq) == ("ACK", 1, "BYE", 2)
    for message in (ack, bye):
        assert (message.uri, message.to_tag, message.from_tag) == (contact_of(BOBS), "b1", "a1")


def test_early_media_without_keys_is_not_shown() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 183, BOBS, body=PLAIN)
    exchange.answer(got, 183, BOBS, body=KEYED)
    assert exchange.statuses(ALICES) == [100, 183]


# --- forking ---


def test_all_devices_ring_and_the_first_to_answer_has_the_call() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite()
    one, two = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    assert one.branch != two.branch
    exchange.answer(one, 180, BOBS)
    exchange.answer(two, 180, BOBS_SECOND)
    exchange.answer(two, 200, BOBS_SECOND, body=KEYED)
    cancel = exchange.wire.one(BOBS)
    assert (cancel.method, cancel.branch) == ("CANCEL", one.branch)
    assert "Call completed elsewhere" in (cancel.header("Reason") or "")
    exchange.answer(cancel, 200, BOBS)
    exchange.answer(one, 487, BOBS)
    assert exchange.wire.one(BOBS).method == "ACK"
    assert exchange.statuses(ALICES) == [100, 180, 180, 200]
    exchange.wheel.advance(RING_SECONDS + 40)
    assert len(exchange.wheel) == 3  # the registrations


def test_two_devices_that_answer_at_once_are_both_told_of() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite()
    one, two = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    exchange.answer(one, 200, BOBS, body=KEYED)
    exchange.answer(two, 200, BOBS_SECOND, body=KEYED, to_tag="b2")
    assert [m.to_tag for m in exchange.wire.take(ALICES)][1:] == ["b1", "b2"]


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [
        (486, 480, 486), (480, 486, 486), (404, 500, 404), (500, 486, 486), (486, 603, 603),
        (603, 486, 603), (503, 486, 486), (503, 503, 480), (302, 486, 486), (302, 302, 480),
        (401, 500, 403), (487, 486, 486),
    ],
)  # fmt: skip
def test_the_best_refusal_is_passed_on(first: int, second: int, best: int) -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite()
    one, two = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    exchange.answer(one, first, BOBS)
    assert exchange.statuses(ALICES) == [100]
    exchange.answer(two, second, BOBS_SECOND)
    assert exchange.statuses(ALICES) == [best]


def test_who_declines_everywhere_stops_all_ringing() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite()
    one, two = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    exchange.answer(two, 180, BOBS_SECOND)
    exchange.answer(one, 603, BOBS)
    assert exchange.wire.one(BOBS_SECOND).method == "CANCEL"
    exchange.answer(two, 487, BOBS_SECOND)
    assert exchange.statuses(ALICES) == [100, 180, 603]


def test_one_device_is_meant_by_its_temporary_gruu_which_tells_nothing() -> None:
    exchange = Exchange(registered=BOTH)
    gruu = exchange.gruus.make(BOB, f"<urn:uuid:{BOBS_SECOND}>")
    assert "bob" not in gruu
    exchange.invite(uri=gruu)
    assert exchange.wire.one(BOBS_SECOND).method == "INVITE"
    assert exchange.wire.take(BOBS) == []


@pytest.mark.parametrize("user", ["tgruu.", "tgruu.AAAA", "tgruu." + "A" * 80])
def test_a_made_up_temporary_gruu_leads_nowhere(user: str) -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite(uri=f"sip:{user}@d.test;gr")
    assert exchange.statuses(ALICES) == [404]


def test_one_device_is_meant_by_its_gruu() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite(uri=f"{BOB};gr=urn:uuid:{BOBS_SECOND}")
    assert exchange.wire.take(BOBS) == []
    assert exchange.wire.one(BOBS_SECOND).method == "INVITE"
    exchange.invite(uri=f"{BOB};gr=urn:uuid:gone", call_id="other")
    assert exchange.statuses(ALICES)[-1] == 480


def test_somebody_may_call_their_own_other_device() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite(uri=BOB, flow=BOBS, sender=BOB)
    assert exchange.wire.one(BOBS_SECOND).method == "INVITE"


# --- giving up ---


def test_the_caller_gives_up() -> None:
    exchange = Exchange(registered=BOTH)
    exchange.invite()
    one, two = exchange.wire.one(BOBS), exchange.wire.one(BOBS_SECOND)
    exchange.answer(one, 180, BOBS)
    exchange.send(request("CANCEL", BOB, call_id="call", branch="z9hG4bKcall"))
    assert exchange.wire.one(BOBS).method == "CANCEL"
    assert exchange.wire.take(BOBS_SECOND) == []  # it has not said yet that it has the INVITE
    exchange.answer(two, 180, BOBS_SECOND)
    assert exchange.wire.one(BOBS_SECOND).method == "CANCEL"
    exchange.answer(one, 487, BOBS)
    assert exchange.statuses(ALICES) == [100, 180, 200, 180]
    exchange.answer(two, 487, BOBS_SECOND)
    assert exchange.statuses(ALICES) == [487]


def test_the_callee_answers_in_the_moment_of_the_cancel() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 180, BOBS)
    exchange.send(request("CANCEL", BOB, call_id="call", branch="z9hG4bKcall"))
    exchange.answer(got, 200, BOBS, body=KEYED)
    assert exchange.statuses(ALICES) == [100, 180, 200, 200]


def test_the_callers_connection_breaks() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 180, BOBS)
    exchange.lose(ALICES)
    assert exchange.wire.one(BOBS).method == "CANCEL"
    exchange.answer(got, 200, BOBS, body=KEYED)
    assert [m.method for m in exchange.wire.take(BOBS)] == ["ACK", "BYE"]


def test_it_does_not_ring_for_ever() -> None:
    exchange = Exchange()
    exchange.invite()
    got = exchange.wire.one(BOBS)
    exchange.answer(got, 180, BOBS)
    exchange.wheel.advance(RING_SECONDS - 1)
    assert exchange.wire.take(BOBS) == []
    exchange.wheel.advance(RING_SECONDS + 1)
    assert exchange.wire.one(BOBS).method == "CANCEL"
    exchange.answer(got, 487, BOBS)
    assert exchange.statuses(ALICES) == [100, 180, 408]


def test_a_device_that_says_nothing() -> None:
    exchange = Exchange()
    exchange.invite()
    exchange.wheel.advance(33)
    assert exchange.statuses(ALICES) == [100, 408]


def test_a_device_whose_connection_breaks() -> None:
    exchange = Exchange(registered=(ALICES, BOBS, CAROLS))
    exchange.invite()
    exchange.lose(BOBS)
    assert exchange.statuses(ALICES) == [100, 480]


def test_nothing_is_left_of_a_call_that_came_to_nothing() -> None:
    exchange = Exchange()
    exchange.invite()
    exchange.answer(exchange.wire.one(BOBS), 486, BOBS)
    exchange.send(request("ACK", BOB, call_id="call", branch="z9hG4bKcall"))
    assert len(exchange.wheel) == 2  # the registrations
    assert not exchange.layer._flows[ALICES].servers
    assert not exchange.layer._flows[BOBS].clients


def test_the_name_we_assert_cannot_break_out() -> None:
    exchange = Exchange()
    exchange.people[ALICE] = replace(
        exchange.people[ALICE], display_name='A"\\\r\nEvil: 1, <sip:carol@d.test>'
    )
    exchange.invite()
    got = exchange.wire.one(BOBS)
    assert got.header("Evil") is None
    assert got.values("P-Asserted-Identity") == [
        '"A\\"\\\\Evil: 1, <sip:carol@d.test>" <sip:alice@d.test>'
    ]
