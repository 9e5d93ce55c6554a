"""A network with the server on its first host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network


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


@pytest.fixture(scope="package")
def town() -> Iterator[Network]:
    """Hosts shared by tests that leave nothing behind: each takes new ones."""
    with Network() as network:
        yield network


@pytest.fixture(scope="package")
def house(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running demo in the town. Who uses it leaves its people, their devices and the meeting as they were."""
    with Deployment(town.server, tmp_path_factory.mktemp("town") / "demo") as deployment:
        yield deployment
