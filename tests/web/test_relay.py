"""A browser that reaches the meeting only through the relay (N1, N8, C4). By TLS: `test_relay_coturn.py`."""

from playwright.sync_api import Page, expect

from tests.clients.chromium import statistics
from tests.clients.deployment import Deployment
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    hears_sound,
    meet,
    sees_moving_video,
)

_RELAY_ONLY = """
const Direct = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Direct {
  constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
};
"""


def test_media_goes_by_the_relay_where_nothing_else_is_allowed(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host, guest = open_browser("host", 1).page(), open_browser("guest", 2).page()
    host.add_init_script(_RELAY_ONLY)
    meet(host, guest, deployment)
    for page in (host, guest):
        sees_moving_video(page)
        hears_sound(page)
    assert _way(host) == ("relay", "udp")
    host.get_by_test_id("quality").click()
    path = host.get_by_test_id("quality-path")
    expect(path).to_have_text("Through the relay, UDP", timeout=20_000)


def test_media_goes_by_tcp_where_no_udp_comes_through(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    at_host = open_browser("host", 1)
    host, guest = at_host.page(), open_browser("guest", 2).page()
    at_host.host.lose(100)
    host.add_init_script(_RELAY_ONLY)
    meet(host, guest, deployment)
    for page in (host, guest):
        sees_moving_video(page)
        hears_sound(page)
    assert _way(host) == ("relay", "tcp")


def _way(page: Page) -> tuple[str, str]:
    """The kind of our own candidate that is in use, and how it talks to the relay."""
    pairs = statistics(page, "candidate-pair", nominated=True, state="succeeded")
    candidate = next(
        row
        for row in statistics(page, "local-candidate")
        if row["id"] == pairs[0]["localCandidateId"]
    )
    return candidate["candidateType"], candidate["relayProtocol"]
