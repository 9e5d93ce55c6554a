from dataclasses import dataclass, field

import pytest

from tests.unit.sip.wire import ALICE, BOB, Wire, arrived, layer_on, response_to
from vestibule.sip.client_transaction import ClientTransaction
from vestibule.sip.message import SipMessage, build_request
from vestibule.sip.timers import TimerWheel


@dataclass
class Bench:
    """A layer that sends, and what its user hears."""

    wire: Wire = field(default_factory=Wire)
    wheel: TimerWheel = field(default_factory=TimerWheel)
    responses: list[SipMessage] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.layer = layer_on(self.wire, self.wheel)
        self.layer.open_flow(7, "WSS")

    def send(self, method: str = "MESSAGE") -> tuple[ClientTransaction, SipMessage]:
        lines = [
            ("Route", "<sip:edge.d.test;lr>"),
            ("Max-Forwards", "70"),
            ("From", f"<{ALICE}>;tag=a1"),
            ("To", f"<{BOB}>"),
            ("Call-ID", "c1"),
            ("CSeq", f"3 {method}"),
        ]
        client = self.layer.send_request(
            build_request(method, BOB, lines),
            7,
            self.responses.append,
            lambda status, why: self.failures.append((status, why)),
        )
        sent = self.wire.take(flow=7)
        return client, sent[0] if sent else None  # type: ignore[return-value]

    def answer(self, sent: SipMessage, status: int, flow: int = 7, to_tag: str = "b1") -> None:
        self.layer.receive(response_to(sent, status, flow=flow, to_tag=to_tag))

    def heard(self) -> list[int]:
        return [response.status for response in self.responses]


def test_a_request_goes_out_with_our_via_on_top() -> None:
    _, sent = Bench().send()
    assert sent.via_count == 1
    assert sent.header("Via") == f"SIP/2.0/WSS server.d.test:5061;branch={sent.branch}"
    assert sent.branch.startswith("z9hG4bK")
    assert len(sent.branch) >= 24


def test_every_response_up_to_the_final_one_is_heard() -> None:
    bench = Bench()
    client, sent = bench.send()
    for status in (100, 183, 200, 500):
        bench.answer(sent, status)
    assert bench.heard() == [100, 183, 200]
    assert client.completed
    assert len(bench.wheel) == 0


def test_every_2xx_of_a_forked_invite_is_heard() -> None:
    bench = Bench()
    _, sent = bench.send("INVITE")
    bench.answer(sent, 200, to_tag="one")
    bench.answer(sent, 200, to_tag="two")
    assert [response.to_tag for response in bench.responses] == ["one", "two"]
    bench.wheel.advance(33)
    bench.answer(sent, 200, to_tag="three")
    assert len(bench.responses) == 2
    assert bench.failures == []


def test_a_response_by_another_connection_is_not_heard() -> None:
    bench = Bench()
    bench.layer.open_flow(8, "TLS")
    _, sent = bench.send()
    bench.answer(sent, 200, flow=8)
    assert bench.heard() == []


def test_a_response_to_another_method_is_not_heard() -> None:
    bench = Bench()
    _, sent = bench.send("INVITE")
    other = build_request(
        "CANCEL", BOB,
        [("Via", sent.header("Via") or ""), ("From", f"<{ALICE}>;tag=a1"), ("To", f"<{BOB}>"),
         ("Call-ID", "c1"), ("CSeq", "3 CANCEL")],
    )  # fmt: skip
    bench.answer(arrived(other, 7), 200)
    assert bench.heard() == []


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_silence_ends_in_408(method: str) -> None:
    bench = Bench()
    client, sent = bench.send(method)
    bench.wheel.advance(33)
    assert bench.failures == [(408, "no answer")]
    assert client.completed
    bench.answer(sent, 200)
    assert bench.heard() == []


def test_a_ringing_invite_is_not_given_up() -> None:
    bench = Bench()
    _, sent = bench.send("INVITE")
    bench.answer(sent, 180)
    bench.wheel.advance(170)
    bench.answer(sent, 200)
    assert (bench.heard(), bench.failures) == ([180, 200], [])


def test_a_refused_invite_is_acknowledged_by_itself() -> None:
    bench = Bench()
    _, sent = bench.send("INVITE")
    bench.answer(sent, 486, to_tag="busy")
    ack = bench.wire.one(flow=7)
    assert (ack.method, ack.uri, ack.cseq, ack.branch) == ("ACK", BOB, 3, sent.branch)
    assert (ack.to_tag, ack.from_tag, ack.call_id) == ("busy", "a1", "c1")
    assert ack.headers("Route") == ["<sip:edge.d.test;lr>"]
    assert ack.via_count == 1


def test_cancel_waits_until_the_other_side_is_known_to_have_the_invite() -> None:
    bench = Bench()
    client, sent = bench.send("INVITE")
    client.cancel('SIP;cause=200;text="Call completed elsewhere"')
    assert bench.wire.take() == []
    bench.answer(sent, 180)
    cancel = bench.wire.one(flow=7)
    assert (cancel.method, cancel.uri, cancel.cseq, cancel.branch) == (
        "CANCEL", BOB, 3, sent.branch,
    )  # fmt: skip
    assert cancel.to_tag == ""
    assert cancel.headers("Route") == ["<sip:edge.d.test;lr>"]
    assert cancel.header("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    client.cancel()
    bench.answer(sent, 180)
    assert bench.wire.take() == []
    bench.answer(cancel, 200)
    bench.answer(sent, 487)
    assert bench.heard() == [180, 180, 487]
    bench.wheel.advance(40)
    assert bench.failures == []


def test_an_answer_may_overtake_the_cancel() -> None:
    bench = Bench()
    client, sent = bench.send("INVITE")
    client.cancel()
    bench.answer(sent, 200)
    assert bench.wire.take() == []
    assert bench.heard() == [200]


def test_a_cancelled_invite_is_not_waited_for_for_ever() -> None:
    bench = Bench()
    client, sent = bench.send("INVITE")
    bench.answer(sent, 180)
    client.cancel()
    bench.wheel.advance(33)
    assert bench.failures == [(408, "no answer")]
    assert len(bench.wheel) == 0


def test_what_is_no_invite_cannot_be_cancelled() -> None:
    bench = Bench()
    client, _ = bench.send("MESSAGE")
    client.cancel()
    assert bench.wire.take() == []


def test_a_connection_that_takes_nothing_fails_the_request_but_not_its_caller() -> None:
    bench = Bench()
    bench.wire.broken.add(7)
    client, _ = bench.send()
    assert bench.failures == []
    bench.wheel.advance(1)
    assert bench.failures == [(503, "connection lost")]
    assert client.completed


def test_a_connection_that_closes_fails_what_waits_on_it() -> None:
    bench = Bench()
    bench.send()
    bench.layer.close_flow(7)
    assert bench.failures == [(503, "connection lost")]
    bench.wheel.advance(40)
    assert len(bench.failures) == 1


def test_sending_down_a_closed_connection_keeps_nothing() -> None:
    bench = Bench()
    bench.layer.close_flow(7)
    bench.wire.broken.add(7)
    bench.send()
    bench.wheel.advance(1)
    assert bench.failures == [(503, "connection lost")]
    assert bench.layer._flows == {}
