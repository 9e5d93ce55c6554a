"""ATTACKS 73: a connection that was proven ends within seconds of its sign-in (I14)."""

import re
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.clients.association import ClientAssociation
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import device_tokens, refresh, tokens
from tests.clients.sip_line import request, status_of
from tests.clients.socket_line import open_socket

ALICE, DOMAIN = "sip:alice@vestibule.test", "sip:vestibule.test"


Prove = Callable[[str], str]
"""Makes a SIP message a proven one."""


def by_association(browser: httpx.Client, given: dict[str, str]) -> Prove:
    """As the web client does."""
    return ClientAssociation.open(browser, given["access_token"], ALICE).sign


def by_token(given: dict[str, str]) -> Prove:
    """As phones do that were let in by a code."""
    line = f"\r\nAuthorization: Bearer {given['access_token']}\r\n"
    return lambda message: message.replace("\r\n", line, 1)


def register(socket: ClientConnection, prove: Prove) -> int:
    message = request("REGISTER", DOMAIN, ALICE, to=ALICE)
    message = re.sub(r"Contact: .*", "Contact: <sip:x@x.invalid;transport=ws>", message)
    socket.send(prove(message.replace("\n", "\r\n")))
    return status_of(str(socket.recv(10.0)))


def sign_out(browser: httpx.Client, given: dict[str, str]) -> None:
    answer = browser.get("/identity/end-session", params={"id_token_hint": given["id_token"]})
    assert answer.status_code == 303


def revoke(browser: httpx.Client, given: dict[str, str], client: str = "vestibule-web") -> None:
    form = {"token": given["refresh_token"], "client_id": client}
    assert browser.post("/identity/revoke", data=form).status_code == 200


def use_a_refresh_token_twice(browser: httpx.Client, given: dict[str, str]) -> None:
    assert refresh(browser, given["refresh_token"]).status_code == 200
    assert refresh(browser, given["refresh_token"]).status_code == 400


@pytest.mark.parametrize("end", [sign_out, revoke, use_a_refresh_token_twice])
def test_the_socket_of_a_browser_ends_with_its_sign_in(
    network: Network,
    deployment: Deployment,
    end: Callable[[httpx.Client, dict[str, str]], None],
) -> None:
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        given = tokens(browser, deployment)
        with open_socket(host, deployment) as socket, open_socket(host, deployment) as other:
            used, unused = (by_association(browser, given) for _ in range(2))
            assert register(socket, used) == 200
            with httpx.Client(transport=transport, base_url=deployment.origin) as elsewhere:
                apart = by_association(elsewhere, tokens(elsewhere, deployment))
            assert register(other, apart) == 200
            end(browser, given)
            with pytest.raises(ConnectionClosed):
                socket.recv(10.0)
            assert register(other, apart) == 200, "another sign-in goes on"
        with open_socket(host, deployment) as socket:
            assert register(socket, unused) == 401


def test_the_socket_of_a_phone_ends_with_its_sign_in(
    network: Network, deployment: Deployment
) -> None:
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        given, apart = (device_tokens(browser, deployment) for _ in range(2))
        with open_socket(host, deployment) as socket, open_socket(host, deployment) as other:
            assert register(socket, by_token(given)) == register(other, by_token(apart)) == 200
            revoke(browser, given, "vestibule-phone")
            with pytest.raises(ConnectionClosed):
                socket.recv(10.0)
            assert register(other, by_token(apart)) == 200, "another phone goes on"
        with open_socket(host, deployment) as socket:
            assert register(socket, by_token(given)) == 401
