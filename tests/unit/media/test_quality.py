"""Numbers of all endpoints summed up, and what a score is made of."""

import pytest

from vestibule.media.quality import EndpointQuality, Flow, MediaTotals


def endpoint(
    *, loss: float | None, phone: bool = False, trip: float | None = None
) -> EndpointQuality:
    flow = Flow("audio", 100, 10_000, 32_000, loss, None if loss is None else 0.01)
    mos = None if loss is None else 4.2
    return EndpointQuality("e", phone, True, "opus", trip, (flow,), (), mos, None)


def test_totals_name_nobody() -> None:
    everyone = [
        endpoint(loss=0.1, trip=0.1),
        endpoint(loss=0.0, phone=True, trip=0.3),
        endpoint(loss=None),
    ]
    totals = MediaTotals(lambda: everyone)
    assert totals.endpoints() == {("browser",): 2, ("phone",): 1}
    assert totals.bitrates() == {("received", "audio"): 96_000}
    assert totals.losses() == {("received", "audio"): pytest.approx(0.05)}
    assert totals.jitters() == {("received", "audio"): pytest.approx(0.01)}
    assert totals.round_trip() == {(): pytest.approx(0.2)}
    grades = totals.grades()
    assert grades["received", "good"] == 2
    assert (grades["received", "unknown"], grades["sent", "unknown"]) == (1, 3)


def test_an_idle_node_tells_zeros() -> None:
    totals = MediaTotals(list)
    assert set(totals.endpoints().values()) == set(totals.grades().values()) == {0}
    assert totals.round_trip() == totals.losses() == {}


def test_one_scrape_looks_once() -> None:
    looks, now = 0, 0.0

    def look() -> list[EndpointQuality]:
        nonlocal looks
        looks += 1
        return []

    totals = MediaTotals(look, lambda: now)
    totals.endpoints(), totals.grades(), totals.losses()
    assert looks == 1
    now = 5.0
    totals.endpoints()
    assert looks == 2
