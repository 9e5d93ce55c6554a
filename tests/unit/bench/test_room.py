"""What the room benchmark makes of its figures."""

import pytest
from bench.processes import CannotStart
from bench.room import (
    BUSY,
    FORWARDINGS,
    JANUS,
    OURS,
    PARTICIPANTS,
    THIN,
    Figures,
    check,
    growth,
    ratio_forward,
    ratio_mix,
)


def _figures(micros: float, millis: float) -> Figures:
    return Figures(
        forward={each.name: [micros, micros * 100, micros] for each in FORWARDINGS},
        mix={f"{count} participants": [millis] for count in PARTICIPANTS},
    )


def test_ratios_are_of_medians_where_we_look_worst() -> None:
    figures = {JANUS: _figures(20.0, 16.0), OURS: _figures(4.0, 4.0)}
    assert ratio_forward(figures, THIN) == pytest.approx(0.2)
    figures[OURS].forward[FORWARDINGS[-1].name] = [6.0, 1.0, 9.0]
    assert ratio_forward(figures, THIN) == pytest.approx(0.3)
    assert ratio_forward(figures, BUSY) == pytest.approx(0.2)
    figures[OURS].mix[f"{PARTICIPANTS[0]} participants"] = [12.0]
    assert ratio_mix(figures) == pytest.approx(0.75)


def test_growth_is_from_few_receivers_to_many() -> None:
    ours = _figures(5.0, 1.0)
    ours.forward[FORWARDINGS[-1].name] = [4.0]
    assert growth(ours, frames=True) == pytest.approx(0.8)
    assert growth(ours, frames=False) == pytest.approx(1.0)


@pytest.mark.parametrize("tally", [{"wrong": 1, "received": 100}, {"wrong": 0, "received": 10}])
def test_what_did_not_come_through_is_no_figure(tally: dict[str, int]) -> None:
    with pytest.raises(CannotStart):
        check(tally, 100)
    check({"wrong": 0, "received": 98}, 100)
