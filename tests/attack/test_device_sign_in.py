"""ATTACKS 18, 21: codes for devices guessed, waved through, or used by whom they aren't for (RFC 8628)."""

from typing import Any

import httpx
import pytest

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import form_of, hidden_fields

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_PAGE = "/identity/device"


def client(network: Network, deployment: Deployment) -> httpx.Client:
    transport = HostTransport(network.add_host(), deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


@pytest.fixture(scope="module")
def device(network: Network, deployment: Deployment) -> httpx.Client:
    return client(network, deployment)


def begin(device: httpx.Client) -> dict[str, Any]:
    form = {"client_id": "vestibule-cli", "scope": "openid"}
    begun: dict[str, Any] = device.post("/identity/device-authorization", data=form).json()
    return begun


def poll(device: httpx.Client, begun: dict[str, Any]) -> str:
    form = {
        "grant_type": _GRANT,
        "client_id": "vestibule-cli",
        "device_code": begun["device_code"],
    }
    error: str = device.post("/identity/token", data=form).json().get("error", "")
    return error


def person(network: Network, deployment: Deployment) -> httpx.Client:
    """Alice's browser."""
    browser = client(network, deployment)
    fields = hidden_fields(browser.get(_PAGE).text)
    typed = {"username": "alice", "password": deployment.user("alice").password}
    assert browser.post("/identity/sign-in", data={**fields, **typed}).status_code == 303
    return browser


def type_code(browser: httpx.Client, code: str) -> httpx.Response:
    form = form_of(browser.get(_PAGE).text, _PAGE)
    return browser.post(_PAGE, data={**form, "user_code": code})


def test_off_by_default_then_only_the_right_code_and_a_yes_let_a_device_in(
    network: Network, deployment: Deployment, device: httpx.Client
) -> None:
    begun, browser = begin(device), person(network, deployment)
    assert type_code(browser, begun["user_code"]).status_code == 403
    deployment.vestibule("policy", "set", "--device-sign-in")
    page = eventually(
        lambda: next(
            (page for page in [type_code(browser, begun["user_code"])] if page.is_success), None
        ),
        "the policy to be in force",
        10.0,
    )
    consent = form_of(page.text, f"{_PAGE}/consent")
    forged = {**consent, "decision": "allow", "form_token": "0" * 64}
    assert browser.post(f"{_PAGE}/consent", data=forged).status_code == 403
    elsewhere = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    allow = {**consent, "decision": "allow"}
    assert browser.post(f"{_PAGE}/consent", data=allow, headers=elsewhere).status_code == 403
    assert poll(device, begun) == "authorization_pending"
    assert browser.post(f"{_PAGE}/consent", data={**consent, "decision": "deny"}).is_success
    assert browser.post(f"{_PAGE}/consent", data=allow).status_code == 403
    assert poll(device, begun) == "access_denied"


def test_codes_aren_t_guessed_and_strangers_can_t_try(
    network: Network, deployment: Deployment, device: httpx.Client
) -> None:
    deployment.vestibule("policy", "set", "--device-sign-in")
    begun, guesser = begin(device), person(network, deployment)
    tried = [type_code(guesser, "BCDF-GHJK").status_code for _ in range(6)]
    assert tried == [403] * 5 + [429]
    stranger = client(network, deployment)
    page = stranger.get(_PAGE)
    assert 'name="password"' in page.text
    form = {**hidden_fields(page.text), "user_code": begun["user_code"]}
    assert "consent" not in stranger.post(_PAGE, data=form).text
    assert poll(device, begun) == "authorization_pending"


def test_asking_too_often_slows_down(device: httpx.Client) -> None:
    begun = begin(device)
    assert [poll(device, begun) for _ in range(3)] == ["authorization_pending"] + ["slow_down"] * 2
