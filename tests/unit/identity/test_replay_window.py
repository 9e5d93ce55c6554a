"""Each number once, and none that is too old (ATTACKS 12)."""

from hypothesis import given
from hypothesis import strategies as st

from vestibule.identity.replay_window import LARGEST, WINDOW, ReplayWindow

STEPS = st.lists(
    st.one_of(st.integers(1, 3 * WINDOW), st.integers(1, LARGEST), st.integers(-3, 0)), max_size=60
)


@given(STEPS)
def test_it_agrees_with_a_window_that_forgets_nothing(numbers: list[int]) -> None:
    window, taken, highest = ReplayWindow(), set[int](), 0
    for number in numbers:
        good = 0 < number <= LARGEST and number > highest - WINDOW and number not in taken
        assert window.take(number) is good
        if good:
            taken.add(number)
            highest = max(highest, number)


def test_each_place_of_the_window_once_after_each_leap() -> None:
    for leap in range(1, WINDOW + 2):
        window = ReplayWindow()
        assert window.take(WINDOW)
        assert window.take(WINDOW + leap)
        for number in range(WINDOW + leap + 1):
            fresh = number > leap and number != WINDOW
            fresh = fresh and number != WINDOW + leap
            assert window.take(number) is fresh, (leap, number)
            assert not window.take(number)


def test_a_leap_to_the_end_is_no_work() -> None:
    window = ReplayWindow()
    assert window.take(1)
    assert window.take(LARGEST)
    assert not window.take(LARGEST + 1)
    assert not window.take(1)
    assert window.take(LARGEST - WINDOW + 1)
    assert not window.take(LARGEST - WINDOW)
