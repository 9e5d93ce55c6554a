"""A deployment that a module's tests share, on a network of its own: name both fixtures there, or in a conftest."""

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
    """A running demo on the network's first host, shared by the module's tests."""
    with Deployment(network.server, tmp_path_factory.mktemp("module") / "demo") as deployment:
        yield deployment
