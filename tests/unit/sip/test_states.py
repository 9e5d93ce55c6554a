"""Every state and every event of every machine: nothing is left to chance."""

from itertools import product

import pytest

from vestibule.sip.states import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    TRANSACTION_SECONDS,
    Event,
    Machine,
    State,
    event_of_status,
)

MACHINES = {
    "INVITE server": INVITE_SERVER,
    "non-INVITE server": NON_INVITE_SERVER,
    "INVITE client": INVITE_CLIENT,
    "non-INVITE client": NON_INVITE_CLIENT,
}

# What RFC 3261 section 17 and RFC 6026 leave of each machine on a reliable transport.
EXPECTED = {
    "INVITE server": """
        PROCEEDING PROVISIONAL PROCEEDING
        PROCEEDING SUCCESS ACCEPTED
        PROCEEDING FAILURE COMPLETED
        PROCEEDING FLOW_LOST TERMINATED
        ACCEPTED SUCCESS ACCEPTED
        ACCEPTED TIMEOUT TERMINATED
        ACCEPTED FLOW_LOST TERMINATED
        COMPLETED ACK TERMINATED
        COMPLETED TIMEOUT TERMINATED
        COMPLETED FLOW_LOST TERMINATED
    """,
    "non-INVITE server": """
        TRYING PROVISIONAL TRYING
        TRYING SUCCESS TERMINATED
        TRYING FAILURE TERMINATED
        TRYING TIMEOUT TERMINATED
        TRYING FLOW_LOST TERMINATED
    """,
    "INVITE client": """
        CALLING PROVISIONAL PROCEEDING
        CALLING SUCCESS ACCEPTED
        CALLING FAILURE TERMINATED
        CALLING TIMEOUT TERMINATED
        CALLING FLOW_LOST TERMINATED
        PROCEEDING PROVISIONAL PROCEEDING
        PROCEEDING SUCCESS ACCEPTED
        PROCEEDING FAILURE TERMINATED
        PROCEEDING TIMEOUT TERMINATED
        PROCEEDING FLOW_LOST TERMINATED
        ACCEPTED SUCCESS ACCEPTED
        ACCEPTED TIMEOUT TERMINATED
        ACCEPTED FLOW_LOST TERMINATED
    """,
    "non-INVITE client": """
        TRYING PROVISIONAL TRYING
        TRYING SUCCESS TERMINATED
        TRYING FAILURE TERMINATED
        TRYING TIMEOUT TERMINATED
        TRYING FLOW_LOST TERMINATED
    """,
}


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_transition(name: str, state: State, event: Event) -> None:
    lines = [line.split() for line in EXPECTED[name].strip().splitlines()]
    expected = {(State[a], Event[b]): State[c] for a, b, c in lines}
    assert MACHINES[name].transitions.get((state, event)) == expected.get((state, event))


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_no_state_can_be_entered_without_a_way_out(machine: Machine) -> None:
    for state in {machine.start, *machine.transitions.values()} - {State.TERMINATED}:
        ways_out = {after for (at, _), after in machine.transitions.items() if at is state}
        assert State.TERMINATED in ways_out
    assert not any(state is State.TERMINATED for state, _ in machine.transitions)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_whoever_waits_for_the_other_side_has_a_deadline(machine: Machine) -> None:
    unlimited = {State.PROCEEDING}  # a phone may ring; who forks it or keeps a lobby sets the limit
    for state in {machine.start, *machine.transitions.values()} - {State.TERMINATED} - unlimited:
        assert machine.seconds[state] == TRANSACTION_SECONDS == 32.0


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        INVITE_SERVER.transitions[State.PROCEEDING, Event.ACK] = State.TERMINATED  # type: ignore[index]


def test_responses_by_class() -> None:
    for status in range(100, 700):
        expected = (
            Event.PROVISIONAL if status < 200 else Event.SUCCESS if status < 300 else Event.FAILURE
        )
        assert event_of_status(status) is expected
