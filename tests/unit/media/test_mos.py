"""The estimate of how speech sounds."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.media.mos import CODECS, Grade, grade_of, mean_opinion_score, rating, score

_SHARED = Path(__file__).parents[2] / "vectors" / "speech-scores.json"
LOSS = st.floats(0.0, 1.0)
SECONDS = st.floats(0.0, 30.0)
CODEC = st.sampled_from([*CODECS, "unknown"])


@pytest.mark.parametrize(
    ("r", "mos"),
    # ITU-T G.107 annex B, table B.1: the limits of the categories of user satisfaction.
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0), (100, 4.5)],
)
def test_ratings_have_the_scores_of_the_standard(r: float, mos: float) -> None:
    assert score(r) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize(
    ("delay", "r"),
    # Only delay: nearly nothing up to 177 ms, then felt (Cole and Rosenbluth 2001, figure 1).
    [(0.0, 93.2), (0.1, 90.8), (0.1773, 88.94), (0.4, 59.1)],
)
def test_delay_is_felt_late(delay: float, r: float) -> None:
    assert rating(delay=delay, loss=0.0, codec="PCMU") == pytest.approx(r, abs=0.05)


def test_loss_is_felt_at_once() -> None:
    # G.107 (3-29) by hand: 95 * 5 / (5 + 25.1) = 15.78 off.
    assert rating(delay=0.0, loss=0.05, codec="PCMA") == pytest.approx(93.2 - 15.78, abs=0.01)


def test_grades_are_what_people_say() -> None:
    still = mean_opinion_score(loss=0.0, jitter=0.001, round_trip=0.04, codec="opus")
    assert grade_of(still) is Grade.GOOD
    rough = mean_opinion_score(loss=0.08, jitter=0.03, round_trip=0.2, codec="opus")
    assert grade_of(rough) is Grade.FAIR
    broken = mean_opinion_score(loss=0.3, jitter=0.08, round_trip=0.6, codec="opus")
    assert grade_of(broken) is Grade.POOR


@given(LOSS, LOSS, SECONDS, SECONDS, SECONDS, CODEC)
def test_more_loss_never_sounds_better(
    loss: float, more: float, jitter: float, trip: float, longer: float, codec: str
) -> None:
    def scored(loss: float, trip: float) -> float:
        return mean_opinion_score(loss=loss, jitter=jitter, round_trip=trip, codec=codec)

    low, high = sorted((loss, more))
    near, far = sorted((trip, longer))
    assert 1.0 <= scored(high, near) <= scored(low, near) + 1e-9 <= 4.5 + 1e-9
    assert scored(low, far) <= scored(low, near) + 1e-9


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), CODEC)
def test_a_rating_is_always_one(delay: float, loss: float, codec: str) -> None:
    assert 0.0 <= rating(delay=delay, loss=loss, codec=codec) <= 100.0


def test_the_web_client_scores_the_same() -> None:
    for row in json.loads(_SHARED.read_text()):
        mos = mean_opinion_score(
            loss=row["loss"], jitter=row["jitter"], round_trip=row["round_trip"], codec="opus"
        )
        assert mos == pytest.approx(row["score"], abs=1e-3)
        assert grade_of(mos) == row["grade"]
