"""A server reached from outside only."""

from collections.abc import Iterator

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Hosts of the module's own."""
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running demo on the network's first host, shared by the module's attacks."""
    with Deployment(network.server, tmp_path_factory.mktemp("attack") / "demo") as deployment:
        yield deployment


@pytest.fixture(scope="package")
def town() -> Iterator[Network]:
    """Hosts shared by all attacks that leave nothing behind: each takes new ones, and so new addresses."""
    with Network() as network:
        yield network


@pytest.fixture(scope="package")
def house(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running demo in the town. Who attacks it leaves people, devices and its meeting as they were."""
    with Deployment(town.server, tmp_path_factory.mktemp("town") / "demo") as deployment:
        yield deployment
