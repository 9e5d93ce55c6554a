"""ATTACKS 51, 79: web servers that we fetch from, whose certificate is revoked or can't be told (DESIGN.md §4.2).

A running server asks an OpenID provider over HTTPS. What the provider's authority says of it changes;
whether we speak to it is seen over there: not one request comes to a server that isn't good.
"""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from cryptography import x509

from tests.certificates import (
    DAY,
    SERVER,
    Credential,
    Shape,
    TestAuthority,
    key_usage,
    revocation_list,
)
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import OpenBrowser
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import Ask
from tests.list_server import ListServer, answer

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(slots=True)
class Street:
    """A host with one OpenID provider per certificate."""

    host: Host
    folder: Path
    deployment: Deployment
    names: list[str] = field(default_factory=list)

    def certificate(self, authority: TestAuthority, shape: Shape | None = None) -> Credential:
        name = x509.IPAddress(IPv4Address(self.host.address))
        return authority.issue(purposes=[SERVER], names=[name], shape=shape)

    @contextmanager
    def serving(
        self, credential: Credential, listener: socket.socket | None = None
    ) -> Iterator[ListServer]:
        """A web server with that certificate."""
        listener = listener or self.host.listen(self.host.address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(credential.write(self.folder, "server"))
        with ListServer(context, lambda _: listener) as server:
            yield server

    def is_asked(self, browser: httpx.Client, credential: Credential) -> bool:
        """Whether the server speaks to an honest provider that has that certificate."""
        with self.serving(credential) as server:
            server.answers[WELL_KNOWN] = answer(200, metadata(server.base))
            self.names.append(f"p{len(self.names)}")
            name = self.names[-1]
            self.deployment.vestibule("identity-provider", "add", name, server.base, "vestibule")
            page = self._start(browser, name)
            asked = server.asked[WELL_KNOWN] > 0
            assert (page.status_code == 303) == asked, page.text
            return asked

    def _start(self, browser: httpx.Client, name: str) -> httpx.Response:
        request = urlencode(Ask(self.deployment.origin).parameters)

        def begun() -> httpx.Response | None:
            path = f"/identity/external/{name}/start"
            page = browser.get(path, params={"request": request})
            return None if page.status_code == 404 else page

        return eventually(begun, "the server to know the provider", 10.0)


def metadata(issuer: str) -> bytes:
    return json.dumps(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
        }
    ).encode()


def lasting(days: int) -> Shape:
    """A certificate that says nowhere where its list is."""
    return Shape(begins=-DAY, ends=(days - 1) * DAY, usage=key_usage(signs=True), points=())


@pytest.fixture(scope="module")
def street(
    network: Network, reaching_out: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Street:
    return Street(network.add_host(), tmp_path_factory.mktemp("street"), reaching_out)


@pytest.fixture(scope="module")
def revoked(street: Street, outside: TestAuthority, outside_lists: ListServer) -> Credential:
    """On the list that the server will fetch; module-wide, for it is kept to its end."""
    revoked = street.certificate(outside)
    outside_lists.publish_lists(outside, revoked)
    return revoked


def test_a_revoked_one_is_refused(
    street: Street, outside: TestAuthority, revoked: Credential, browser: OpenBrowser
) -> None:
    assert not street.is_asked(browser(), revoked)
    assert street.is_asked(browser(), street.certificate(outside))
    assert "Revoked" in street.deployment.log.read_text()


def test_one_whose_list_can_not_be_had_is_refused(
    street: Street, outside: TestAuthority, revoked: Credential, outside_lists: ListServer,
    browser: OpenBrowser,
) -> None:  # fmt: skip
    silent = outside.beside("Silent", f"{outside_lists.base}/silent")
    assert not street.is_asked(browser(), street.certificate(silent))
    assert outside_lists.asked["/silent/issuer.crl"] >= 1
    late = outside.beside("Late", f"{outside_lists.base}/late")
    outside_lists.publish("/late/issuer.crl", revocation_list(late.issuer, ends=-DAY))
    assert not street.is_asked(browser(), street.certificate(late))


def test_only_what_lives_a_week_may_be_on_no_list(
    street: Street, outside: TestAuthority, revoked: Credential, browser: OpenBrowser
) -> None:
    assert street.is_asked(browser(), street.certificate(outside, lasting(7)))
    assert not street.is_asked(browser(), street.certificate(outside, lasting(8)))


def test_the_server_of_a_list_needs_no_list_itself(
    street: Street, outside: TestAuthority, revoked: Credential, browser: OpenBrowser
) -> None:
    """Its certificate is of the issuer whose list it gives, as ours is: to ask further would never end."""
    listener = street.host.listen(street.host.address)
    place = f"https://{street.host.address}:{listener.getsockname()[1]}"
    own = outside.beside("Own", place)
    with street.serving(street.certificate(own), listener) as lists:
        lists.publish("/issuer.crl", revocation_list(own.issuer))
        assert street.is_asked(browser(), street.certificate(own))
        assert lists.asked["/issuer.crl"] == 1
