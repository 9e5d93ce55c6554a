from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.sip.timers import RESOLUTION, TimerWheel


def test_a_timer_fires_once_and_not_before_its_time() -> None:
    wheel, fired = TimerWheel(100.0), []
    wheel.schedule(1.0, lambda: fired.append("x"))
    wheel.advance(100.99)
    assert fired == []
    wheel.advance(101.0 + 2 * RESOLUTION)
    wheel.advance(105.0)
    assert fired == ["x"]


def test_a_cancelled_timer_never_fires_and_is_not_kept() -> None:
    wheel, fired = TimerWheel(), []
    timer = wheel.schedule(1.0, lambda: fired.append("x"))
    timer.cancel()
    timer.cancel()
    assert len(wheel) == 0
    wheel.advance(10.0)
    assert fired == []


def test_a_callback_may_set_and_cancel_timers() -> None:
    wheel, fired = TimerWheel(), []
    later = wheel.schedule(5.0, lambda: fired.append("cancelled"))

    def first() -> None:
        later.cancel()
        wheel.schedule(0.0, lambda: fired.append("second"))

    wheel.schedule(1.0, first)
    wheel.advance(2.0)
    assert fired == []
    wheel.advance(6.0)
    assert fired == ["second"]


def test_a_failing_callback_stops_no_other() -> None:
    wheel, fired = TimerWheel(), list[str]()
    wheel.schedule(1.0, lambda: fired.remove("nothing"))
    wheel.schedule(1.0, lambda: fired.append("x"))
    wheel.schedule(2.0, lambda: fired.append("y"))
    with pytest.raises(ExceptionGroup):
        wheel.advance(3.0)
    assert fired == ["x", "y"]


def test_time_never_goes_back() -> None:
    wheel = TimerWheel(10.0)
    wheel.advance(5.0)
    assert wheel.now == 10.0


@given(st.lists(st.floats(0, 100), max_size=30), st.lists(st.floats(0, 120), max_size=30))
def test_every_timer_fires_at_the_first_look_after_its_time(
    delays: list[float], looks: list[float]
) -> None:
    wheel = TimerWheel()
    fired: list[tuple[float, float]] = []

    def fires(delay: float) -> None:
        fired.append((delay, wheel.now))

    for delay in delays:
        wheel.schedule(delay, partial(fires, delay))
    seen: list[float] = []
    for look in [*sorted(looks), 200.0]:
        wheel.advance(look)
        seen.append(look)
    assert sorted(delay for delay, _ in fired) == sorted(delays)
    for delay, at in fired:
        assert at >= delay
        earlier = [look for look in seen if look < at]
        assert not earlier or max(earlier) < delay + 2 * RESOLUTION
