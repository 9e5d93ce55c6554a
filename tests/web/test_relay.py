"""Browsers that reach the meeting only through the relay (N1, N8, C4): by UDP, and by TLS when nothing else passes."""

from playwright.sync_api import Page

from tests.clients.chromium import statistics
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    admit,
    hears_sound,
    knock,
    sees_moving_video,
    sign_in,
    start_demo_meeting,
    wait_for_meeting,
)

_RELAY_ONLY = """
const Direct = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Direct {
  constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
};
"""


def test_by_udp_and_where_udp_is_blocked_by_tls(
    deployment: Deployment, open_browser: OpenBrowser
) -> None:
    leader, shut_in = open_browser("host", 1), open_browser("guest", 2)
    host, guest = leader.page(), shut_in.page()
    host.add_init_script(_RELAY_ONLY)
    _block_udp(shut_in.host)
    sign_in(host, deployment, deployment.user("alice"))
    start_demo_meeting(host, deployment)
    knock(guest, deployment, "Gus")
    admit(host, "Gus")
    wait_for_meeting(guest)
    for page, way in ((host, "udp"), (guest, "tls")):
        sees_moving_video(page)
        hears_sound(page)
        assert _way(page) == ("relay", way)


def _block_udp(host: Host) -> None:
    """No datagram leaves or enters this host: a guest network that only knows the web."""
    rules = "add table inet f; add chain inet f {0} {{ type filter hook {0} priority 0; }}; "
    drop = "add rule inet f {0} meta l4proto udp drop; "
    for hook in ("input", "output"):
        done = host.run(["nft", rules.format(hook) + drop.format(hook)])
        assert done.returncode == 0, done.stderr


def _way(page: Page) -> tuple[str, str]:
    """The kind of our own candidate that is in use, and how it talks to the relay."""
    pairs = statistics(page, "candidate-pair", nominated=True, state="succeeded")
    candidate = next(
        row
        for row in statistics(page, "local-candidate")
        if row["id"] == pairs[0]["localCandidateId"]
    )
    return candidate["candidateType"], candidate["relayProtocol"]
