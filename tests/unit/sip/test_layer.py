"""Which transaction a message belongs to, and that none from elsewhere gets in."""

from collections.abc import Callable

import pytest

from tests.unit.sip.wire import Wire, layer_on, request
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction


class Bench:
    """A layer, what it sent, and what it handed up."""

    def __init__(
        self,
        on_request: Callable[[ServerTransaction], None] | None = None,
        most_open_per_flow: int = 500,
    ) -> None:
        self.wire, self.wheel = Wire(), TimerWheel()
        self.requests: list[ServerTransaction] = []
        self.acks: list[SipMessage] = []
        self.layer = layer_on(
            self.wire,
            self.wheel,
            on_request=on_request or self.requests.append,
            on_ack=self.acks.append,
            most_open_per_flow=most_open_per_flow,
        )


def test_a_repeated_request_is_handed_up_once() -> None:
    bench = Bench()
    bench.layer.receive(request())
    bench.layer.receive(request())
    assert len(bench.requests) == 1
    assert bench.wire.take() == []


@pytest.mark.parametrize(
    "other",
    [
        {"branch": "z9hG4bKother"},
        {"sent_by": "10.0.0.2:5061"},
        {"flow": 2},
        {"method": "OPTIONS"},
    ],
)
def test_requests_that_differ_in_what_counts_are_two(other: dict[str, str]) -> None:
    bench = Bench()
    bench.layer.receive(request(to_tag="t"))
    bench.layer.receive(request(to_tag="t", **other))  # type: ignore[arg-type]
    assert len(bench.requests) == 2


def test_the_host_in_via_is_compared_without_case() -> None:
    bench = Bench()
    bench.layer.receive(request(sent_by="Host.D.test"))
    bench.layer.receive(request(sent_by="host.d.TEST"))
    assert len(bench.requests) == 1


def test_the_same_request_by_another_way_is_a_loop() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.layer.receive(request("INVITE", branch="z9hG4bKother", flow=2))
    first, second = bench.requests
    bench.layer.accept(first)
    with pytest.raises(SipRefusal) as refused:
        bench.layer.accept(second)
    assert refused.value.status == 482


def test_what_was_not_accepted_takes_no_name() -> None:
    bench = Bench()
    for branch, flow in (("z9hG4bKstranger", 2), ("z9hG4bKa", 1)):
        bench.layer.receive(request("INVITE", branch=branch, flow=flow))
    stranger, honest = bench.requests
    bench.layer.accept(honest)
    stranger.refuse_and_forget(SipRefusal(401))
    bench.layer.receive(request("INVITE", branch="z9hG4bKb", flow=2))
    with pytest.raises(SipRefusal):
        bench.layer.accept(bench.requests[2])


def test_after_the_answer_the_same_identity_may_come_again() -> None:
    bench = Bench()
    bench.layer.receive(request())
    bench.layer.accept(bench.requests[0])
    bench.requests[0].respond(401)
    bench.layer.receive(request(branch="z9hG4bKother"))
    bench.layer.accept(bench.requests[1])


# --- CANCEL ---


def test_cancel_ends_a_pending_invite() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    invite, told = bench.requests[0], []
    invite.on_cancel = lambda: told.append("cancelled")
    bench.layer.receive(request("CANCEL"))
    ok, terminated = bench.wire.take(flow=1)
    assert (ok.status, ok.method, ok.to_tag) == (200, "CANCEL", invite.to_tag)
    assert (terminated.status, terminated.method) == (487, "INVITE")
    assert told == ["cancelled"]
    bench.layer.receive(request("CANCEL"))
    assert told == ["cancelled"]


def test_who_is_told_of_the_cancel_may_answer_itself() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    invite = bench.requests[0]
    invite.on_cancel = lambda: invite.respond(480)
    bench.layer.receive(request("CANCEL"))
    assert [m.status for m in bench.wire.take()] == [200, 480]


def test_a_proxy_leaves_the_answer_to_the_callee() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.requests[0].defers_cancel = True
    bench.layer.receive(request("CANCEL"))
    assert [m.method for m in bench.wire.take()] == ["CANCEL"]
    assert not bench.requests[0].completed


def test_cancel_after_the_answer_changes_nothing() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.requests[0].on_cancel = lambda: pytest.fail("answered already")
    bench.requests[0].respond(200)
    bench.layer.receive(request("CANCEL"))
    assert [m.status for m in bench.wire.take()] == [200, 200]


@pytest.mark.parametrize("parts", [{"flow": 2}, {"branch": "z9hG4bKx"}, {"sent_by": "10.9.9.9"}])
def test_cancel_from_elsewhere_finds_nothing(parts: dict[str, str]) -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.layer.receive(request("CANCEL", **parts))  # type: ignore[arg-type]
    assert bench.wire.one().status == 481
    assert not bench.requests[0].completed


def test_cancel_of_another_method_finds_nothing() -> None:
    bench = Bench()
    bench.layer.receive(request("MESSAGE"))
    bench.layer.receive(request("CANCEL"))
    assert bench.wire.one().status == 481


# --- ACK ---


def test_the_ack_of_a_failure_is_absorbed_and_of_a_success_handed_up() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.requests[0].respond(486)
    bench.layer.receive(request("ACK"))
    assert bench.acks == []
    bench.layer.receive(request("INVITE", branch="z9hG4bKb2", cseq=2))
    bench.requests[1].respond(200)
    bench.layer.receive(request("ACK", branch="z9hG4bKb3", cseq=2))
    assert len(bench.acks) == 1


def test_an_ack_by_another_connection_confirms_nothing() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE"))
    bench.requests[0].respond(486)
    bench.layer.receive(request("ACK", flow=2))
    assert len(bench.acks) == 1  # a dialog may know it; the transaction does not
    bench.layer.receive(request("ACK"))
    assert len(bench.acks) == 1


# --- old clients without a branch (RFC 2543) ---


@pytest.mark.parametrize("branch", [None, "1234"])
def test_old_clients_are_matched_by_call_and_number(branch: str | None) -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE", branch=branch))
    bench.layer.receive(request("INVITE", branch=branch))
    assert len(bench.requests) == 1
    bench.layer.receive(request("MESSAGE", branch=branch, cseq=2))
    assert len(bench.requests) == 2
    bench.layer.receive(request("CANCEL", branch=branch))
    assert bench.requests[0].completed


def test_an_old_clients_ack_may_be_numbered_otherwise() -> None:
    bench = Bench()
    bench.layer.receive(request("INVITE", branch=None, cseq=7))
    bench.requests[0].respond(486)
    bench.layer.receive(request("ACK", branch=None, cseq=1))
    assert bench.acks == []
    bench.layer.receive(request("ACK", branch=None, cseq=1))
    assert len(bench.acks) == 1  # by then the transaction is gone


# --- limits and ends ---


def test_too_many_open_requests_of_one_connection_are_turned_away() -> None:
    bench = Bench(most_open_per_flow=3)
    for number in range(5):
        bench.layer.receive(request("INVITE", branch=f"z9hG4bK{number}", call_id=f"c{number}"))
    assert len(bench.requests) == 3
    refused = bench.wire.take(flow=1)
    assert [m.status for m in refused] == [503, 503]
    assert all(m.header("Retry-After") for m in refused)
    bench.layer.receive(request("INVITE", flow=2, call_id="other"))
    assert len(bench.requests) == 4  # others are not made to wait


def test_answered_requests_do_not_count_as_open() -> None:
    bench = Bench(on_request=lambda transaction: transaction.respond(200), most_open_per_flow=2)
    for number in range(6):
        bench.layer.receive(request("INVITE", branch=f"z9hG4bK{number}", call_id=f"c{number}"))
    assert [m.status for m in bench.wire.take()] == [200] * 6


def test_nothing_is_kept_of_what_is_over() -> None:
    bench = Bench(on_request=lambda transaction: transaction.respond(404))
    for number in range(50):
        method = "INVITE" if number % 2 else "OPTIONS"
        branch = None if number % 5 == 0 else f"z9hG4bK{number}"
        bench.layer.receive(request(method, branch=branch, call_id=f"c{number}"))
    bench.wheel.advance(40)
    assert len(bench.wheel) == 0
    kept = bench.layer._flows[1]
    assert (kept.servers, kept.clients, kept.unbranched, bench.layer._arrivals) == ({}, {}, {}, {})


def test_a_closed_connection_leaves_nothing() -> None:
    bench = Bench()
    bench.layer.open_flow(1, "TLS")
    bench.layer.receive(request("INVITE"))
    bench.layer.close_flow(1)
    bench.layer.close_flow(1)
    assert (bench.layer._flows, bench.layer._arrivals) == ({}, {})
    assert len(bench.wheel) == 0
