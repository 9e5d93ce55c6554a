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
