"""A guest's browser on a bad network: 5% lost, 200 ms there and back, 2% out of order, both ways (N8)."""

from tests.clients.deployment import Deployment
from tests.clients.lossy_link import LossyLink
from tests.clients.namespaces import Network
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


def test_pictures_move_and_sound_comes_both_ways(
    network: Network, deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    far = open_browser("guest", 2)
    with LossyLink(network, far.host) as link:
        sign_in(host, deployment, deployment.user("alice"))
        start_demo_meeting(host, deployment)
        guest = far.page()
        knock(guest, deployment, "Gus")
        admit(host, "Gus")
        wait_for_meeting(guest)
        for page in (host, guest):
            sees_moving_video(page)
            hears_sound(page)
        assert link.lost > 50
