"""Chromium's temporal layers: a phone that takes little gets fewer frames, without a gap, and all of them decode."""

import itertools
import select
import time

from playwright.sync_api import Page

from tests.clients.calls import PICTURES
from tests.clients.chromium import statistics
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.phone import Phone
from tests.clients.vp8_reader import Frame, Vp8Reader
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import sign_in, start_demo_meeting

_WATCHED = 7.0
"""Seconds; a phone that says nothing is shown nothing after ten."""
_SETTLED = 3 * 90_000
"""Ticks after which the room has measured what a layer takes."""
_PLENTY, _LITTLE = 2_000_000, 70_000
"""Bits per second: the smallest layer takes some 100,000, with half of its frames 70,000, with a quarter 40,000."""


def test_who_takes_little_gets_fewer_frames(
    network: Network, deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    eventually(lambda: sends_all_layers(host), "a camera in three layers", 60.0)
    with Phone(network.add_host(), deployment, "bob") as bob:
        plenty = watched(bob, _PLENTY)
    assert {frame.temporal for frame in plenty} == {0, 1, 2}
    with Phone(network.add_host(), deployment, "bob") as bob:
        little = watched(bob, _LITTLE)
    assert 2 not in {frame.temporal for frame in little}
    assert len(little) < 0.7 * len(plenty)


def sends_all_layers(page: Page) -> bool:
    rows = statistics(page, "outbound-rtp", kind="video")
    return {row.get("rid") for row in rows if row.get("framesSent")} >= {"q", "h", "f"}


def watched(phone: Phone, bandwidth: int) -> list[Frame]:
    """The frames that the phone is shown if it says that it takes so much, once that is settled."""
    first, *others = PICTURES.replace("40002", str(phone.eye.port)).split("\n")
    lines = "\n".join([first, f"b=TIAS:{bandwidth}", *others])
    reader = Vp8Reader(phone.join(pictures_at=lines))
    end = time.monotonic() + _WATCHED
    while (left := end - time.monotonic()) > 0:
        if select.select([phone.eye.udp], [], [], left)[0]:
            reader.take(phone.eye.udp.recv(2048))
    phone.leave()
    frames = reader.frames
    assert reader.decode() == len(frames) > 20
    assert_without_gap(frames)
    return [frame for frame in frames if frame.timestamp - frames[0].timestamp > _SETTLED]


def assert_without_gap(frames: list[Frame]) -> None:
    for one, two in itertools.pairwise(frames):
        assert two.first == (one.last + 1) & 0xFFFF
        assert one.picture is not None
        assert two.picture == (one.picture + 1) & 0x7FFF
