"""Cameras in three layers: what a browser receives is as large as it is shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, ViewportSize

from tests.clients.chromium import statistics
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    admit,
    knock,
    sees_moving_video,
    sign_in,
    start_demo_meeting,
    wait_for_meeting,
)

_SMALL: ViewportSize = {"width": 420, "height": 360}
_LARGE: ViewportSize = {"width": 1600, "height": 1000}
_PATIENCE = 60.0  # seconds


def test_a_small_window_gets_small_pictures_and_a_large_one_large_ones(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    guest = open_browser("guest", 2).page()
    guest.set_viewport_size(_SMALL)
    knock(guest, deployment, "Gus")
    admit(host, "Gus")
    wait_for_meeting(guest)
    sees_moving_video(guest)
    assert _layers_sent(host) == {"q", "h", "f"}
    eventually(lambda: _heights(guest) == {135}, "a small picture", _PATIENCE)
    with _goes_on(guest):
        guest.set_viewport_size(_LARGE)
        eventually(lambda: max(_heights(guest)) >= 270, "a larger picture", _PATIENCE)
    with _goes_on(guest):
        guest.set_viewport_size(_SMALL)
        eventually(lambda: _heights(guest) == {135}, "a small picture again", _PATIENCE)


def _layers_sent(page: Page) -> set[str]:
    """The rids of what the camera sends."""
    rows = statistics(page, "outbound-rtp", kind="video")
    return {row["rid"] for row in rows if "rid" in row}


def _pictures(page: Page) -> dict[str, tuple[int, int]]:
    """Height and number of decoded frames, by receive slot."""
    rows = statistics(page, "inbound-rtp", kind="video")
    return {
        row["mid"]: (row["frameHeight"], row["framesDecoded"])
        for row in rows
        if row.get("framesDecoded")
    }


def _heights(page: Page) -> set[int]:
    return {height for height, _ in _pictures(page).values()}


@contextmanager
def _goes_on(page: Page) -> Iterator[None]:
    """What was moving before still moves after: the old layer is shown until the new one's keyframe."""
    before = _pictures(page)
    yield
    after = {slot: frames for slot, (_, frames) in _pictures(page).items()}
    assert all(after[slot] > frames for slot, (_, frames) in before.items())
    sees_moving_video(page)
