import pytest

from tests.unit.sip.wire import Wire, layer_on, request
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.states import State
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction


class Bench:
    """A layer that keeps the transactions it hands up."""

    def __init__(self) -> None:
        self.wire, self.wheel = Wire(), TimerWheel()
        self.transactions: list[ServerTransaction] = []
        self.layer = layer_on(self.wire, self.wheel, on_request=self.transactions.append)

    def begin(self, method: str = "MESSAGE", **parts: str) -> ServerTransaction:
        self.layer.receive(request(method, **parts))  # type: ignore[arg-type]
        return self.transactions[-1]


def state_of(transaction: ServerTransaction) -> State:
    """Where it stands now."""
    return transaction.state


def test_a_response_copies_what_identifies_the_request_and_tags_it() -> None:
    bench = Bench()
    transaction = bench.begin()
    transaction.respond(200, headers=(("X-Test", "1"),), body=b"hi", content_type="text/plain")
    response = bench.wire.one(flow=1)
    assert (response.status, response.method, response.cseq) == (200, "MESSAGE", 1)
    assert (response.branch, response.call_id, response.from_tag) == ("z9hG4bKb1", "c1", "a1")
    assert response.to_tag == transaction.to_tag
    assert len(transaction.to_tag) == 20
    assert (response.body, response.content_type) == (b"hi", "text/plain")
    assert response.header("X-Test") == "1"


def test_only_one_final_answer_is_sent() -> None:
    bench = Bench()
    transaction = bench.begin()
    transaction.respond(200)
    transaction.respond(500)
    transaction.refuse(SipRefusal(403))
    assert bench.wire.one().status == 200
    assert transaction.completed


def test_100_has_no_tag_and_180_has() -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.respond(100)
    transaction.respond(180)
    trying, ringing = bench.wire.take()
    assert (trying.to_tag, ringing.to_tag) == ("", transaction.to_tag)
    assert not transaction.completed


def test_a_tag_of_the_request_is_kept() -> None:
    bench = Bench()
    transaction = bench.begin("BYE", to_tag="ours")
    transaction.respond(200)
    assert bench.wire.one().to_tag == transaction.to_tag == "ours"


def test_record_route_is_put_into_answers_that_make_a_dialog() -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.record_route = "sip:10.0.0.9:5061;transport=tls;lr"
    for status in (100, 183, 200):
        transaction.respond(status)
    trying, progress, ok = bench.wire.take()
    assert trying.header("Record-Route") is None
    expected = "<sip:10.0.0.9:5061;transport=tls;lr>"
    assert progress.header("Record-Route") == ok.header("Record-Route") == expected


def test_a_refusal_has_no_record_route() -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.record_route = "sip:10.0.0.9;lr"
    transaction.refuse(SipRefusal(488, "No Keys", headers=(("Warning", '399 v "x"'),)))
    refusal = bench.wire.one()
    assert (refusal.status, refusal.reason, refusal.header("Warning")) == (
        488, "No Keys", '399 v "x"',
    )  # fmt: skip
    assert refusal.header("Record-Route") is None


def test_a_header_that_would_break_the_line_is_refused() -> None:
    transaction = Bench().begin()
    with pytest.raises(ValueError):
        transaction.respond(200, headers=(("X-Name", "a\r\nEvil: 1"),))


def test_a_failed_invite_waits_for_its_ack_and_then_is_gone() -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.respond(486)
    assert state_of(transaction) is State.COMPLETED
    bench.layer.receive(request("ACK", to_tag=transaction.to_tag))
    assert state_of(transaction) is State.TERMINATED


@pytest.mark.parametrize("status", [200, 486])
def test_an_answered_invite_does_not_stay_for_ever(status: int) -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.respond(status)
    bench.wheel.advance(31.9)
    assert state_of(transaction) is not State.TERMINATED
    bench.wheel.advance(32.5)
    assert state_of(transaction) is State.TERMINATED
    assert len(bench.wheel) == 0


def test_a_request_nobody_answers_is_given_up() -> None:
    bench = Bench()
    transaction = bench.begin()
    bench.wheel.advance(33)
    assert transaction.completed
    transaction.respond(200)
    assert bench.wire.take() == []


def test_a_ringing_invite_waits_as_long_as_its_user_does() -> None:
    bench = Bench()
    transaction = bench.begin("INVITE")
    transaction.respond(183)
    bench.wheel.advance(900)
    transaction.respond(200)
    assert [m.status for m in bench.wire.take()] == [183, 200]


def test_a_lost_connection_is_told_to_who_has_not_answered_yet() -> None:
    bench = Bench()
    told: list[str] = []
    waiting, answered = bench.begin("INVITE"), bench.begin("MESSAGE", call_id="c2")
    waiting.on_lost = lambda: told.append("waiting")
    answered.on_lost = lambda: told.append("answered")
    answered.respond(200)
    bench.layer.close_flow(1)
    assert told == ["waiting"]
    assert waiting.completed
