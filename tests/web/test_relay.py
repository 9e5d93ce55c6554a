"""A browser that reaches the meeting only through the relay (N1, N8, C4)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.clients.chromium import statistics
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.nat import Nat
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


@pytest.fixture
def strict(network: Network, deployment: Deployment) -> Iterator[Nat]:
    """A network that lets nothing out but TCP to the port of the web."""
    with Nat(network, 1, [deployment.facts["https_port"]]) as nat:
        yield nat


def test_media_goes_by_tls_where_only_the_port_of_the_web_is_reachable(
    deployment: Deployment, strict: Nat, open_browser: OpenBrowser
) -> None:
    host, guest = open_browser("host", 1, strict.host).page(), open_browser("guest", 2).page()
    meet(host, guest, deployment)
    for page in (host, guest):
        sees_moving_video(page)
        hears_sound(page)
    assert _way(host) == ("relay", "tls")
    assert strict.packets()["refused"] > 0


def _way(page: Page) -> tuple[str, str]:
    """The kind of our own candidate that is in use, and how it talks to the relay."""
    pairs = statistics(page, "candidate-pair", nominated=True, state="succeeded")
    candidate = next(
        row
        for row in statistics(page, "local-candidate")
        if row["id"] == pairs[0]["localCandidateId"]
    )
    return candidate["candidateType"], candidate["relayProtocol"]
