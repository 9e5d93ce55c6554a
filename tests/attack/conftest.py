"""A server reached from outside only."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests import module_deployment
from tests.certificates import TestAuthority
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport, OpenBrowser
from tests.clients.namespaces import Network
from tests.clients.relay_crowd import Crowd
from tests.list_server import ListServer

network = module_deployment.network
deployment = module_deployment.deployment


@pytest.fixture
def crowd(network: Network, deployment: Deployment) -> Iterator[Crowd]:
    """Nobody yet."""
    with ExitStack() as kept:
        yield Crowd(network, deployment, kept)


@pytest.fixture(scope="module")
def outside_lists(network: Network) -> Iterator[ListServer]:
    """Where that authority's revocation lists are, on a host of its own."""
    host = network.add_host()
    with ListServer(socket_of=lambda _: host.listen(host.address)) as server:
        yield server


@pytest.fixture(scope="module")
def outside(outside_lists: ListServer) -> TestAuthority:
    """An authority of other people's web servers."""
    authority = TestAuthority("Outside", points=outside_lists.base)
    outside_lists.publish_lists(authority)
    return authority


@pytest.fixture(scope="module")
def reaching_out(
    network: Network, outside: TestAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A demo that may connect to the module's hosts, and trusts that authority."""
    folder = tmp_path_factory.mktemp("attack")
    (folder / "outside.pem").write_bytes(outside.root_pem)
    settings = {
        "VESTIBULE_OUTBOUND_ALLOWED": f"{network.server.address.rpartition('.')[0]}.0/24",
        "VESTIBULE_TRUSTED_AUTHORITIES": str(folder / "outside.pem"),
    }
    with Deployment(network.server, folder / "demo", env=settings) as deployment:
        yield deployment


@pytest.fixture
def browser(
    network: Network, reaching_out: Deployment, outside: TestAuthority
) -> Iterator[OpenBrowser]:
    """Opens browsers that trust both sides; all are on the module's last host."""
    opened: list[httpx.Client] = []
    both = reaching_out.folder.parent / "both.pem"
    both.write_bytes(outside.root_pem + reaching_out.authority.read_bytes())
    host = network.add_host()

    def open_one() -> httpx.Client:
        transport = HostTransport(host, both)
        opened.append(httpx.Client(transport=transport, base_url=reaching_out.origin))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="package")
def town() -> Iterator[Network]:
    """Hosts shared by all attacks that leave nothing behind: each takes new ones, and so new addresses."""
    with Network() as network:
        yield network


@pytest.fixture(scope="package")
def house(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running demo in the town. Who attacks it leaves people, devices and its meeting as they were."""
    env = {"VESTIBULE_DIALOGS_PER_PERSON": "100000"}  # all of them attack as the same few people
    with Deployment(town.server, tmp_path_factory.mktemp("town") / "demo", env=env) as deployment:
        yield deployment
