"""`vestibule demo` as most meet it first: on 127.0.0.1, with the browser on the same machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.clients.audio import melody, write_wav
from tests.clients.chromium import Chromium
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.web.meeting_steps import (
    hears_sound,
    meet,
    sees_moving_video,
)


@pytest.fixture
def deployment(network: Network, tmp_path: Path) -> Iterator[Deployment]:
    """A demo that was told nothing, so listens on loopback."""
    network.add_route_to_the_world()
    with Deployment(network.server, tmp_path / "demo", address="127.0.0.1") as deployment:
        yield deployment


def test_host_and_guest_on_the_same_machine_see_and_hear(
    network: Network, deployment: Deployment, playwright: Playwright, tmp_path: Path
) -> None:
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, melody(1, 60.0))
    with Chromium(
        playwright, network.server, tmp_path / "browser",
        authority=deployment.authority, microphone=microphone,
    ) as browser:  # fmt: skip
        host, guest = browser.page(), browser.page()
        meet(host, guest, deployment)
        for page in (host, guest):
            sees_moving_video(page)
            hears_sound(page)
