"""A flood of refusals is counted; nothing that happened is left out of the sum (N11)."""

from hypothesis import given
from hypothesis import strategies as st

from vestibule.journal.flood import EVERYWHERE, FIRST, INTERVAL, MOST_SINGLE, MOST_SOURCES, Flood
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note


def refusal(address: str = "192.0.2.1", kind: Kind = Kind.PROOF_REFUSED) -> Note:
    return Note(kind, address=address)


def singles(flood: Flood, *notes: Note, room: bool = True) -> int:
    return sum(flood.passes(note, room=room) for note in notes)


def test_the_first_ones_stand_alone_and_the_rest_in_one_sum() -> None:
    flood = Flood(str, 0.0)
    assert singles(flood, *[refusal()] * 1000) == FIRST
    (summary,) = flood.summaries(INTERVAL)
    assert summary.kind is Kind.PROOF_REFUSED
    assert summary.address == "192.0.2.1"
    assert summary.details == {Detail.COUNT: str(1000 - FIRST), Detail.SECONDS: "60"}


def test_nothing_is_summed_up_before_the_interval_is_over_unless_at_once() -> None:
    flood = Flood(str, 0.0)
    singles(flood, *[refusal()] * 100)
    assert flood.summaries(INTERVAL - 1) == []
    assert len(flood.summaries(INTERVAL - 1, at_once=True)) == 1
    assert flood.summaries(INTERVAL - 1, at_once=True) == []


def test_a_source_that_goes_on_stays_counted_and_one_that_rests_is_heard_again() -> None:
    flood = Flood(str, 0.0)
    singles(flood, *[refusal()] * 100)
    flood.summaries(INTERVAL)
    assert singles(flood, *[refusal()] * 5) == 0
    (summary,) = flood.summaries(2 * INTERVAL)
    assert summary.details[Detail.COUNT] == "5"
    assert flood.summaries(3 * INTERVAL) == []
    assert singles(flood, refusal()) == 1


def test_one_source_s_flood_hides_neither_another_source_nor_another_kind() -> None:
    flood = Flood(str, 0.0)
    singles(flood, *[refusal()] * 1000)
    assert singles(flood, refusal("192.0.2.2")) == 1
    assert singles(flood, refusal(kind=Kind.SIGN_IN_REFUSED)) == 1


def test_addresses_of_one_subscriber_are_one_source() -> None:
    flood = Flood(lambda address: address[:4], 0.0)
    notes = [refusal(f"2001:db8::{number}") for number in range(100)]
    assert singles(flood, *notes) == FIRST


def test_a_flood_from_everywhere_writes_a_bounded_number_of_entries() -> None:
    flood = Flood(str, 0.0)
    notes = [refusal(f"source {number}") for number in range(5000)]
    alone = singles(flood, *notes)
    sums = flood.summaries(INTERVAL)
    assert alone <= MOST_SINGLE
    assert len(sums) <= MOST_SOURCES + 1
    assert alone + sum(int(note.details[Detail.COUNT]) for note in sums) == 5000
    assert EVERYWHERE in {note.address for note in sums}


def test_where_there_is_no_room_all_is_counted() -> None:
    flood = Flood(str, 0.0)
    assert singles(flood, refusal(), refusal(), room=False) == 0
    assert flood.summaries(INTERVAL)[0].details[Detail.COUNT] == "2"


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.booleans()), max_size=300))
def test_every_event_stands_alone_or_in_exactly_one_sum(
    events: list[tuple[int, bool, bool]],
) -> None:
    flood, now, told = Flood(str, 0.0), 0.0, 0
    for source, room, interval_ends in events:
        told += flood.passes(refusal(str(source)), room=room)
        if interval_ends:
            now += INTERVAL
            told += sum(int(note.details[Detail.COUNT]) for note in flood.summaries(now))
    told += sum(int(note.details[Detail.COUNT]) for note in flood.summaries(now, at_once=True))
    assert told == len(events)
