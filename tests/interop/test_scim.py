"""SCIM as an implementer of the other side sees it: scim2-tester, over TLS, on a running demo."""

import re
from typing import Any, cast

import httpx
from scim2_client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network

ALWAYS_THERE = {
    "check_remove_attribute: PATCH modify() did not remove attribute 'displayName'",
    "check_remove_attribute: PATCH modify() did not remove attribute 'name'",
    "check_remove_attribute: PATCH modify() did not remove attribute 'emails'",
    "check_remove_attribute: Failed to remove attribute 'active': That attribute can't be removed.",
}
"""Each account has a name and an e-mail address, and is active or not."""


class Client(BaseSyncSCIMClient):
    """scim2-client on a connection of the test's own."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self._http = http

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return True

    def _parse_json(self, response: Any) -> Any:
        return cast(httpx.Response, response).json()

    def request(self, method: str, url: str, **more: Any) -> Any:
        return self._http.request(method, url, **more)


def test_an_independent_checker_is_content(network: Network, deployment: Deployment) -> None:
    said = deployment.vestibule("provisioning-token", "add", "checker")
    found = re.search(r"token\s+(\S+)", said)
    assert found
    with httpx.Client(
        transport=HostTransport(network.add_host(), deployment.authority),
        base_url=f"{deployment.origin}/scim/v2",
        headers={"Authorization": f"Bearer {found[1]}"},
    ) as http:
        client = Client(http)
        client.discover()
        results = check_server(client)
    assert len(results) > 30
    bad = [one for one in results if one.status in (Status.ERROR, Status.CRITICAL)]
    assert {f"{one.title}: {one.reason}" for one in bad} == ALWAYS_THERE
