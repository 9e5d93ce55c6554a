"""Which calls are remembered, and until when."""

import pytest

from tests.unit.sip.wire import ALICE, BOB
from vestibule.calls.confirmed_calls import MOST_OF_PERSON, ConfirmedCall, ConfirmedCalls, Party
from vestibule.calls.route_token import End

CAROL = "sip:carol@d.test"


def party(aor: str, flow: int, tag: str) -> Party:
    return Party(End(aor, flow), tag, f"sip:phone{flow}@192.0.2.{flow}")


def a_call(call_id: str = "call", *, caller: str = ALICE, callee: str = BOB) -> ConfirmedCall:
    return ConfirmedCall(call_id, party(caller, 1, "a1"), party(callee, 2, "b1"))


def test_a_call_is_found_from_either_end() -> None:
    calls, call = ConfirmedCalls(), a_call()
    calls.add(call)
    ours, theirs = calls.seat("call", "a1", "b1"), calls.seat("call", "b1", "a1")
    assert ours is not None
    assert theirs is not None
    assert (ours.call, ours.own, ours.other) == (call, call.caller, call.callee)
    assert (theirs.call, theirs.own, theirs.other) == (call, call.callee, call.caller)


@pytest.mark.parametrize("name", [("other", "a1", "b1"), ("call", "a1", "a1"), ("call", "a1", "")])
def test_another_is_not_found(name: tuple[str, str, str]) -> None:
    calls = ConfirmedCalls()
    calls.add(a_call())
    assert calls.seat(*name) is None


@pytest.mark.parametrize(("tags", "aor"), [(("a1", "b1"), ALICE), (("b1", "a1"), BOB)])
def test_either_end_ends_it(tags: tuple[str, str], aor: str) -> None:
    calls = ConfirmedCalls()
    calls.add(a_call())
    calls.end("call", *tags, aor)
    assert len(calls) == 0
    calls.end("call", *tags, aor)


@pytest.mark.parametrize("aor", [CAROL, BOB])
def test_nobody_ends_it_in_anothers_place(aor: str) -> None:
    calls = ConfirmedCalls()
    calls.add(a_call())
    calls.end("call", "a1", "b1", aor)
    assert len(calls) == 1


@pytest.mark.parametrize("flow", [1, 2])
def test_a_lost_connection_ends_it(flow: int) -> None:
    calls = ConfirmedCalls()
    calls.add(a_call())
    calls.close_flow(3)
    assert len(calls) == 1
    calls.close_flow(flow)
    assert len(calls) == 0
    calls.close_flow(flow)


def test_who_takes_a_calls_name_does_not_push_it_out() -> None:
    calls, first = ConfirmedCalls(), a_call()
    calls.add(first)
    calls.add(a_call(caller=CAROL, callee=CAROL))
    seat = calls.seat("call", "a1", "b1")
    assert seat is not None
    assert seat.call is first


def test_of_one_person_the_oldest_is_forgotten() -> None:
    calls = ConfirmedCalls()
    calls.add(a_call("others", caller=BOB, callee=CAROL))
    for number in range(MOST_OF_PERSON + 1):
        calls.add(a_call(str(number), callee=f"sip:{number}@d.test"))
    assert calls.seat("0", "a1", "b1") is None
    assert calls.seat("1", "a1", "b1") is not None
    assert calls.seat("others", "a1", "b1") is not None, "it is not this person's"
    assert len(calls) == MOST_OF_PERSON + 1


def test_nothing_is_left_of_what_is_forgotten() -> None:
    calls = ConfirmedCalls()
    for number in range(3):
        calls.add(a_call(str(number)))
        calls.add(a_call(f"own{number}", callee=ALICE))
    calls.close_flow(1)
    assert len(calls) == 0
    assert not (calls._of_person or calls._of_flow)
