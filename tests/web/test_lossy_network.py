"""A guest's browser on a bad network: 5% lost, 200 ms there and back, 2% out of order, both ways (N8)."""

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.lossy_link import LossyLink
from tests.clients.namespaces import Network
from tests.web.conftest import OpenBrowser
from tests.web.meeting_steps import (
    hears_sound,
    meet,
    sees_moving_video,
)


def test_pictures_move_and_sound_comes_both_ways(
    network: Network, deployment: Deployment, open_browser: OpenBrowser
) -> None:
    host = open_browser("host", 1).page()
    far = open_browser("guest", 2)
    with LossyLink(network, far.host) as link:
        guest = far.page()
        meet(host, guest, deployment)
        for page in (host, guest):
            sees_moving_video(page)
            hears_sound(page)
        eventually(lambda: link.lost > 50, "a link as bad as it should be")
