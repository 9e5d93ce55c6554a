"""A server and browsers, each on a host of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.clients.audio import melody, write_wav
from tests.clients.chromium import Chromium
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network


class OpenBrowser(Protocol):
    """Opens a browser by name, with the melody of a seed on its microphone; on a host of its own if not told which."""

    def __call__(self, name: str, seed: int, host: Host | None = None) -> Chromium: ...


@pytest.fixture
def network() -> Iterator[Network]:
    """Hosts of the test's own."""
    with Network() as network:
        yield network


@pytest.fixture
def deployment(network: Network, tmp_path: Path) -> Iterator[Deployment]:
    """A running demo on the network's first host."""
    with Deployment(network.server, tmp_path / "demo") as deployment:
        yield deployment


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    """The driver."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def open_browser(
    network: Network, deployment: Deployment, playwright: Playwright, tmp_path: Path
) -> Iterator[OpenBrowser]:
    """As `OpenBrowser`."""
    with ExitStack() as browsers:

        def open_one(name: str, seed: int, host: Host | None = None) -> Chromium:
            microphone = tmp_path / f"{name}.wav"
            write_wav(microphone, melody(seed, 60.0))
            return browsers.enter_context(
                Chromium(
                    playwright, host or network.add_host(), tmp_path / name,
                    authority=deployment.authority, microphone=microphone,
                )
            )  # fmt: skip

        yield open_one
