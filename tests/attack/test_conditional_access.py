"""A tenant's rules hold on a running server: at sign-in, at renewal, by the certificate shown (I5)."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import Ask, hold_a_key, query_of, redeem, refresh, session, sign_in

_COMMAND = str(Path(sys.executable).parent / "vestibule")
OpenBrowser = Callable[..., httpx.Client]


class Admin:
    """Commands on the demo's data, beside the running server."""

    def __init__(self, deployment: Deployment) -> None:
        self._config = deployment.folder.parent / "vestibule.toml"
        self._config.write_text(
            f'data_dir = "{deployment.folder}"\nhost = "{deployment.facts["host"]}"\n'
            'domains = ["vestibule.test"]\n'
        )

    def access(self, *arguments: str) -> str:
        """`vestibule policy access …`."""
        command = [_COMMAND, "policy", "access", *arguments, "--config", str(self._config)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def office(network: Network) -> Host:
    """A host that the rules call inside."""
    return network.add_host()


@pytest.fixture
def admin(deployment: Deployment, office: Host) -> Iterator[Admin]:
    """An admin whose rules end with the test."""
    admin = Admin(deployment)
    admin.access("network", "inside", f"{office.address}/32")
    admin.access("add", "tested", "block", "--client", "cli")  # stands for nothing yet
    yield admin
    admin.access("remove", "tested")


@pytest.fixture
def browser(network: Network, deployment: Deployment) -> Iterator[OpenBrowser]:
    """Opens browsers: at home or on a given host, with or without a client certificate."""
    opened: list[httpx.Client] = []

    def open_one(host: Host | None = None, certificate: Path | None = None) -> httpx.Client:
        transport = HostTransport(
            host or network.add_host(), deployment.authority, certificate=certificate
        )
        opened.append(httpx.Client(transport=transport, base_url=deployment.origin))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def enters(browser: httpx.Client, deployment: Deployment, user: str = "alice") -> bool:
    """Whether the password leads back to the client, and not to the page about the rule."""
    browser.cookies.clear()  # who got in a moment ago would not be asked again
    page = sign_in(browser, Ask(deployment.origin), user, deployment.user(user).password)
    assert page.status_code == 303 or "tested" in page.text
    return page.status_code == 303


def test_whoever_is_outside_is_told_why_and_whoever_is_inside_gets_in(
    admin: Admin, browser: OpenBrowser, deployment: Deployment, office: Host
) -> None:
    admin.access("add", "tested", "block", "--network", "outside", "--explain", "Not from there.")
    outside = browser()
    eventually(lambda: not enters(outside, deployment), "the rule to reach the server", 10.0)
    password = deployment.user("alice").password
    page = sign_in(outside, Ask(deployment.origin), "alice", password)
    assert page.status_code == 403
    assert "network outside" in page.text
    assert "Not from there." in page.text
    assert enters(browser(office), deployment)


def test_a_renewal_outside_is_refused_until_one_is_inside_again(
    admin: Admin, browser: OpenBrowser, deployment: Deployment, office: Host
) -> None:
    at_work, at_home, ask = browser(office), browser(), Ask(deployment.origin)
    password = deployment.user("alice").password
    code = query_of(sign_in(at_work, ask, "alice", password))["code"]
    bought = redeem(at_work, ask, code, ask.verifier).json()
    admin.access("add", "tested", "block", "--network", "outside")
    stranger = browser()
    eventually(lambda: not enters(stranger, deployment), "the rule to reach the server", 10.0)
    at_home.auth = hold_a_key(at_work)  # the same computer, taken home
    for _ in range(2):
        refused = refresh(at_home, bought["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"
    assert session(at_home, bought["access_token"]) == 200
    assert refresh(at_work, bought["refresh_token"]).status_code == 200


def test_only_one_s_own_certificate_counts(
    admin: Admin, browser: OpenBrowser, deployment: Deployment
) -> None:
    admin.access("add", "tested", "block", "--no-device-certificate")
    bare = browser()
    eventually(lambda: not enters(bare, deployment), "the rule to reach the server", 10.0)
    alice, bob = (deployment.user(name).device_pem for name in ("alice", "bob"))
    assert enters(browser(certificate=alice), deployment)
    assert not enters(browser(certificate=bob), deployment)
    assert enters(browser(certificate=bob), deployment, "bob")
